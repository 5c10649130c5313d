//! The level of each finding.

use std::collections::BTreeMap;
use std::fmt;

use super::keys::FindingKey;
use super::level::Level;
use super::names::UnknownName;

/// The level of every finding, and what a verification does. The default denies nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    levels: BTreeMap<FindingKey, Level>,
    source_lines: bool,
    binds_defaults: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self { levels: BTreeMap::new(), source_lines: true, binds_defaults: false }
    }
}

impl Policy {
    /// Sets the level of one finding.
    pub fn set(&mut self, key: FindingKey, level: Level) -> &mut Self {
        self.levels.insert(key, level);
        self
    }

    /// Sets the level of every finding that matches a name or a pattern such as `call.grade.*`.
    /// Later calls override earlier ones.
    ///
    /// # Errors
    ///
    /// Fails if the word matches no finding.
    pub fn set_matching(&mut self, word: &str, level: Level) -> Result<&mut Self, UnknownName> {
        for key in FindingKey::matching(word)? {
            self.set(key, level);
        }
        Ok(self)
    }

    /// Returns the level of one finding.
    #[must_use]
    pub fn level(&self, key: FindingKey) -> Level {
        self.levels.get(&key).copied().unwrap_or_else(|| key.default_level())
    }

    /// Sets whether calls get source lines from debug information; on by default. This takes most
    /// of the time of a verification.
    pub fn set_source_lines(&mut self, on: bool) -> &mut Self {
        self.source_lines = on;
        self
    }

    /// Returns whether calls get source lines from debug information.
    #[must_use]
    pub fn source_lines(&self) -> bool {
        self.source_lines
    }

    /// Sets whether stamping lets calls lead to their defaults; off by default. See
    /// [`LinkHook::bind_defaults`](crate::LinkHook::bind_defaults).
    pub fn set_bind_defaults(&mut self, on: bool) -> &mut Self {
        self.binds_defaults = on;
        self
    }

    /// Returns whether stamping lets calls lead to their defaults.
    #[must_use]
    pub fn binds_defaults(&self) -> bool {
        self.binds_defaults
    }
}

impl fmt::Display for Policy {
    /// Writes the levels that differ from the default as `key=level`, separated by spaces.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let differing = self.levels.iter().filter(|(k, l)| k.default_level() != **l);
        for (i, (key, level)) in differing.enumerate() {
            write!(f, "{}{key}={level}", if i == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}
