//! The line above every table of results: when, with what, and on which machine.

use std::process::Command;

use crate::run::{Result, output};

/// Returns date, command, compiler and processors, in one line.
pub(crate) fn heading(command: &str) -> Result<String> {
    let date = output(Command::new("date").arg("+%Y-%m-%d"))?;
    let rustc = output(Command::new("rustc").arg("-V"))?;
    let cpus = std::fs::read_to_string("/proc/cpuinfo")?;
    let model = cpus.lines().find_map(|l| l.strip_prefix("model name")).unwrap_or_default();
    let model = model.trim_start_matches([' ', '\t', ':']);
    let count = cpus.lines().filter(|l| l.starts_with("processor")).count();
    Ok(format!("{}, {command}, {}, {count} × {model}", date.trim(), rustc.trim()))
}

/// Returns the machine's load over the last fifteen minutes.
pub(crate) fn load() -> Result<String> {
    let load = std::fs::read_to_string("/proc/loadavg")?;
    Ok(load.split(' ').nth(2).unwrap_or_default().to_owned())
}
