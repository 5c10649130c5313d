//! The processor features that `select` accepts: those that stable Rust can both enable and detect.

/// An architecture with its own features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arch {
    /// x86 and x86-64.
    X86,
    /// AArch64.
    Aarch64,
}

impl Arch {
    pub(crate) const ALL: [Self; 2] = [Self::X86, Self::Aarch64];

    /// The name in messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::X86 => "x86",
            Self::Aarch64 => "aarch64",
        }
    }

    /// Its values of `target_arch`.
    pub(crate) fn targets(self) -> &'static [&'static str] {
        match self {
            Self::X86 => &["x86", "x86_64"],
            Self::Aarch64 => &["aarch64"],
        }
    }

    fn features(self) -> &'static [&'static str] {
        match self {
            Self::X86 => X86,
            Self::Aarch64 => AARCH64,
        }
    }

    /// Whether it has this feature.
    pub(crate) fn has(self, feature: &str) -> bool {
        self.features().contains(&feature)
    }
}

const X86: &[&str] = &[
    "adx",
    "aes",
    "avx",
    "avx2",
    "avx512bf16",
    "avx512bitalg",
    "avx512bw",
    "avx512cd",
    "avx512dq",
    "avx512f",
    "avx512fp16",
    "avx512ifma",
    "avx512vbmi",
    "avx512vbmi2",
    "avx512vl",
    "avx512vnni",
    "avx512vp2intersect",
    "avx512vpopcntdq",
    "avxifma",
    "avxneconvert",
    "avxvnni",
    "avxvnniint16",
    "avxvnniint8",
    "bmi1",
    "bmi2",
    "cmpxchg16b",
    "f16c",
    "fma",
    "fxsr",
    "gfni",
    "kl",
    "lzcnt",
    "movbe",
    "pclmulqdq",
    "popcnt",
    "rdrand",
    "rdseed",
    "sha",
    "sha512",
    "sm3",
    "sm4",
    "sse",
    "sse2",
    "sse3",
    "sse4.1",
    "sse4.2",
    "sse4a",
    "ssse3",
    "tbm",
    "vaes",
    "vpclmulqdq",
    "widekl",
    "xsave",
    "xsavec",
    "xsaveopt",
    "xsaves",
];

const AARCH64: &[&str] = &[
    "aes",
    "bf16",
    "bti",
    "crc",
    "dit",
    "dotprod",
    "dpb",
    "dpb2",
    "f32mm",
    "f64mm",
    "fcma",
    "fhm",
    "flagm",
    "fp16",
    "frintts",
    "i8mm",
    "jsconv",
    "lse",
    "mte",
    "neon",
    "rand",
    "rcpc",
    "rcpc2",
    "rdm",
    "sb",
    "sha2",
    "sha3",
    "sm4",
    "ssbs",
    "sve",
    "sve2",
    "sve2-aes",
    "sve2-bitperm",
    "sve2-sha3",
    "sve2-sm4",
];

/// The vector extensions of x86, each of which implies all before it.
const LADDER: [&str; 9] =
    ["sse", "sse2", "sse3", "ssse3", "sse4.1", "sse4.2", "avx", "avx2", "avx512f"];

/// How far up the ladder a feature reaches; 0 if it is not on it.
fn height(feature: &str) -> usize {
    let step = match feature {
        "fma" | "f16c" => "avx",
        _ if feature.starts_with("avx512") => "avx512f",
        _ => feature,
    };
    LADDER.iter().position(|&rung| rung == step).map_or(0, |at| at + 1)
}

/// Whether every processor with `having` also has `feature`, as far as is known here.
pub(crate) fn implies(having: &str, feature: &str) -> bool {
    let own = LADDER.iter().position(|&rung| rung == feature);
    having == feature || own.is_some_and(|at| at < height(having))
}

/// Returns at most three features with similar names, the most similar first.
pub(crate) fn near(unknown: &str) -> Vec<&'static str> {
    let plain = |name: &str| name.to_lowercase().replace(['.', '-', '_'], "");
    let wanted = plain(unknown);
    let mut found: Vec<_> = Arch::ALL
        .into_iter()
        .flat_map(|arch| arch.features())
        .map(|&name| (distance(&wanted, &plain(name)), name))
        .filter(|&(distance, name)| {
            distance <= 1 + wanted.len() / 6 || wanted.len() > 2 && name.starts_with(&wanted)
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    found.into_iter().map(|(_, name)| name).take(3).collect()
}

/// The Levenshtein distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], i + 1);
        for (j, &y) in b.iter().enumerate() {
            let replaced = corner + usize::from(x != y);
            corner = row[j + 1];
            row[j + 1] = replaced.min(corner + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::{AARCH64, LADDER, X86, implies, near};

    #[test]
    fn near_names_are_found() {
        assert_eq!(near("avx3"), ["avx", "avx2"]);
        assert_eq!(near("sse42"), ["sse4.2", "sse2", "sse4.1"]);
        assert_eq!(near("sse4_1"), ["sse4.1", "sse4.2", "sse4a"]);
        assert_eq!(near("AVX2")[0], "avx2");
        assert_eq!(near("avx512")[0], "avx512f");
        assert_eq!(near("neom"), ["neon"]);
        assert!(near("hyperdrive").is_empty());
    }

    #[test]
    fn later_extensions_bring_the_earlier() {
        assert!(implies("avx2", "sse4.2") && implies("avx512bw", "avx2") && implies("fma", "avx"));
        assert!(implies("popcnt", "popcnt") && !implies("avx", "avx2") && !implies("bmi2", "sse"));
        assert!(!implies("avx2", "fma") && !implies("sse4a", "sse3"));
    }

    #[test]
    fn the_lists_are_in_order() {
        assert!(X86.is_sorted() && AARCH64.is_sorted());
        assert!(LADDER.iter().all(|rung| X86.contains(rung)));
    }
}
