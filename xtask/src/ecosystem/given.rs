//! The crates that are given static calls.

/// A crate, as it is published.
pub(super) struct Given {
    pub(super) name: &'static str,
    pub(super) version: &'static str,
    /// What it is there for.
    pub(super) field: &'static str,
    /// The features that its tests are run with.
    pub(super) features: &'static [&'static str],
    /// What its benchmarks alone need, and is left out of both copies.
    pub(super) left_out: &'static [&'static str],
    /// Tests that take minutes without optimisation, by parts of their names.
    pub(super) slow: &'static [&'static str],
    /// What the patch makes of it, for the table.
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
        made: "`select` among three implementations, where each hasher asked for features and then \
               branched",
    },
    Given {
        name: "httparse",
        version: "1.10.1",
        field: "HTTP",
        features: &["std"],
        left_out: &["criterion"],
        slow: &[],
        made: "`select` among scanners of URIs and header values, where an atomic byte was matched \
               at each call",
    },
    Given {
        name: "log",
        version: "0.4.35",
        field: "logging",
        features: &["std", "kv"],
        left_out: &[],
        slow: &[],
        made: "a flag for each level, where macros compared an atomic; `logger()` is a static \
               call, where it tested a state",
    },
    Given {
        name: "memchr",
        version: "2.8.3",
        field: "search",
        features: &["std"],
        left_out: &[],
        slow: &["packedpair"],
        made: "`select` for seven searches, where each called through an atomic pointer",
    },
    Given {
        name: "miniz_oxide",
        version: "0.9.1",
        field: "compression",
        features: &["std"],
        left_out: &[],
        slow: &[],
        made: "`select` of the inner loop of inflate (BMI2) and of Adler-32 (AVX2), where there \
               was no choice",
    },
];
