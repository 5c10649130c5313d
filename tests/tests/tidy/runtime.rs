//! Which module of static-call may name which, and where the code may depend on the platform.

use super::order::{Order, order};
use super::{File, broken, hold};

/// The pure module, which may name only plain data and encodings.
pub(super) const PLAN: &str = "patching::plan";

/// The modules of the runtime. Those of `patching` have their own places.
const RUNTIME: Order = Order {
    root: "static-call/src/",
    modules: &[
        "layout",
        "arch",
        "sync",
        "sys",
        "path",
        "error",
        "target",
        "record::published",
        "record",
        "flag::state",
        "request",
        "traits",
        "previous",
        "update",
        "site",
        "lock::word",
        "lock",
        "cycle",
        "observer",
        "report",
        "experiment",
        "patching::cap",
        "patching::arena",
        "patching::image",
        "patching::places",
        "patching::plan",
        "patching::registry",
        "patching::pending",
        "patching::written",
        "patching::veneer",
        "patching::state",
        "patching::hop",
        "patching::path",
        "patching::steps",
        "patching::choose",
        "patching::bound",
        "patching::pages",
        "patching::store",
        "patching::recover",
        "patching::protocol",
        "patching::build",
        "patching::shared",
        "patching::report",
        "patching::probe",
        "patching",
        "slot::report",
        "slot::probe",
        "slot",
        "backend",
        "commit",
        "key",
        "flag",
        "instance",
        "handle",
        "batch",
        "scoped",
        "probe",
        "private",
        "guide",
        "lib",
    ],
    against: &[],
    pure: &[(PLAN, &["layout", "arch", PLAN])],
    roots: &[],
    names_modules: false,
};
/// The modules that may depend on the platform, besides the choice of the backend.
const PLATFORMS: &[&str] = &["arch", "private", "sys"];
/// The number of attributes with which `lib.rs` chooses the backend: a module and a name for each.
const BACKEND_CHOICES: usize = 4;

impl File {
    /// Returns the file's module in static-call: `key`, or `patching::plan`.
    pub(super) fn module(&self) -> Option<String> {
        let path = self.path.strip_prefix("static-call/src/")?.strip_suffix(".rs")?;
        let parts: Vec<&str> = path.strip_suffix("/mod").unwrap_or(path).split('/').collect();
        let inner = parts.iter().take(2).copied().collect::<Vec<_>>().join("::");
        Some(if RUNTIME.modules.contains(&&*inner) { inner } else { parts[0].to_owned() })
    }
}

fn runtime(files: &[File]) -> Vec<String> {
    order(files, &RUNTIME)
}

/// Checks that only the modules of [`PLATFORMS`] and the choice in `lib.rs` depend on the platform,
/// so that another architecture changes nothing else.
fn platforms(files: &[File]) -> Vec<String> {
    let asks = |line: &str| {
        let words = ["target_arch", "target_os", "target_pointer_width", "target_family"];
        words.iter().any(|word| line.contains(word))
    };
    let mut complaints = Vec::new();
    for file in files.iter().filter(|f| f.is_rust() && !f.is_test()) {
        let Some(module) = file.module().filter(|module| !PLATFORMS.contains(&&**module)) else {
            continue;
        };
        let choices = file.code().filter(|(_, line)| line.contains("target_arch")).count();
        if module == "lib" && choices <= BACKEND_CHOICES {
            continue;
        }
        for (number, _) in file.code().filter(|(_, line)| asks(line)) {
            complaints.push(format!("{}:{number}: depends on the platform", file.path));
        }
    }
    complaints
}

#[test]
fn data_flows_one_way() {
    hold(runtime);
    let broken = |path: &str, text: &str, complaints: usize| {
        broken(runtime, &format!("static-call/src/{path}"), text, complaints);
    };
    broken("patching/plan.rs", "use crate::sys::protect;", 1);
    broken("patching/protocol.rs", "use crate::sys::protect;", 0);
    let two = "use crate::patching::protocol::run;\nuse crate::patching::registry;";
    broken("patching/plan.rs", two, 2);
    broken("patching/plan.rs", "use super::image::Image;", 1);
    broken("layout/mod.rs", "fn f() -> crate::key::Key {}", 1);
    broken("key.rs", "crate::commit::commit(k)", 0);
    broken("novel.rs", "", 1);
    broken("lock.rs", "use crate::{layout, key};", 1);
    broken("lock.rs", "use crate::{\n    key::{Key, a},\n    sys,\n};", 2);
    broken("lock.rs", "use crate::patching::{cap, image::{Image, b}};", 3);
    broken("lock.rs", "use super::key::Key; $crate::key::Key", 1);
    broken("patching/protocol.rs", "use super::{plan, report};\nuse crate::patching::commit;", 2);
    broken("patching/registry/read.rs", "use super::plan;", 0);
}

#[test]
fn few_modules_depend_on_the_platform() {
    hold(platforms);
    let ask = "#[cfg(target_arch = \"x86_64\")]\n";
    broken(platforms, "static-call/src/lock.rs", ask, 1);
    broken(platforms, "static-call/src/record.rs", "#[cfg(target_pointer_width = \"64\")]", 1);
    broken(platforms, "static-call/src/record.rs", "cfg!(target_os = \"linux\")", 1);
    broken(platforms, "static-call/src/record/tests.rs", ask, 0);
    broken(platforms, "static-call/src/arch/mod.rs", ask, 0);
    broken(platforms, "static-call/src/lib.rs", &ask.repeat(BACKEND_CHOICES), 0);
    let more = BACKEND_CHOICES + 1;
    broken(platforms, "static-call/src/lib.rs", &ask.repeat(more), more);
}
