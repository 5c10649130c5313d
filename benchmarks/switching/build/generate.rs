//! Keys with many calls, and many keys with few.

use std::fmt::{self, Write as _};

/// Calls of a single key. The last is for static calls only.
const CALLS: [usize; 4] = [1, 10, 1000, 100_000];
/// Calls in a function: compilers take quadratic time for long functions.
const RUN: usize = 100;
/// Keys of a batch, each with a call.
const KEYS: usize = 10_000;
/// Keys that a function mentions.
const CHUNK: usize = 50;

/// A way to switch.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    StaticCall,
    StaticKeys,
    StaticKey,
}

impl Way {
    fn module(self, calls: usize) -> String {
        let name = match self {
            Self::StaticCall => "static_call",
            Self::StaticKeys => "static_keys",
            Self::StaticKey => "static_key",
        };
        format!("{name}_{calls}")
    }

    /// Returns the key, and the two functions that switch it.
    fn head(self) -> &'static str {
        match self {
            Self::StaticCall => {
                "use static_call::{UpdateError, static_call};\n\
                 #[static_call]\nfn f(x: u64) -> u64 { x.rotate_left(1) ^ 0x5bd1 }\n\
                 fn other(x: u64) -> u64 { x.rotate_left(3) ^ 0x5bd3 }\n\
                 pub(crate) fn switch(on: bool) -> Result<(), UpdateError> {\n    \
                 if on { f::update(other)?; } else { f::reset()?; }\n    Ok(())\n}\n"
            }
            Self::StaticKeys => {
                "use static_keys::{define_static_key_false, static_branch_unlikely};\n\
                 define_static_key_false!(KEY);\n\
                 pub(crate) fn switch(on: bool) -> Result<(), static_call::UpdateError> {\n    \
                 // SAFETY: `global_init` was called, and no other thread runs.\n    \
                 unsafe { if on { KEY.enable() } else { KEY.disable() } }\n    Ok(())\n}\n"
            }
            Self::StaticKey => {
                "use static_key::{static_if, static_key};\n\
                 static_key!(KEY: bool = false);\n\
                 pub(crate) fn switch(on: bool) -> Result<(), static_call::UpdateError> {\n    \
                 KEY.set(on);\n    Ok(())\n}\n"
            }
        }
    }

    fn call(self) -> &'static str {
        match self {
            Self::StaticCall => "x = f(x);",
            Self::StaticKeys => "if static_branch_unlikely!(KEY) { x = crate::other(x); }",
            Self::StaticKey => "if static_if!(KEY, unlikely) { x = crate::other(x); }",
        }
    }

    /// Returns attributes of functions that call. `static-key` leaves the pages of its calls
    /// writable, and static calls close theirs: they must not share pages.
    fn attributes(self) -> &'static str {
        match self {
            Self::StaticKey => "#[inline(never)]\n#[unsafe(link_section = \"static_key_calls\")]\n",
            _ => "#[inline(never)]\n",
        }
    }

    fn source(self, calls: usize) -> Result<String, fmt::Error> {
        let mut text = format!("pub(crate) mod {} {{\n{}", self.module(calls), self.head());
        let runs = calls.div_ceil(RUN);
        for run in 0..runs {
            writeln!(text, "{}fn c{run}(mut x: u64) -> u64 {{", self.attributes())?;
            if self == Self::StaticKey && run == 0 {
                // SAFETY of the generated code: it only pads.
                text += "    // SAFETY: it only pads with no-ops.\n    unsafe { \
                         std::arch::asm!(\".p2align 12\", options(nomem, nostack)) };\n";
            }
            // The compiler merges functions of the same code.
            writeln!(text, "    x ^= {};", 0x10_0000 + run)?;
            for call in 0..RUN.min(calls) {
                // Of different lengths, so that calls lie everywhere in a quadword.
                match (call * 7 + run) % 4 {
                    0 => text += "    x ^= 0x5bd1e9;\n",
                    1 => text += "    x ^= 0x5b;\n",
                    _ => {}
                }
                writeln!(text, "    {}", self.call())?;
            }
            text += "    x\n}\n";
        }
        text += "#[inline(never)]\npub(crate) fn pass(mut x: u64) -> u64 {\n";
        for run in 0..runs {
            writeln!(text, "    x = c{run}(x);")?;
        }
        text += "    x\n}\n}\n";
        Ok(text)
    }
}

