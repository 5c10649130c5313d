//! Collects findings under a policy.

use crate::policy::{FindingKey, Level, Policy};
use crate::report::{Finding, Source};

/// The findings so far.
#[derive(Debug)]
pub(crate) struct Findings<'p> {
    policy: &'p Policy,
    list: Vec<Finding>,
}

impl<'p> Findings<'p> {
    pub(crate) fn new(policy: &'p Policy) -> Self {
        Self { policy, list: Vec::new() }
    }

    pub(crate) fn add(
        &mut self,
        key: FindingKey,
        address: Option<u64>,
        source: Option<Source>,
        message: String,
    ) {
        let severity = self.policy.level(key);
        if severity != Level::Allow {
            self.list.push(Finding { key, severity, message, address, source });
        }
    }

    /// A record that cannot be read or contradicts another.
    pub(crate) fn record(&mut self, address: u64, message: &str) {
        self.add(FindingKey::RecordCorrupt, Some(address), None, message.to_owned());
    }

    /// Those so far that people are shown unless they ask for notes.
    pub(crate) fn shown(&self) -> impl Iterator<Item = &Finding> {
        self.list.iter().filter(|f| f.severity > Level::Note)
    }

    /// The findings, by severity (worst first), key and address.
    pub(crate) fn finish(mut self) -> Vec<Finding> {
        self.list.sort_by(|a, b| {
            (b.severity, a.key, a.address, &a.source)
                .cmp(&(a.severity, b.key, b.address, &b.source))
        });
        self.list
    }
}

/// Bytes as they are written in messages, each after a blank.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!(" {b:02x}")).collect()
}
