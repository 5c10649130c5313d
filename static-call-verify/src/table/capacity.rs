//! Computes how many calls and jump labels the image of a link can have, from its inputs.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::inputs::InputCounter;
use super::object::Room;
use super::objects::Objects;
use crate::threads;

/// Calls to make room for if inputs are bitcode, whose calls cannot be counted. Too many cost 240
/// KiB, too few a second link.
const UNKNOWN: u32 = 4096;

/// Inputs that are worth a thread.
const PART: usize = 16;

/// What an image can have at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Capacity {
    /// Entries of the table.
    pub(crate) entries: u32,
    /// Jump labels, which the table does not list.
    pub(crate) labels: u32,
}

impl Capacity {
    /// Returns what to reserve, with or without the names of functions.
    pub(crate) fn room(self, names: bool) -> Room {
        let named = self.entries.saturating_add(self.labels);
        Room { entries: self.entries, named: names.then_some(named) }
    }
}

/// Returns the capacity for these inputs; `None` if they have neither calls nor labels.
pub(crate) fn of(inputs: &[PathBuf]) -> Option<Capacity> {
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
    let least = if have_bitcode { UNKNOWN } else { 0 };
    let capacity = Capacity { entries: all.entries().max(least), labels: all.labels() };
    (capacity != Capacity { entries: 0, labels: 0 }).then_some(capacity)
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
        .section static_call_0_1_labels, \"ao\", @progbits, trampolineN
        .skip 48
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
            assert_eq!(of(&objects), Some(Capacity { entries: expected, labels: 2 * last }));
        }
        let mut one = InputCounter::default();
        objects.iter().for_each(|object| one.add(&fs::read(object).unwrap()));
        assert_eq!(one.entries(), expected);
        fs::remove_dir_all(dir).unwrap();
    }

    /// A program that has flags and no calls.
    #[test]
    fn labels_alone_are_counted() {
        let dir = std::env::temp_dir().join(format!("static-call-labels-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let count = |text: &str| {
            let [source, object] = ["s", "o"].map(|end| dir.join(format!("labels.{end}")));
            fs::write(&source, text).unwrap();
            let made = Command::new("as").arg(&source).arg("-o").arg(&object).status();
            assert!(made.unwrap().success());
            of(&[object])
        };
        let records = |section: &str, flags: &str| {
            format!(
                ".text\na: nop\n.section {section}, \"a{flags}\", @progbits{}\n.skip 72\n",
                if flags.is_empty() { "" } else { ", a" }
            )
        };
        let labels = Some(Capacity { entries: 0, labels: 3 });
        assert_eq!(count(&records("static_call_0_1_labels", "o")), labels);
        assert_eq!(count(&records("static_call_0_1_labels", "")), None, "the runtime's anchor");
        assert_eq!(count(&records("static_call_0_2_labels", "o")), None, "another version");
        fs::remove_dir_all(dir).unwrap();
        let room = |names| Capacity { entries: 5, labels: 2 }.room(names);
        assert_eq!(room(true), Room { entries: 5, named: Some(7) });
        assert_eq!(room(false), Room { entries: 5, named: None });
    }

    #[test]
    fn nothing_to_count() {
        assert_eq!(of(&["/nowhere/a.o".into(), "/".into(), "/dev/null".into()]), None);
    }
}
