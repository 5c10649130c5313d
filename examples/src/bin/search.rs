//! Searches a file with functions chosen by the processor's features.
//!
//! ```text
//! cargo run --release --bin search [FILE]
//! ```
//!
//! `count` and `find` have a portable body and candidates that use x86 vectors. The file (by
//! default this program) is searched with the default, which is the best candidate that the
//! processor can run, then with every variant that it can run. Every result is compared with a
//! naive implementation. Throughput is printed for information only.
//!
//! Exit code: 0; 1 if a result was wrong or an update failed; 2 if the input cannot be read.

use std::ffi::OsString;
use std::fs::File;
use std::hint::black_box;
use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, iter};

use static_call::{Target, Update, UpdateError, static_call};

/// Returns how often `byte` occurs in `text`.
#[static_call(select(avx2 + popcnt => x86::count_avx2, sse2 => x86::count_sse2))]
fn count(byte: u8, text: &[u8]) -> usize {
    text.iter().filter(|&&b| b == byte).count()
}

/// Returns where `needle` first occurs in `text`.
#[static_call(select(avx2 => x86::find_avx2, sse2 => x86::find_sse2))]
fn find(needle: &[u8], text: &[u8]) -> Option<usize> {
    let (&first, rest) = needle.split_first()?;
    let mut from = 0;
    while let Some(at) = text[from..].iter().position(|&byte| byte == first) {
        let next = from + at + 1;
        if text[next..].starts_with(rest) {
            return Some(next - 1);
        }
        from = next;
    }
    None
}

#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
mod x86 {
    #[cfg(target_arch = "x86")]
    use core::arch::x86::*;
    #[cfg(target_arch = "x86_64")]
    use core::arch::x86_64::*;

    /// Defines the same functions for vectors of different widths.
    macro_rules! vectors {
        (
            $bytes:literal bytes in $vector:ty, as $load:ident $splat:ident $equal:ident
            $and:ident $signs:ident;
            $features:literal: $count:ident; $find_features:literal: $find:ident
        ) => {
            #[target_feature(enable = $features)]
            pub(super) fn $count(byte: u8, text: &[u8]) -> usize {
                let wanted = $splat(byte.cast_signed());
                let (blocks, rest) = text.as_chunks::<$bytes>();
                let mut sum = 0;
                for block in blocks {
                    // SAFETY: a block has as many bytes as are read; any alignment will do.
                    let block = unsafe { $load(block.as_ptr().cast::<$vector>()) };
                    sum += $signs($equal(block, wanted)).count_ones() as usize;
                }
                sum + rest.iter().filter(|&&b| b == byte).count()
            }

            /// Compares only where both the first and the last byte match.
            #[target_feature(enable = $find_features)]
            pub(super) fn $find(needle: &[u8], text: &[u8]) -> Option<usize> {
                let (&first, &last) = (needle.first()?, needle.last()?);
                let (firsts, lasts) = ($splat(first.cast_signed()), $splat(last.cast_signed()));
                let mut at = 0;
                while at + $bytes + needle.len() - 1 <= text.len() {
                    let starts = &text[at..][..$bytes];
                    let ends = &text[at + needle.len() - 1..][..$bytes];
                    // SAFETY: the slice has as many bytes as are read; any alignment will do.
                    let starts = unsafe { $load(starts.as_ptr().cast::<$vector>()) };
                    // SAFETY: as above.
                    let ends = unsafe { $load(ends.as_ptr().cast::<$vector>()) };
                    let both = $and($equal(starts, firsts), $equal(ends, lasts));
                    let mut places = $signs(both).cast_unsigned();
                    while places != 0 {
                        let place = at + places.trailing_zeros() as usize;
                        if text[place..].starts_with(needle) {
                            return Some(place);
                        }
                        places &= places - 1;
                    }
                    at += $bytes;
                }
                let rest = text[at..].windows(needle.len()).position(|window| window == needle)?;
                Some(at + rest)
            }
        };
    }

