//! The generated programs: N functions of M calls and one target each, in three ways.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde::Serialize;

use crate::run::{Result, root};

/// The symbol by whose address in the file and in memory the two are compared.
pub(super) const ANCHOR: &str = "footprint_anchor";

/// How many functions a program has, and how many calls each.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Size {
    pub(super) keys: u32,
    pub(super) calls: u32,
}

/// One of the programs.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Program {
    /// Functions and nothing else.
    Plain,
    /// Each function is under `#[tracing::instrument]`: what people pay for an attribute already.
    Tracing,
    StaticCalls,
}

impl Program {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Tracing => "instrumented",
            Self::StaticCalls => "static-calls",
        }
    }

    /// The attributes of its functions.
    fn attributes(self) -> &'static str {
        match self {
            Self::Plain => "#[inline(never)]\n",
            Self::Tracing => "#[tracing::instrument]\n#[inline(never)]\n",
            Self::StaticCalls => "#[static_call::static_call]\n",
        }
    }

    /// Writes the program's package.
    pub(super) fn write(self, size: Size, dir: &Path) -> Result {
        fs::create_dir_all(dir.join("src"))?;
        let lock = match self {
            // Not a dependency of the workspace.
            Self::Tracing => "xtask/src/footprint/tracing/Cargo.lock",
            _ => "Cargo.lock",
        };
        fs::copy(root().join(lock), dir.join("Cargo.lock"))?;
        // With symbols: they say where code ends.
        let mut manifest = format!(
            "[package]\nname = \"{}-{}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
             [workspace]\n\n[profile.release]\nstrip = \"debuginfo\"\n",
            self.name(),
            size.keys,
        );
        match self {
            Self::Plain => {}
            Self::Tracing => manifest += "\n[dependencies]\ntracing = \"0.1\"\n",
            Self::StaticCalls => {
                let path = |name: &str| root().join(name).display().to_string();
                write!(
                    manifest,
                    "\n[dependencies]\nstatic-call = {{ path = {:?} }}\n\n\
                     [build-dependencies]\nstatic-call-verify = {{ path = {:?} }}\n",
                    path("static-call"),
                    path("static-call-verify"),
                )?;
                // A stripped link reserves no room for names. This one keeps symbols.
                let build = "fn main() {\n    \
                             static_call_verify::LinkHook::new().names(false).enable();\n}\n";
                fs::write(dir.join("build.rs"), build)?;
            }
        }
        fs::write(dir.join("Cargo.toml"), manifest)?;
        Ok(fs::write(dir.join("src/main.rs"), self.source(size)?)?)
    }

    /// Functions first, then targets, then callers: the order in which compilers lay code out.
    fn source(self, size: Size) -> Result<String> {
        let mut text = format!(
            "use std::hint::black_box;\n\n#[unsafe(no_mangle)]\nextern \"C\" fn {ANCHOR}() {{}}\n\n"
        );
        let attributes = self.attributes();
        for i in 0..size.keys {
            write!(
                text,
                "{attributes}fn f{i}(x: u64) -> u64 {{\n    x.rotate_left({}) ^ {i}\n}}\n",
                i % 63 + 1,
            )?;
        }
        for i in 0..size.keys {
            write!(
                text,
                "fn t{i}(x: u64) -> u64 {{\n    x.rotate_left({}) + {i}\n}}\n",
                i % 61 + 1,
            )?;
        }
        for i in 0..size.keys {
            write!(text, "#[inline(never)]\nfn c{i}(mut x: u64) -> u64 {{\n")?;
            for call in 0..size.calls {
                writeln!(text, "    x = f{i}(x ^ {call}) + {};", call + 1)?;
            }
            text += "    x\n}\n";
        }
        text += "\nfn call_all(mut x: u64) -> u64 {\n";
        for i in 0..size.keys {
            writeln!(text, "    x ^= c{i}(black_box(x));")?;
        }
        text += "    x\n}\n";
        if matches!(self, Self::StaticCalls) {
            updaters(&mut text, size)?;
        }
        write!(
            text,
            "\nfn main() {{\n    black_box(call_all(1));\n    \
             println!(\"anchor {{}}\", {ANCHOR} as *const () as usize);\n"
        )?;
        match self {
            Self::Plain | Self::Tracing => addresses(&mut text, size)?,
            Self::StaticCalls => updates(&mut text, size)?,
        }
        text += "    black_box(call_all(1));\n}\n";
        Ok(text)
    }
}

/// Code of a plain program's `main`: it takes the addresses of targets, as updates do.
fn addresses(text: &mut String, size: Size) -> Result {
    for (what, name) in [("default", 'f'), ("target", 't')] {
        let all: Vec<_> = (0..size.keys).map(|i| format!("{name}{i}")).collect();
        write!(
            text,
            "    let all: [fn(u64) -> u64; {}] = [{}];\n    \
             for f in black_box(all) {{\n        println!(\"{what} {{}}\", f as usize);\n    }}\n",
            size.keys,
            all.join(", "),
        )?;
    }
    Ok(())
}

/// Keys that one function of the program updates: compilers take quadratic time for long functions.
const CHUNK: u32 = 10;

/// Functions of the other program that update each key, and one that resets a few.
fn updaters(text: &mut String, size: Size) -> Result {
    let mut function = |name: &str, keys: std::ops::Range<u32>, resets: bool| -> Result {
        write!(text, "\n#[inline(never)]\nfn {name}() -> bool {{\n    let mut failed = false;\n")?;
        for i in keys {
            let call = if resets { "reset()".to_owned() } else { format!("update(t{i})") };
            writeln!(text, "    failed |= f{i}::{call}.is_err();")?;
        }
        text.push_str("    failed\n}\n");
        Ok(())
    };
    for chunk in 0..size.keys.div_ceil(CHUNK) {
        let first = chunk * CHUNK;
        function(&format!("u{chunk}"), first..size.keys.min(first + CHUNK), false)?;
    }
    function("reset", 0..size.keys.min(CHUNK), true)
}

/// Code of the other program's `main`: it updates each key, and prints how long the first two
/// updates take and what the calls of each key reach.
fn updates(text: &mut String, size: Size) -> Result {
    // `init` before the clock would bind everything, so the first update is measured first.
    for i in 0..size.keys.min(2) {
        write!(
            text,
            "    let start = std::time::Instant::now();\n    f{i}::update(t{i}).unwrap();\n    \
             println!(\"update {{}}\", start.elapsed().as_nanos());\n    \
             f{i}::reset().unwrap();\n",
        )?;
    }
    let print = |what: &str| {
        format!(
            "    let report = static_call::report();\n    for key in &report.keys {{\n        \
             println!(\"{what} {{}}\", key.target.address());\n    }}\n"
        )
    };
    text.push_str("    static_call::init().unwrap();\n    let mut failed = false;\n");
    let veneers = "    println!(\"veneers {}\", static_call::report().veneer_pages);\n";
    text.push_str(&print("default"));
    text.push_str(veneers);
    for chunk in 0..size.keys.div_ceil(CHUNK) {
        writeln!(text, "    failed |= u{chunk}();")?;
    }
    text.push_str(veneers);
    // Now every target is known.
    text.push_str("    failed |= reset() || u0();\n");
    text.push_str(veneers);
    text.push_str("    assert!(!failed);\n");
    text.push_str(&print("target"));
    text.push_str(
        "    let totals = report.totals();\n    \
         println!(\"inline {}\\ncalls {}\", totals.inline, totals.calls);\n",
    );
    Ok(())
}
