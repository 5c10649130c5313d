//! The crates that get static calls.

/// A published crate.
pub(super) struct Given {
    pub(super) name: &'static str,
    pub(super) version: &'static str,
    /// Packages that are patched with it, and their versions. Their tests run, too.
    pub(super) parts: &'static [(&'static str, &'static str)],
    /// What it is for.
    pub(super) field: &'static str,
    /// The features with which its tests run.
    pub(super) features: &'static [&'static str],
    /// What only its benchmarks need, which both copies leave out.
    pub(super) left_out: &'static [&'static str],
    /// What its tests need, which its manifest had only by path, so that it is not published there.
    pub(super) added: &'static [(&'static str, &'static str)],
    /// Parts of the names of tests that take minutes without optimisation.
    pub(super) too_slow: &'static [&'static str],
    /// What the patch changes, for the table.
    pub(super) made: &'static str,
}

impl Given {
    /// Returns the names and versions of the packages that are patched.
    pub(super) fn packages(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        std::iter::once((self.name, self.version)).chain(self.parts.iter().copied())
    }
}

pub(super) const CRATES: &[Given] = &[
    Given {
        name: "crc32fast",
        version: "1.5.5",
        parts: &[],
        field: "hashing",
        features: &["std"],
        left_out: &["criterion"],
        added: &[],
        too_slow: &[],
        made: "`select` from three implementations; before, each hasher checked features, then \
               branched",
    },
    Given {
        name: "httparse",
        version: "1.10.1",
        parts: &[],
        field: "HTTP",
        features: &["std"],
        left_out: &["criterion"],
        added: &[],
        too_slow: &[],
        made: "`select` from scanners of URIs and header values; before, each call matched an \
               atomic byte",
    },
    Given {
        name: "log",
        version: "0.4.35",
        parts: &[],
        field: "logging",
        features: &["std", "kv"],
        left_out: &[],
        added: &[],
        too_slow: &[],
        made: "a flag for each level; before, macros compared an atomic. `logger()` tests a flag; \
               before, it tested a state",
    },
    Given {
        name: "memchr",
        version: "2.8.3",
        parts: &[],
        field: "search",
        features: &["std"],
        left_out: &[],
        added: &[],
        too_slow: &["packedpair"],
        made: "`select` for seven searches; before, each called through an atomic pointer",
    },
    Given {
        name: "miniz_oxide",
        version: "0.9.1",
        parts: &[],
        field: "compression",
        features: &["std"],
        left_out: &[],
        added: &[],
        too_slow: &[],
        made: "`select` for the inner loop of inflate (BMI2) and for Adler-32 (AVX2); before, \
               there was no choice",
    },
    Given {
        name: "tracing",
        version: "0.1.44",
        parts: &[("tracing-core", "0.1.36")],
        field: "tracing",
        features: &["std"],
        left_out: &["criterion"],
        added: &[("tracing-mock", "0.1.0-beta.3")],
        too_slow: &["event_before_register"],
        made: "a flag for each level; before, macros compared an atomic. Not one for each \
               callsite: code would be rewritten wherever and whenever a callsite is first reached",
    },
    Given {
        name: "twox-hash",
        version: "2.1.5",
        parts: &[],
        field: "hashing",
        features: &["std", "serialize"],
        left_out: &[],
        added: &[],
        too_slow: &[],
        made: "`select` for XXH3 of long input, and for full buffers of a hasher; before, each \
               hash, write and `finish` checked features",
    },
];
