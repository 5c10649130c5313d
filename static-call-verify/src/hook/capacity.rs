//! How many entries the table of a link needs, from the link's inputs.

use std::path::{Path, PathBuf};

use super::objects::Objects;
use crate::InputCounter;

/// Room where the inputs are bitcode, so that the calls are not there to be counted. Too much
/// costs 48 KiB, too little a second link.
const UNKNOWN: u32 = 4096;

/// Entries for these inputs; `None` if there are no static calls in them.
pub(crate) fn of(inputs: &[PathBuf]) -> Option<u32> {
    let mut counter = InputCounter::default();
    let mut objects = Objects::default();
    for input in inputs.iter().filter(|path| !is_of_toolchain(path)) {
        // What cannot be read is the linker's to complain about.
        let _ = objects.read(input, |object| counter.add(object));
    }
    match counter.entries() {
        n if objects.have_bitcode => Some(n.max(UNKNOWN)),
        0 => None,
        n => Some(n),
    }
}

/// The standard library has no static calls, and is most of what a small program links.
fn is_of_toolchain(path: &Path) -> bool {
    path.to_str().is_some_and(|p| p.contains("/lib/rustlib/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_to_count() {
        assert_eq!(of(&["/nowhere/a.o".into(), "/".into(), "/dev/null".into()]), None);
    }
}