    vectors! {
        16 bytes in __m128i, as _mm_loadu_si128 _mm_set1_epi8 _mm_cmpeq_epi8
        _mm_and_si128 _mm_movemask_epi8;
        "sse2": count_sse2; "sse2": find_sse2
    }

    vectors! {
        32 bytes in __m256i, as _mm256_loadu_si256 _mm256_set1_epi8 _mm256_cmpeq_epi8
        _mm256_and_si256 _mm256_movemask_epi8;
        "avx2,popcnt": count_avx2; "avx2": find_avx2
    }
}

/// A way to force `count` and `find` to one pair of functions.
struct Variant {
    name: &'static str,
    force: fn() -> Result<(Update, Update), UpdateError>,
}

/// Returns what this processor can run: the default, the portable functions, and each candidate.
fn variants() -> Vec<Variant> {
    let default = Variant { name: "default", force: || Ok((count::reset()?, find::reset()?)) };
    let portable = Variant {
        name: "portable",
        force: || Ok((count::update(count::original)?, find::update(find::original)?)),
    };
    [default, portable].into_iter().chain(candidates()).collect()
}

#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
fn candidates() -> Vec<Variant> {
    let mut found = Vec::new();
    if is_x86_feature_detected!("sse2") {
        found.push(Variant {
            name: "sse2",
            force: || {
                // SAFETY: this variant exists only if the processor has `sse2`.
                let count = unsafe { count::force_count_sse2()? };
                // SAFETY: as above.
                let find = unsafe { find::force_find_sse2()? };
                Ok((count, find))
            },
        });
    }
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("popcnt") {
        found.push(Variant {
            name: "avx2",
            force: || {
                // SAFETY: as above, with `avx2` and `popcnt`.
                let count = unsafe { count::force_count_avx2()? };
                // SAFETY: as above.
                let find = unsafe { find::force_find_avx2()? };
                Ok((count, find))
            },
        });
    }
    found
}

/// There are candidates only for x86.
#[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
fn candidates() -> Vec<Variant> {
    Vec::new()
}

/// A search and its correct result.
enum Task<'a> {
    Count(u8, usize),
    Find(&'a [u8], Option<usize>),
}

impl<'a> Task<'a> {
    /// The naive implementation's answer.
    fn count(byte: u8, text: &[u8]) -> Self {
        let mut sum = 0;
        for &b in text {
            if b == byte {
                sum += 1;
            }
        }
        Self::Count(byte, sum)
    }

    /// The naive implementation's answer.
    fn find(needle: &'a [u8], text: &[u8]) -> Self {
        let at = text.windows(needle.len()).position(|window| window == needle);
        Self::Find(needle, at)
    }

    /// Returns whether the static calls give the correct result.
    fn is_right(&self, text: &[u8]) -> bool {
        match *self {
            Self::Count(byte, expected) => count(black_box(byte), text) == expected,
            Self::Find(needle, expected) => find(black_box(needle), text) == expected,
        }
    }
}

