//! `select` on keys of every shape.

use static_call::{call, static_call};

#[cfg(target_arch = "x86_64")]
macro_rules! has {
    ($($feature:tt)*) => {
        $(is_x86_feature_detected!($feature))&&*
    };
}

#[cfg(not(target_arch = "x86_64"))]
macro_rules! has {
    ($($feature:tt)*) => {
        false
    };
}

#[derive(Clone, Debug, PartialEq)]
struct Large {
    words: [u64; 5],
    text: String,
}

struct Filter<'a> {
    word: &'a str,
}

fn sum(large: &Large) -> u64 {
    large.words.iter().sum()
}

#[static_call(select(avx2 => joined_wide))]
fn joined<'a>(large: Large, by: u64, name: &'a str, _: &str) -> (&'a str, Large, u64) {
    let sum = sum(&large) + by;
    (name, large, sum)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn joined_wide<'a>(mut large: Large, by: u64, name: &'a str, _: &str) -> (&'a str, Large, u64) {
    large.text.push_str(" wide");
    let sum = sum(&large) + by;
    (name, large, sum)
}

/// # Safety
///
/// 1. `at` is readable.
#[static_call(select(
    // SAFETY: the key's promise is the candidate's.
    avx2 + bmi2 => unsafe read_wide,
    sse2 => read_safe,
))]
unsafe fn read(at: *const u8) -> u8 {
    // SAFETY: promise 1.
    unsafe { *at }
}

/// # Safety
///
/// 1. `at` is readable.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi2")]
unsafe fn read_wide(at: *const u8) -> u8 {
    // SAFETY: promise 1.
    unsafe { *at + 1 }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse2")]
fn read_safe(_: *const u8) -> u8 {
    7
}

#[static_call]
impl<'a> Filter<'a> {
    #[static_call(select(sse2 => Self::find_narrow, neon => Filter::find_arm))]
    fn find<'b>(&self, lines: &[&'b str], _: Option<Self>) -> Option<&'b str> {
        lines.iter().copied().find(|line| line.contains(self.word))
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "sse2")]
    fn find_narrow<'b>(&self, lines: &[&'b str], _: Option<Self>) -> Option<&'b str> {
        lines.iter().copied().rfind(|line| line.contains(self.word))
    }

    #[cfg(target_arch = "aarch64")]
    #[target_feature(enable = "neon")]
    fn find_arm<'b>(&self, lines: &[&'b str], _: Option<Self>) -> Option<&'b str> {
        lines.iter().copied().rfind(|line| line.contains(self.word))
    }

    #[static_call(select(
        #[cfg(target_arch = "x86_64")] aes => Self::x86,
        #[cfg(target_arch = "aarch64")] aes => Self::arm,
    ))]
    fn word(&self) -> &'a str {
        self.word
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "aes")]
    fn x86(&self) -> &'a str {
        &self.word[1..]
    }

    #[cfg(target_arch = "aarch64")]
    #[target_feature(enable = "aes")]
    fn arm(&self) -> &'a str {
        &self.word[1..]
    }
}

#[test]
fn large_arguments_and_lifetimes() {
    let name = String::from("name");
    let large = Large { words: [1, 2, 3, 4, 5], text: String::from("text") };
    let result = {
        let shorter = String::from("x");
        joined(large.clone(), 1, &name, &shorter)
    };
    let text = if has!("avx2") { "text wide" } else { "text" };
    assert_eq!(result, ("name", Large { text: text.to_owned(), ..large.clone() }, 16));
    static_call::init().unwrap();
    assert_eq!(call!(joined(large.clone(), 1, &name, "")), result);
    joined::update(joined::original).unwrap();
    assert_eq!(joined(large.clone(), 1, &name, ""), ("name", large, 16));
}

#[test]
fn unsafe_functions() {
    let expected = match (has!("avx2" "bmi2"), has!("sse2")) {
        (true, _) => 4,
        (false, true) => 7,
        (false, false) => 3,
    };
    // SAFETY: a reference is readable.
    assert_eq!(unsafe { read(&3) }, expected);
    // SAFETY: as above.
    assert_eq!(unsafe { read::original(&3) }, 3);
}

#[test]
fn methods() {
    let filter = Filter { word: "a" };
    let lines = ["ab", "b", "ba"];
    let expected = if has!("sse2") || cfg!(target_arch = "aarch64") { "ba" } else { "ab" };
    assert_eq!(filter.find(&lines, None), Some(expected));
    assert_eq!(call!(Filter::find(&filter, &lines, None)), Some(expected));
    assert_eq!(filter.original_find(&lines, None), Some("ab"));
    Filter::FIND.update(|_, _, _| None).unwrap();
    assert_eq!(filter.find(&lines, None), None);
    #[cfg(target_arch = "x86_64")]
    {
        // SAFETY: every x86-64 processor has sse2.
        unsafe { Filter::force_find_find_narrow().unwrap() };
        assert_eq!(filter.find(&lines, None), Some("ba"));
        assert!(Filter::FIND.query().name().ends_with("find_narrow"));
    }
    Filter::FIND.reset().unwrap();
    assert_eq!(filter.find(&lines, None), Some(expected));
    assert!(["word", "ord"].contains(&Filter { word: "word" }.word()));
}
