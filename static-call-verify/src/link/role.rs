//! The role in which the process was started.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::install::{BFD, REAL_LD};
use crate::policy::settings;

/// The role of a process.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The linker, from this directory.
    Linker(PathBuf),
    /// Anything else.
    Other,
}

impl Role {
    /// Returns the role according to the first word of the command line.
    pub(crate) fn of_this_process() -> Self {
        Self::of(std::env::args_os().next(), |path| path.is_file())
    }

    fn of(name: Option<OsString>, exists: impl Fn(&Path) -> bool) -> Self {
        let path = name.map(PathBuf::from).unwrap_or_default();
        let (Some(dir), Some(file)) = (path.parent(), path.file_name()) else { return Self::Other };
        if file == REAL_LD || file == BFD || exists(&dir.join(settings::FILE)) {
            Self::Linker(dir.to_owned())
        } else {
            Self::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(name: &str, settings: &str) -> Role {
        Role::of(Some(name.into()), |path| path == Path::new(settings))
    }

    #[test]
    fn a_linker_is_recognised_by_its_name() {
        assert_eq!(role("/o/static-call/real-ld", ""), Role::Linker("/o/static-call".into()));
        assert_eq!(role("d/ld.bfd", ""), Role::Linker("d".into()));
        assert_eq!(role("real-ld", ""), Role::Linker("".into()));
    }

    #[test]
    fn a_linker_is_recognised_by_the_settings_next_to_it() {
        assert_eq!(role("/d/rust-lld", "/d/static-call-settings"), Role::Linker("/d".into()));
        assert_eq!(role("/d/rust-lld", "/e/static-call-settings"), Role::Other);
    }

    #[test]
    fn anything_else() {
        assert_eq!(role("/t/build/x/build-script-build", ""), Role::Other);
        assert_eq!(role("", ""), Role::Other);
        assert_eq!(Role::of(None, |_| true), Role::Other);
    }
}
