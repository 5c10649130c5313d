//! What a finding is called, and what a build makes of it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// What a build makes of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Not reported.
    Allow,
    /// Reported, for information.
    Note,
    /// Reported as a warning.
    Warn,
    /// Reported as an error: the build fails.
    Deny,
}

impl Level {
    /// The word of a policy: `allow`, `note`, `warn` or `deny`.
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

/// A word that names no [`Level`] or no [`FindingKey`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no {what} `{word}`; known are: {known}")]
pub struct UnknownFinding {
    what: &'static str,
    word: String,
    known: String,
}

impl FromStr for Level {
    type Err = UnknownFinding;

    fn from_str(word: &str) -> Result<Self, UnknownFinding> {
        let all = [Self::Allow, Self::Note, Self::Warn, Self::Deny];
        all.into_iter().find(|l| l.as_str() == word).ok_or_else(|| UnknownFinding {
            what: "level",
            word: word.to_owned(),
            known: all.map(Self::as_str).join(", "),
        })
    }
}

macro_rules! finding_keys {
    ($($(#[doc = $doc:literal])+ $variant:ident = $word:literal, $level:ident;)+) => {
        /// Names a kind of finding; its text form is stable.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum FindingKey {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl FindingKey {
            /// Every key.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The stable dotted name.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The level of the default policy.
            #[must_use]
            pub fn default_level(self) -> Level {
                match self { $(Self::$variant => Level::$level,)+ }
            }

            /// What it means, in a sentence or two.
            #[must_use]
            pub fn explanation(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_ascii(),)+ }
            }
        }
    };
}

finding_keys! {
    /// The displacement of a call instruction lies in two aligned quadwords of one cache line, so
    /// that it cannot be rewritten while other threads execute it: the call stays on its trampoline.
    CallGradeLine = "call.grade.line", Note;
    /// A call instruction crosses a cache line, so that it cannot be rewritten while other threads
    /// execute it: the call stays on its trampoline.
    CallGradeStraddle = "call.grade.straddle", Note;
    /// A call instruction has a form that the runtime does not rewrite: a jump with an 8-bit
    /// displacement, which reaches no other target, or an unusual prefix.
    CallForm = "call.form", Note;
    /// A call goes through a GOT slot and could not be rewritten to the direct form.
    CallViaGot = "call.via-got", Warn;
    /// A call goes through the procedure linkage table, because its trampoline's symbol can be
    /// interposed by another object.
    CallViaPlt = "call.via-plt", Warn;
    /// The address of a trampoline is loaded into a register through the GOT, most often for a later
    /// `call reg`: those calls stay on the trampoline.
    CallRegister = "call.register", Warn;
    /// The address of a trampoline is computed or stands in data: calls through it stay on the
    /// trampoline.
    TrampAddressTaken = "tramp.address-taken", Note;
    /// A trampoline does not start at an address that is a multiple of 8.
    TrampMisaligned = "tramp.misaligned", Warn;
    /// The code of a trampoline or of its stub is not what the macros emit.
    TrampBytes = "tramp.bytes", Warn;
    /// Something leads into the middle of a trampoline.
    TrampEntered = "tramp.entered", Warn;
    /// The jump label of a hook or a flag does not lie in one aligned 8 bytes.
    HookMisaligned = "hook.misaligned", Warn;
    /// The code of a jump label is not what the macros emit.
    HookBytes = "hook.bytes", Warn;
    /// The image has static calls but no table for the runtime: it was linked without the hook.
    TableMissing = "table.missing", Note;
    /// The table was filled by another version of the verifier, or the records are another version's.
    TableVersion = "table.version", Warn;
    /// The table does not describe this image: it was changed after the link.
    TableStale = "table.stale", Warn;
    /// A record cannot be read, or names something that is not there.
    RecordCorrupt = "record.corrupt", Warn;
    /// What looks like a call instruction could not be proved to be one: the function around it does
    /// not decode without doubt. It stays on the trampoline.
    ImageUndecodable = "image.undecodable", Warn;
    /// What looks like a call instruction lies in no known function: neither symbols nor unwind
    /// tables cover it. It stays on the trampoline.
    ImageNoFunctionExtents = "image.no-function-extents", Warn;
    /// The image is of a kind that has no static calls or cannot be searched for them.
    ImageUnsupported = "image.unsupported", Warn;
    /// The image is damaged.
    ImageCorrupt = "image.corrupt", Warn;
    /// The compiler is not told to align call instructions, so that about two of five cannot be
    /// rewritten while the program runs. Found by the link hook alone.
    FlagsMissing = "flags.missing", Warn;
}

impl fmt::Display for FindingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for FindingKey {
    type Err = UnknownFinding;

    fn from_str(word: &str) -> Result<Self, UnknownFinding> {
        Self::ALL.iter().copied().find(|k| k.as_str() == word).ok_or_else(|| UnknownFinding {
            what: "finding",
            word: word.to_owned(),
            known: Self::ALL.iter().map(|k| k.as_str()).collect::<Vec<_>>().join(", "),
        })
    }
}

/// The level of every finding. The default denies nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    levels: BTreeMap<FindingKey, Level>,
    source_lines: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self { levels: BTreeMap::new(), source_lines: true }
    }
}

impl Policy {
    /// Sets the level of one finding.
    pub fn set(&mut self, key: FindingKey, level: Level) -> &mut Self {
        self.levels.insert(key, level);
        self
    }

    /// The level of one finding.
    #[must_use]
    pub fn level(&self, key: FindingKey) -> Level {
        self.levels.get(&key).copied().unwrap_or_else(|| key.default_level())
    }

    /// Whether calls are given source lines from debug information; on by default. It takes most
    /// of the time of a verification.
    pub fn set_source_lines(&mut self, on: bool) -> &mut Self {
        self.source_lines = on;
        self
    }

    /// Whether calls are given source lines from debug information.
    #[must_use]
    pub fn source_lines(&self) -> bool {
        self.source_lines
    }
}

impl fmt::Display for Policy {
    /// The levels that differ from the default, as `key=level` with spaces between.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let differing = self.levels.iter().filter(|(k, l)| k.default_level() != **l);
        for (i, (key, level)) in differing.enumerate() {
            write!(f, "{}{key}={level}", if i == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}
