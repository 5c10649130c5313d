//! Makes a compiler driver run the hook as its linker.
//!
//! The driver is not recognised by its name, which says little (`cc`, wrappers, cross compilers).
//! Instead it is called on trial, and the linker answers if it was run.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::{fmt, io};

use super::args::{ANSWER, TRIAL, split};
use super::install::{BFD, REAL_LD, install};

/// A way to hook a driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// GCC: collect2 runs `real-ld` from a `-B` directory, whatever `-fuse-ld` says.
    Prefix,
    /// clang 12 and later: `--ld-path` names the linker and does not affect other uses of
    /// `-fuse-ld`.
    LdPath,
    /// Older clang: `ld.bfd` from a `-B` directory. This hides the linker that the user chose, but
    /// the driver's command line still has it.
    Bfd,
}

impl Way {
    const ALL: [Self; 3] = [Self::Prefix, Self::LdPath, Self::Bfd];

    /// Returns the driver's arguments.
    pub(crate) fn arguments(self, dir: &Path) -> Vec<String> {
        let dir = dir.display();
        match self {
            Self::Prefix => vec![format!("-B{dir}")],
            Self::LdPath => vec![format!("--ld-path={dir}/{REAL_LD}")],
            Self::Bfd => vec![format!("-B{dir}"), "-fuse-ld=bfd".to_owned()],
        }
    }

    /// Returns the name under which the driver runs the hook.
    fn file(self) -> &'static str {
        match self {
            Self::Prefix | Self::LdPath => REAL_LD,
            Self::Bfd => BFD,
        }
    }
}

/// Why a driver could not be hooked.
#[derive(Debug)]
pub(crate) enum DriverError {
    Run {
        driver: String,
        source: io::Error,
    },
    /// No option makes it run another linker.
    Deaf {
        driver: String,
    },
    Install {
        dir: PathBuf,
        source: io::Error,
    },
}

impl fmt::Display for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run { driver, source } => write!(f, "cannot run `{driver}`: {source}"),
            Self::Deaf { driver } => {
                write!(f, "neither `-B` nor `--ld-path` makes `{driver}` run another linker")
            }
            Self::Install { dir, source } => {
                write!(f, "cannot write to {}: {source}", dir.display())
            }
        }
    }
}

/// A driver as rustc calls it.
#[derive(Debug)]
pub(crate) struct Driver<'a> {
    /// Its name, or its path.
    pub(crate) name: &'a str,
    /// The arguments with which the user chooses the linker.
    pub(crate) selecting: Vec<&'a str>,
    /// Where it is called. Relative paths, its own and those in the arguments, begin there.
    pub(crate) directory: &'a Path,
}

impl Driver<'_> {
    /// Finds the way to hook it, and installs this program in `dir` for that way.
    pub(crate) fn find_way(&self, dir: &Path) -> Result<Way, DriverError> {
        let driver = || self.name.to_owned();
        for way in Way::ALL {
            install(dir, way.file())
                .map_err(|source| DriverError::Install { dir: dir.to_owned(), source })?;
            let output = self
                .call(&way.arguments(dir), dir)
                .map_err(|source| DriverError::Run { driver: driver(), source })?;
            if String::from_utf8_lossy(&output.stdout).lines().any(|line| line == ANSWER) {
                return Ok(way);
            }
        }
        Err(DriverError::Deaf { driver: driver() })
    }

    /// Returns the linker that a clang runs. Its default is compiled in, so only the driver can
    /// tell.
    pub(crate) fn default_linker(&self, dir: &Path) -> Option<PathBuf> {
        let output = self.call(&["-###".to_owned()], dir).ok()?;
        let text = String::from_utf8_lossy(&output.stderr);
        linker_of_dry_run(&text)
    }

    fn call(&self, own: &[String], dir: &Path) -> io::Result<Output> {
        // A name without a slash is searched in `PATH`.
        let is_path = self.name.contains('/');
        let program = if is_path { self.directory.join(self.name) } else { self.name.into() };
        Command::new(program)
            .args(&self.selecting)
            .args(own)
            .arg(format!("-Wl,{TRIAL}"))
            .arg("-o")
            .arg(dir.join("trial"))
            .current_dir(self.directory)
            .stdin(Stdio::null())
            .output()
    }
}

fn linker_of_dry_run(text: &str) -> Option<PathBuf> {
    let line = text.lines().rev().find(|line| line.contains(TRIAL))?;
    split(line).into_iter().next().map(PathBuf::from).filter(|path| path.is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dry_run_of_clang() {
        let text = "Debian clang version 14.0.6\nTarget: x86_64-pc-linux-gnu\n\
                    InstalledDir: /usr/bin\n \"/usr/bin/ld\" \"-pie\" \"-o\" \"a.out\" \
                    \"--static-call-trial\" \"-lc\"\n";
        assert_eq!(linker_of_dry_run(text), Some("/usr/bin/ld".into()));
        assert_eq!(linker_of_dry_run("clang: error: no input files\n"), None);
        assert_eq!(linker_of_dry_run(""), None);
    }
}
