//! Reads every ELF file of the machine: there must be no panic, and no static calls.

use std::fs;
use std::io::Read;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use static_call_verify::{FindingKey, Policy, Report, verify};

use crate::run::Result;

/// Reads all files below the given directories, by default those in `/usr` that have programs and
/// libraries.
pub(crate) fn sweep(args: &[String]) -> Result {
    let mut open: Vec<PathBuf> = args.iter().map(PathBuf::from).collect();
    if open.is_empty() {
        open = ["/usr/bin", "/usr/sbin", "/usr/lib", "/usr/libexec", "/usr/local"]
            .map(Into::into)
            .into();
    }
    let (mut images, mut refused, mut wrong) = (0, 0, Vec::new());
    while let Some(path) = open.pop() {
        let Ok(kind) = fs::symlink_metadata(&path).map(|m| m.file_type()) else { continue };
        if kind.is_dir() {
            open.extend(fs::read_dir(&path).into_iter().flatten().flatten().map(|e| e.path()));
        } else if kind.is_file() && is_elf(&path) {
            let bytes = fs::read(&path)?;
            match catch_unwind(|| verify(&bytes, &Policy::default())) {
                Ok(report) if is_refused(&report) => refused += 1,
                Ok(report) if has_nothing(&report) => images += 1,
                Ok(report) => wrong.push(format!("{}: {report}", path.display())),
                Err(_) => wrong.push(format!("{}: a panic", path.display())),
            }
        }
    }
    println!("{images} images without static calls; {refused} ELF files not supported");
    for complaint in &wrong {
        println!("{complaint}");
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("{} files are misread", wrong.len()).into()) }
}

fn is_elf(path: &Path) -> bool {
    let mut magic = [0; 4];
    let read = fs::File::open(path).and_then(|mut f| f.read_exact(&mut magic));
    read.is_ok() && magic == *b"\x7fELF"
}

/// Returns whether it is an object file, or an image for another processor.
fn is_refused(report: &Report) -> bool {
    matches!(report.findings.as_slice(), [f] if f.key == FindingKey::ImageUnsupported)
}

fn has_nothing(report: &Report) -> bool {
    let s = &report.summary;
    s.keys + s.sites + s.trampolines + s.calls + s.labels + report.findings.len() == 0
}
