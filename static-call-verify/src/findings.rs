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

    /// Adds a finding for a record that cannot be read or that contradicts another.
    pub(crate) fn record(&mut self, address: u64, message: &str) {
        self.add(FindingKey::RecordCorrupt, Some(address), None, message.to_owned());
    }

    /// Returns the findings so far that are shown by default, which excludes notes.
    pub(crate) fn shown(&self) -> impl Iterator<Item = &Finding> {
        self.list.iter().filter(|f| f.severity > Level::Note)
    }

    /// Returns the findings, sorted by severity (worst first), key and address.
    pub(crate) fn finish(mut self) -> Vec<Finding> {
        self.list.sort_by(|a, b| {
            (b.severity, a.key, a.address, &a.source)
                .cmp(&(a.severity, b.key, b.address, &b.source))
        });
        self.list
    }
}

/// Formats bytes for messages, each after a space.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!(" {b:02x}")).collect()
}
