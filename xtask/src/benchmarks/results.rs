//! What was measured.

use serde::Serialize;

use super::code::Code;
use super::targets::Target;
use crate::bench::Links;
use crate::footprint::Footprint;
use crate::spread::Spread;

/// All results of a run.
#[derive(Serialize)]
pub(super) struct Results {
    /// Date, command, compiler and processors.
    pub(super) heading: String,
    /// The machine's load over fifteen minutes, before and after.
    pub(super) load: [String; 2],
    pub(super) sections: Vec<Section>,
    pub(super) size: Option<Cost<Footprint>>,
    pub(super) link_time: Option<Cost<Links>>,
}

/// What was measured by building and linking.
#[derive(Serialize)]
pub(super) struct Cost<T> {
    pub(super) title: &'static str,
    pub(super) measured: T,
    /// The same as tables.
    #[serde(skip)]
    pub(super) text: String,
    pub(super) targets: Vec<Target>,
}

/// The results of one program.
#[derive(Serialize)]
pub(super) struct Section {
    pub(super) title: &'static str,
    /// What the measured programs say about themselves.
    pub(super) programs: Vec<Described>,
    pub(super) workloads: Vec<Workload>,
    /// The code of generated workloads: the names of workload and way.
    pub(super) code: Vec<(String, String, Code)>,
    pub(super) targets: Vec<Target>,
}

/// A program as it ran.
#[derive(Serialize)]
pub(super) struct Described {
    pub(super) program: &'static str,
    pub(super) name: &'static str,
    pub(super) says: Vec<(String, String)>,
}

/// The results for one workload.
#[derive(Serialize)]
pub(super) struct Workload {
    pub(super) name: String,
    /// The ways whose mean all are compared with.
    pub(super) base: Vec<String>,
    pub(super) rows: Vec<Row>,
}

/// The results for one way to do a workload's work.
#[derive(Serialize)]
pub(super) struct Row {
    pub(super) name: String,
    /// Nanoseconds for an operation.
    pub(super) ns: Spread,
    /// The same divided by the mean of `base`, in the same round and process.
    pub(super) ratio: Spread,
}

impl Workload {
    /// Returns the row of this name.
    pub(super) fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name)
    }

    /// Returns what all ways are compared with, in words.
    pub(super) fn unit(&self) -> String {
        let mean = if self.base.len() > 1 { "mean of " } else { "" };
        format!("{mean}{} = 1", self.base.join(" and "))
    }
}

impl Section {
    pub(super) fn new(title: &'static str) -> Self {
        Self {
            title,
            programs: Vec::new(),
            workloads: Vec::new(),
            code: Vec::new(),
            targets: Vec::new(),
        }
    }
}