/// Returns many keys with a call each.
fn keys() -> Result<String, fmt::Error> {
    let mut text = String::from(
        "pub(crate) mod keys {\nuse static_call::{Batch, UpdateError, static_call};\n\
         fn other(x: u64) -> u64 { x.rotate_left(3) ^ 0x5bd3 }\n",
    );
    for key in 0..KEYS {
        writeln!(
            text,
            "#[static_call]\nfn f{key}(x: u64) -> u64 {{ x.rotate_left({}) ^ {key} }}\n\
             #[inline(never)]\nfn c{key}(mut x: u64) -> u64 {{",
            key % 61 + 1
        )?;
        // Of different lengths, so that calls lie everywhere in a quadword.
        match key % 4 {
            0 => text += "    x ^= 0x5bd1e9;\n",
            1 => text += "    x ^= 0x5b;\n",
            _ => {}
        }
        // The use of the result keeps it a call, and the function another one than others.
        writeln!(text, "    x = f{key}(x) ^ {};\n    x\n}}", 0x10_0000 + key)?;
    }
    let functions = [
        ("add", "batch: &mut Batch", "batch", "batch.update(f#::KEY, other)?;"),
        ("take", "batch: &mut Batch", "batch", "batch.reset(f#::KEY)?;"),
        ("update", "", "", "f#::update(other)?;"),
        ("reset", "", "", "f#::reset()?;"),
    ];
    for (name, parameter, argument, statement) in functions {
        let mut calls = String::new();
        for start in (0..KEYS).step_by(CHUNK) {
            writeln!(
                text,
                "#[inline(never)]\nfn {name}{start}({parameter}) -> Result<(), UpdateError> {{"
            )?;
            for key in start..KEYS.min(start + CHUNK) {
                writeln!(text, "    {}", statement.replace('#', &key.to_string()))?;
            }
            text += "    Ok(())\n}\n";
            writeln!(calls, "    {name}{start}({argument})?;")?;
        }
        writeln!(
            text,
            "/// Switches every key.\npub(crate) fn {name}({parameter}) -> \
             Result<(), UpdateError> {{\n{calls}    Ok(())\n}}"
        )?;
    }
    text += "#[inline(never)]\npub(crate) fn pass(mut x: u64) -> u64 {\n";
    for key in 0..KEYS {
        writeln!(text, "    x = c{key}(x);")?;
    }
    text += "    x\n}\n}\n";
    Ok(text)
}

/// Returns all generated code.
pub(crate) fn source() -> Result<String, fmt::Error> {
    let mut text = String::new();
    let mut list = String::from("pub(crate) const SINGLE: &[Single] = &[\n");
    for calls in CALLS {
        let ways = [
            ("static call", Way::StaticCall),
            ("static-keys", Way::StaticKeys),
            ("static-key", Way::StaticKey),
        ];
        let last = if calls == 100_000 { 1 } else { ways.len() };
        write!(list, "    Single {{ calls: {calls}, ways: &[")?;
        for (name, way) in &ways[..last] {
            text += &way.source(calls)?;
            let module = way.module(calls);
            write!(list, "({name:?}, {module}::switch, {module}::pass), ")?;
        }
        list += "] },\n";
    }
    text += &keys()?;
    writeln!(text, "{list}];\n/// Keys of a batch.\npub(crate) const KEYS: u64 = {KEYS};")?;
    Ok(text)
}
