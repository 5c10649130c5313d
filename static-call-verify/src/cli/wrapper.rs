//! What `build`, which installs the wrapper of rustc, and `rustc`, which is that wrapper, share.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use super::exit::UNREADABLE;

/// The file name of the wrapper's link.
pub(super) const NAME: &str = "static-call-rustc";
/// The variable with the workspace wrapper that was set before. Our wrapper runs it.
pub(super) const INNER: &str = "STATIC_CALL_INNER_WRAPPER";

/// Returns the directory of the wrapper, if the executable was started as one.
pub(super) fn directory(name: Option<&OsString>) -> Option<PathBuf> {
    let path = Path::new(name?);
    if path.file_name()? == NAME { path.parent().map(Path::to_owned) } else { None }
}

/// Returns the directory of a wrapper's settings. It is separate, because settings next to an
/// executable make it a linker.
pub(super) fn settings_directory(wrapper: &Path) -> PathBuf {
    wrapper.join("settings")
}

/// Replaces this process with a program, or comes as close to that as the system allows.
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
    fn the_wrapper_is_recognised_by_its_name() {
        let of = |name: &str| directory(Some(&name.into()));
        assert_eq!(of("/t/static-call/0/static-call-rustc"), Some("/t/static-call/0".into()));
        assert_eq!(of("/bin/cargo-static-call"), None);
        assert_eq!(directory(None), None);
    }
}
