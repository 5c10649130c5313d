//! The crates that get static calls.

/// A published crate.
pub(super) struct Given {
    pub(super) name: &'static str,
    pub(super) version: &'static str,
    /// What it is for.
    pub(super) field: &'static str,
    /// The features with which its tests run.
    pub(super) features: &'static [&'static str],
    /// What only its benchmarks need, which both copies leave out.
    pub(super) left_out: &'static [&'static str],
    /// Parts of the names of tests that take minutes without optimisation.
    pub(super) slow: &'static [&'static str],
    /// What the patch changes, for the table.
    pub(super) made: &'static str,
}

pub(super) const CRATES: &[Given] = &[
    Given {
        name: "crc32fast",
        version: "1.5.5",
        field: "hashing",
        features: &["std"],
        left_out: &["criterion"],
        slow: &[],
        made: "`select` from three implementations; before, each hasher checked features, then \
               branched",
    },
    Given {
        name: "httparse",
        version: "1.10.1",
        field: "HTTP",
        features: &["std"],
        left_out: &["criterion"],
        slow: &[],
        made: "`select` from scanners of URIs and header values; before, each call matched an \
               atomic byte",
    },
    Given {
        name: "log",
        version: "0.4.35",
        field: "logging",
        features: &["std", "kv"],
        left_out: &[],
        slow: &[],
        made: "a flag for each level; before, macros compared an atomic. `logger()` is a static \
               call; before, it tested a state",
    },
    Given {
        name: "memchr",
        version: "2.8.3",
        field: "search",
        features: &["std"],
        left_out: &[],
        slow: &["packedpair"],
        made: "`select` for seven searches; before, each called through an atomic pointer",
    },
    Given {
        name: "miniz_oxide",
        version: "0.9.1",
        field: "compression",
        features: &["std"],
        left_out: &[],
        slow: &[],
        made: "`select` for the inner loop of inflate (BMI2) and for Adler-32 (AVX2); before, \
               there was no choice",
    },
];