/// Bytes of the file that are searched. The naive implementation reads them once per task.
const LONGEST: u64 = 4 << 20;
/// How long each variant is timed.
const TIME: Duration = Duration::from_millis(100);
/// Hardly in any file; if it is, throughput is measured up to there.
const NEEDLE: [u8; 12] = [0xf5, 1, 0xf6, 2, 0xf7, 3, 0xf8, 4, 0xf9, 5, 0xfa, 6];

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let (first, more) = (arguments.next(), arguments.next());
    if more.is_some() || first.as_ref().is_some_and(|a| a.as_encoded_bytes().starts_with(b"-")) {
        eprintln!("usage: search [FILE]");
        return ExitCode::from(2);
    }
    let (path, text) = match input(first) {
        Ok(input) => input,
        Err(message) => {
            eprintln!("search: {message}");
            return ExitCode::from(2);
        }
    };
    println!("{}: {} bytes\n", path.display(), text.len());
    // Selects the defaults before the first call, and makes the calls inline.
    if let Err(error) = static_call::init() {
        eprintln!("search: init failed: {error}");
    }
    println!("count calls {}", chosen(&count::query()));
    println!("find  calls {}\n", chosen(&find::query()));
    match run(&text) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(wrong) => {
            eprintln!("search: {wrong} results were wrong");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("search: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns the file to search and its first [`LONGEST`] bytes.
fn input(argument: Option<OsString>) -> Result<(PathBuf, Vec<u8>), String> {
    let path = match argument {
        Some(path) => path.into(),
        None => env::current_exe().map_err(|e| format!("cannot find this program's file: {e}"))?,
    };
    let mut text = Vec::new();
    File::open(&path)
        .and_then(|file| file.take(LONGEST).read_to_end(&mut text))
        .map_err(|e| format!("cannot read {}: {e}", path.display()))?;
    if text.is_empty() {
        return Err(format!("{} is empty; name a file that is not", path.display()));
    }
    Ok((path, text))
}

fn chosen(target: &Target) -> String {
    let features = target.features().unwrap_or("no special features");
    format!("{}, which needs {features}", target.name())
}

/// Searches with every variant and prints the results. Returns how many were wrong.
fn run(text: &[u8]) -> Result<usize, UpdateError> {
    let tasks = tasks(text);
    let read = find::original(&NEEDLE, text).map_or(text, |at| &text[..at + NEEDLE.len()]);
    let mut wrong = 0;
    println!("{:<12} {:>7} {:>7} {:>14} {:>14}", "variant", "results", "wrong", "count", "find");
    for variant in variants() {
        (variant.force)()?;
        let bad = tasks.iter().filter(|(text, task)| !task.is_right(text)).count();
        wrong += bad;
        let counted = throughput(text, || count(black_box(b'\n'), text));
        let found = throughput(read, || find(black_box(&NEEDLE), read));
        println!(
            "{:<12} {:>7} {bad:>7} {counted:>9.2} GB/s {found:>9.2} GB/s",
            variant.name,
            tasks.len()
        );
    }
    count::reset()?;
    find::reset()?;
    Ok(wrong)
}

/// Returns texts and what to search them for.
fn tasks(text: &[u8]) -> Vec<(&[u8], Task<'_>)> {
    let whole = |task| (text, task);
    let bytes = [0, b'\n', b' ', b'e', 0x7f, 0xff];
    let counts = bytes.map(|byte| whole(Task::count(byte, text)));
    // Needles from all over the file, with lengths around those of vectors.
    let lengths = [1, 2, 3, 8, 15, 16, 17, 31, 32, 33, 70];
    let needles = lengths.iter().enumerate().filter_map(|(i, &length)| {
        let start = text.len() / lengths.len() * i;
        text.get(start..start + length)
    });
    let end = &text[text.len().saturating_sub(9)..];
    let needles = needles.chain([end, &NEEDLE[..]]).filter(|needle| !needle.is_empty());
    let finds = needles.map(|needle| whole(Task::find(needle, text)));
    // Short texts, where a vector ends before or after the end of the text.
    let shorts = (0..text.len().min(100)).flat_map(|length| {
        let part = &text[..length];
        let needle = &text[length / 2..=length];
        let inside = &text[length / 2..length.max(length / 2 + 1)];
        [
            (part, Task::count(needle[0], part)),
            (part, Task::find(needle, part)),
            (part, Task::find(inside, part)),
        ]
    });
    counts.into_iter().chain(finds).chain(shorts).collect()
}

/// Returns bytes per nanosecond.
fn throughput<R>(text: &[u8], search: impl Fn() -> R) -> f64 {
    let start = Instant::now();
    let searches =
        iter::repeat_with(|| black_box(search())).take_while(|_| start.elapsed() < TIME).count();
    (text.len() * searches.max(1)) as f64 / start.elapsed().as_nanos() as f64
}
