//! How a build treats a finding.

use std::fmt;
use std::str::FromStr;

use super::names::UnknownName;

/// How a build treats a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The finding is not reported.
    Allow,
    /// The finding is reported for information.
    Note,
    /// The finding is reported as a warning.
    Warn,
    /// The finding is reported as an error, and the build fails.
    Deny,
}

impl Level {
    /// Every level, mildest first.
    pub const ALL: [Self; 4] = [Self::Allow, Self::Note, Self::Warn, Self::Deny];

    /// Returns the level's name in a policy: `allow`, `note`, `warn` or `deny`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Note => "note",
            Self::Warn => "warn",
            Self::Deny => "deny",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Level {
    type Err = UnknownName;

    fn from_str(word: &str) -> Result<Self, UnknownName> {
        let level = Self::ALL.into_iter().find(|l| l.as_str() == word);
        let known = Self::ALL.into_iter().map(Self::as_str);
        level.ok_or_else(|| UnknownName::new("level", word, known))
    }
}
