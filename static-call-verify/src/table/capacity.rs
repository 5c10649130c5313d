//! Computes how many table entries a link needs, from its inputs.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::inputs::InputCounter;
use super::objects::Objects;
use crate::threads;

/// Room if inputs are bitcode, whose calls cannot be counted. Too much costs 48 KiB, too little a
/// second link.
const UNKNOWN: u32 = 4096;

/// Inputs that are worth a thread.
const PART: usize = 16;

/// Returns the number of entries for these inputs; `None` if they have no static calls.
pub(crate) fn of(inputs: &[PathBuf]) -> Option<u32> {
    let next = AtomicUsize::new(0);
    let count = |_| {
        let mut counter = InputCounter::default();
        let mut objects = Objects::default();
        while let Some(input) = inputs.get(next.fetch_add(1, Relaxed)) {
            if !is_of_toolchain(input) {
                // The linker will complain about what cannot be read.
                let _ = objects.read(input, |object| counter.add(object));
            }
        }
        (counter, objects.have_bitcode)
    };
    let mut all = InputCounter::default();
    let mut have_bitcode = false;
    for (counter, has_bitcode) in threads::each(threads::count(inputs.len(), PART), count) {
        all.merge(counter);
        have_bitcode |= has_bitcode;
    }
    match all.entries() {
        n if have_bitcode => Some(n.max(UNKNOWN)),
        0 => None,
        n => Some(n),
    }
}

/// Returns whether a file belongs to the toolchain. The standard library has no static calls, and
/// is most of what a small program links.
fn is_of_toolchain(path: &Path) -> bool {
    path.to_str().is_some_and(|p| p.contains("/lib/rustlib/"))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;

    /// Defines a trampoline named after `N` and calls it once; calls the one named after `M` `N`
    /// times.
    const ASSEMBLY: &str = "
        .section .text.t, \"ax\", @progbits
        .globl trampolineN
    trampolineN: jmp .
        .section static_call_0_1_trampolines, \"ao\", @progbits, trampolineN
        .long trampolineN - .
        .text
        call trampolineN
        .rept N
        call trampolineM
        .endr
";

    #[test]
    fn several_threads_count_everything() {
        let dir = std::env::temp_dir().join(format!("static-call-capacity-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let objects: Vec<PathBuf> = (1..=2 * PART + 3)
            .map(|n| {
                let [source, object] = ["s", "o"].map(|end| dir.join(format!("{n}.{end}")));
                let text = ASSEMBLY.replace('N', &n.to_string()).replace('M', &(n + 1).to_string());
                fs::write(&source, text).unwrap();
                let made = Command::new("as").arg(&source).arg("-o").arg(&object).status();
                assert!(made.unwrap().success());
                object
            })
            .collect();
        let last = objects.len() as u32;
        // The trampoline after the last one is not defined anywhere.
        let expected = (1..last).sum::<u32>() + last;
        for _ in 0..20 {
            assert_eq!(of(&objects), Some(expected));
        }
        let mut one = InputCounter::default();
        objects.iter().for_each(|object| one.add(&fs::read(object).unwrap()));
        assert_eq!(one.entries(), expected);
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn nothing_to_count() {
        assert_eq!(of(&["/nowhere/a.o".into(), "/".into(), "/dev/null".into()]), None);
    }
}
