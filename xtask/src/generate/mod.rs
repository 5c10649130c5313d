//! Generates the program for the matrix: a library and a binary with 64 keys and a few thousand
//! calls. The same seed gives the same program.

mod keys;
mod sites;
mod types;

use std::fs;
use std::path::Path;

use crate::run::{Result, root};
use keys::{Home, Key};

/// Keys in the library and in the binary.
const LIBRARY_KEYS: usize = 48;
const BINARY_KEYS: usize = 16;
/// Modules in each.
const LIBRARY_MODULES: usize = 16;
const BINARY_MODULES: usize = 8;
/// Functions with calls in each module of the library and of the binary.
const LIBRARY_SITES: usize = 30;
const BINARY_SITES: usize = 50;

/// A splitmix64 generator.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// Returns a number below `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).unwrap_or_default()
    }

    pub(crate) fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// Writes the workspace into `dir`. Leaves files alone that are already right, so that cargo does
/// not rebuild them.
pub(crate) fn write(dir: &Path, seed: u64) -> Result {
    let mut random = Random(seed);
    let keys = keys::all(&mut random);
    let template = |name: &str| fs::read_to_string(root().join("tests/matrix").join(name));

    put(&dir.join("Cargo.toml"), &workspace_manifest())?;
    fs::create_dir_all(dir)?;
    // The versions that the repository was tested with; cargo adds the two generated packages.
    if !dir.join("Cargo.lock").exists() {
        fs::copy(root().join("Cargo.lock"), dir.join("Cargo.lock"))?;
    }
    put(&dir.join("lib/Cargo.toml"), &manifest("matrix-lib", "static-call.workspace = true\n"))?;
    put(&dir.join("lib/src/support.rs"), &template("support.rs")?)?;
    let mut library = String::from("//! Generated.\n\npub mod support;\nmod far;\n");
    library += &modules(Home::Library);
    library += "\n#[inline(never)]\npub fn run(c: &mut support::Ctx) {\n";
    library += &runs(Home::Library);
    library += "}\n\n";
    library += &keys::retarget_table(&keys, Home::Library);
    put(&dir.join("lib/src/lib.rs"), &library)?;
    put(&dir.join("lib/src/far.rs"), &keys::far(&keys, Home::Library))?;

    let needs = "matrix-lib = { path = \"../lib\" }\nstatic-call.workspace = true\n\n\
                 [build-dependencies]\nstatic-call-verify.workspace = true\n";
    put(&dir.join("app/Cargo.toml"), &manifest("matrix-app", needs))?;
    put(
        &dir.join("app/build.rs"),
        "fn main() {\n    static_call_verify::LinkHook::new().names(false).enable();\n}\n",
    )?;
    let main = template("main.rs")?
        .replace("/* modules */", &format!("mod far;\n{}", modules(Home::Binary)))
        .replace("    /* calls */\n", &runs(Home::Binary));
    put(&dir.join("app/src/main.rs"), &main)?;
    let table = format!("//! Generated.\n\n{}", keys::retarget_table(&keys, Home::Binary));
    put(&dir.join("app/src/keys.rs"), &table)?;
    put(&dir.join("app/src/far.rs"), &keys::far(&keys, Home::Binary))?;

    for home in [Home::Library, Home::Binary] {
        for module in 0..home.modules() {
            let text = module_text(&keys, home, module, &mut random);
            put(&dir.join(home.package()).join(format!("src/m{module:02}.rs")), &text)?;
        }
    }
    Ok(())
}

fn module_text(keys: &[Key], home: Home, module: usize, random: &mut Random) -> String {
    let mut text = format!(
        "//! Generated.\n\
         #![allow(unused_mut, unused_variables, clippy::all, reason = \"generated\")]\n\n\
         use static_call::{{Update, UpdateError, call, static_call}};\nuse {}::*;\n\n",
        home.support()
    );
    for key in keys.iter().filter(|k| k.home == home && k.module == module) {
        text += &key.declaration();
    }
    let usable: Vec<&Key> = keys.iter().filter(|k| k.is_usable_in(home, module)).collect();
    text + &sites::module(&usable, home, module, random)
}

fn modules(home: Home) -> String {
    let visibility = if home == Home::Library { "pub " } else { "" };
    (0..home.modules()).map(|m| format!("{visibility}mod m{m:02};\n")).collect()
}

fn runs(home: Home) -> String {
    let own = (0..home.modules()).map(|m| format!("    m{m:02}::run(c);\n"));
    // The library's generic and inline functions again, instantiated in the binary.
    let again = if home == Home::Binary { LIBRARY_MODULES } else { 0 };
    let again = (0..again).map(|m| format!("    matrix_lib::m{m:02}::run_downstream::<u8>(c);\n"));
    own.chain(again).collect()
}

fn manifest(name: &str, dependencies: &str) -> String {
    format!(
        "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [dependencies]\n{dependencies}"
    )
}

fn workspace_manifest() -> String {
    let path = |name: &str| root().join(name).display().to_string();
    format!(
        "[workspace]\nresolver = \"3\"\nmembers = [\"lib\", \"app\"]\n\n\
         [workspace.dependencies]\nstatic-call = {{ path = {:?} }}\n\
         static-call-verify = {{ path = {:?} }}\n",
        path("static-call"),
        path("static-call-verify"),
    )
}

fn put(path: &Path, text: &str) -> Result {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    Ok(fs::write(path, text)?)
}
