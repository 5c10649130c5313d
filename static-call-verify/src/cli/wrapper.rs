//! What `build`, which installs the wrapper of rustc, and `rustc`, which is it, know of each other.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use super::exit::UNREADABLE;

/// The name of the wrapper's link.
pub(super) const NAME: &str = "static-call-rustc";
/// A workspace wrapper that was there before; the wrapper runs it.
pub(super) const INNER: &str = "STATIC_CALL_INNER_WRAPPER";

/// The directory of the wrapper, if that is what the executable was started as.
pub(super) fn directory(name: Option<&OsString>) -> Option<PathBuf> {
    let path = Path::new(name?);
    if path.file_name()? == NAME { path.parent().map(Path::to_owned) } else { None }
}

/// Where the settings of a wrapper lie: apart, since beside an executable they make it a linker.
pub(super) fn settings_directory(wrapper: &Path) -> PathBuf {
    wrapper.join("settings")
}

/// Runs a program in the place of this process, or as near to that as the system has.
pub(super) fn become_command(command: &mut Command) -> ExitCode {
    #[cfg(unix)]
    let error = std::os::unix::process::CommandExt::exec(command);
    #[cfg(not(unix))]
    let error = match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => error,
    };
    eprintln!("static-call: cannot run {}: {error}", Path::new(command.get_program()).display());
    ExitCode::from(UNREADABLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wrapper_is_known_by_its_name() {
        let of = |name: &str| directory(Some(&name.into()));
        assert_eq!(of("/t/static-call/0/static-call-rustc"), Some("/t/static-call/0".into()));
        assert_eq!(of("/bin/cargo-static-call"), None);
        assert_eq!(directory(None), None);
    }
}
