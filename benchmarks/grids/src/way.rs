//! Rust text for each way to make a call that can be switched.

use crate::Grid;

/// A way to call.
#[derive(Clone, Copy, PartialEq)]
pub enum Way {
    /// A call of a function by its name.
    Direct,
    /// Direct calls once more: what the place of code changes by itself.
    Again,
    /// A static call.
    Static,
    /// A call through an `AtomicPtr`.
    Atomic,
    /// `AtomicPtr` in a table of nothing else, even where slots lie apart.
    Together,
    /// A call through a `OnceLock` with a function pointer.
    Once,
    /// A call of a method of a boxed object.
    Dyn,
    /// A call of a boxed closure.
    BoxFn,
    /// A call through an `ArcSwap` with a function pointer.
    ArcSwap,
    /// A call of a function under `#[multiversion]`.
    Multiversion,
    /// A call of a function that the dynamic linker chose.
    Ifunc,
    /// A switch of the crate `static-keys` between two calls.
    StaticKeys,
    /// A switch of the crate `static-key` between two calls.
    StaticKey,
}

/// Items that one generated function mentions: compilers take quadratic time for long functions.
const CHUNK: usize = 50;

impl Way {
    /// Returns its name in tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct call",
            Self::Again => "direct call, elsewhere",
            Self::Static => "static call",
            Self::Atomic => "AtomicPtr",
            Self::Together => "AtomicPtr, slots together",
            Self::Once => "OnceLock<fn>",
            Self::Dyn => "dyn",
            Self::BoxFn => "Box<dyn Fn>",
            Self::ArcSwap => "arc-swap",
            Self::Multiversion => "multiversion",
            Self::Ifunc => "IFUNC",
            Self::StaticKeys => "static-keys",
            Self::StaticKey => "static-key",
        }
    }

    pub(crate) fn module(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Again => "direct_again",
            Self::Static => "static_call",
            Self::Atomic => "atomic",
            Self::Together => "atomic_together",
            Self::Once => "once",
            Self::Dyn => "object",
            Self::BoxFn => "closure",
            Self::ArcSwap => "arc",
            Self::Multiversion => "versions",
            Self::Ifunc => "ifunc",
            Self::StaticKeys => "switch_keys",
            Self::StaticKey => "switch_key",
        }
    }

    /// Returns imports, and the type around each slot.
    pub(crate) fn head(self, grid: &Grid) -> String {
        let repr =
            if grid.requests && self != Self::Together { "align(64)" } else { "transparent" };
        let slot = format!("#[repr({repr})]\nstruct Slot<T>(T);\n");
        // A field of a table, among other fields.
        let field = if grid.requests { ", [u64; 6]" } else { "" };
        match self {
            Self::Direct | Self::Again | Self::Multiversion | Self::Ifunc => String::new(),
            Self::Static => "use static_call::{UpdateError, static_call};\n".to_owned(),
            Self::Atomic | Self::Together => format!(
                "use std::sync::atomic::{{AtomicPtr, Ordering}};\n{slot}\
                 #[inline(always)]\nfn load(slot: &Slot<AtomicPtr<()>>) -> fn(u64) -> u64 {{\n    \
                 // SAFETY: slots hold functions of this type only.\n    \
                 unsafe {{ std::mem::transmute::<*mut (), fn(u64) -> u64>\
                 (slot.0.load(Ordering::Acquire)) }}\n}}\n"
            ),
            Self::Once => format!("use std::sync::OnceLock;\n{slot}"),
            Self::Dyn => format!(
                "trait Step: Sync + Send {{ fn step(&self, x: u64) -> u64; }}\n\
                 struct Field(Box<dyn Step>{field});\n"
            ),
            Self::BoxFn => {
                format!("struct Field(Box<dyn Fn(u64) -> u64 + Sync + Send>{field});\n")
            }
            Self::ArcSwap => format!(
                "use arc_swap::ArcSwap;\nuse std::sync::Arc;\n\
                 struct Field(ArcSwap<fn(u64) -> u64>{field});\n"
            ),
            Self::StaticKeys => {
                "use static_keys::{define_static_key_false, static_branch_unlikely};\n".to_owned()
            }
            Self::StaticKey => "use static_key::{static_if, static_key};\n".to_owned(),
        }
    }

    /// Returns a function's body: each is as long, and two instructions do its work.
    fn body(self, grid: &Grid, key: usize, other: usize) -> String {
        let salt = 0x10_0000 * (self as usize + 1) + 0x8_0000 * other + 0x400 * grid.number + key;
        format!("x.rotate_left({}) ^ {salt}", key % 61 + 1)
    }

    /// Returns the items of a key.
    pub(crate) fn key(self, grid: &Grid, key: usize) -> String {
        let body = self.body(grid, key, 0);
        let function = |name: char, body: &str| {
            format!("#[inline(never)]\nfn {name}{key}(x: u64) -> u64 {{ {body} }}\n")
        };
        match self {
            Self::Direct | Self::Again | Self::ArcSwap => function('f', &body),
            Self::Static => format!(
                "#[static_call]\nfn f{key}(x: u64) -> u64 {{ {body} }}\n\
                 fn t{key}(x: u64) -> u64 {{ {} }}\n",
                self.body(grid, key, 1)
            ),
            Self::Atomic | Self::Together => {
                function('f', &body)
                    + &format!(
                        "static S{key}: Slot<AtomicPtr<()>> = \
                         Slot(AtomicPtr::new(f{key} as fn(u64) -> u64 as *mut ()));\n"
                    )
            }
            Self::Once => {
                function('f', &body)
                    + &format!(
                        "static S{key}: Slot<OnceLock<fn(u64) -> u64>> = Slot(OnceLock::new());\n"
                    )
            }
            Self::Dyn => format!(
                "struct O{key}(#[expect(dead_code, reason = \"calls need not read it\")] u64);\n\
                 impl Step for O{key} {{ fn step(&self, x: u64) -> u64 {{ {body} }} }}\n"
            ),
            Self::BoxFn => String::new(),
            Self::Multiversion => format!(
                "#[multiversion::multiversion(targets(\"x86_64+avx2\"))]\n\
                 fn f{key}(x: u64) -> u64 {{ {body} }}\n"
            ),
            Self::Ifunc => format!(
                "unsafe extern \"C\" {{ safe fn {}_{key}(x: u64) -> u64; }}\n",
                grid.module()
            ),
            Self::StaticKeys => {
                function('f', &body)
                    + &function('g', &self.body(grid, key, 1))
                    + &format!("define_static_key_false!(K{key});\n")
            }
            Self::StaticKey => {
                function('f', &body)
                    + &function('g', &self.body(grid, key, 1))
                    + &format!("static_key!(K{key}: bool = false);\n")
            }
        }
    }

    /// Returns what fills slots and tables. Their contents are unknown to the compiler.
    pub(crate) fn foot(self, grid: &Grid) -> String {
        let chunks = grid.keys.div_ceil(CHUNK);
        let keys = |chunk: usize| chunk * CHUNK..grid.keys.min((chunk + 1) * CHUNK);
        let all = |f: &dyn Fn(usize) -> String| {
            (0..chunks).map(|c| (c, keys(c).map(f).collect::<String>())).collect::<Vec<_>>()
        };
        let calls = |name: &str, argument: &str, end: &str| {
            (0..chunks).map(|c| format!("    {name}{c}({argument}){end};\n")).collect::<String>()
        };
        let pointer = "fn(u64) -> u64";
        let stores = |f: &dyn Fn(usize) -> String| {
            let mut text = String::new();
            for (chunk, body) in all(f) {
                text += &format!("#[inline(never)]\nfn prepare{chunk}() {{\n{body}}}\n");
            }
            let calls = calls("prepare", "", "");
            text + &format!("pub(crate) fn prepare() {{\n{calls}}}\n")
        };
        let table = |f: &dyn Fn(usize) -> String| {
            let other = if grid.requests { ", [0; 6]" } else { "" };
            let mut text = String::from(
                "static TABLE: std::sync::OnceLock<Vec<Field>> = std::sync::OnceLock::new();\n",
            );
            text += &format!("const KEYS: usize = {};\n", grid.keys);
            let push = |key| format!("    table.push(Field({}{other}));\n", f(key));
            for (chunk, body) in all(&push) {
                text += &format!(
                    "#[inline(never)]\nfn prepare{chunk}(table: &mut Vec<Field>) {{\n{body}}}\n"
                );
            }
            let calls = calls("prepare", "&mut table", "");
            text + &format!(
                "pub(crate) fn prepare() {{\n    let mut table = Vec::new();\n{calls}    \
                 TABLE.set(table).ok();\n}}\n\
                 fn table() -> &'static [Field; KEYS] {{\n    \
                 TABLE.get().and_then(|t| t.first_chunk()).expect(\"prepared\")\n}}\n"
            )
        };
        match self {
            Self::Atomic | Self::Together => stores(&|k| {
                format!(
                    "    S{k}.0.store(std::hint::black_box(f{k} as {pointer}) as *mut (), \
                     Ordering::Release);\n"
                )
            }),
            Self::Once => stores(&|k| {
                format!("    S{k}.0.set(std::hint::black_box(f{k} as {pointer})).ok();\n")
            }),
            Self::Dyn => table(&|k| format!("Box::new(O{k}({k}))")),
            Self::BoxFn => table(&|k| format!("Box::new(|x| {})", self.body(grid, k, 0))),
            Self::ArcSwap => table(&|k| format!("ArcSwap::from(Arc::new(f{k} as {pointer}))")),
            Self::Static => {
                let mut text = String::from("pub(crate) fn prepare() {}\n");
                for (chunk, body) in all(&|k| format!("    f{k}::update(t{k})?;\n")) {
                    text += &format!(
                        "#[inline(never)]\nfn switch{chunk}() -> Result<(), UpdateError> \
                         {{\n{body}    Ok(())\n}}\n"
                    );
                }
                let calls = calls("switch", "", "?");
                text + &format!(
                    "pub(crate) fn switch() -> Result<(), UpdateError> {{\n{calls}    Ok(())\n}}\n"
                )
            }
            _ => "pub(crate) fn prepare() {}\n".to_owned(),
        }
    }

    /// Returns parameter and argument of functions with calls.
    pub(crate) fn context(self) -> (&'static str, &'static str) {
        if self.has_table() { ("t: &'static [Field; KEYS], ", "t, ") } else { ("", "") }
    }

    /// Returns what makes that argument.
    pub(crate) fn context_of_pass(self) -> &'static str {
        if self.has_table() { "    let t = table();\n" } else { "" }
    }

    fn has_table(self) -> bool {
        matches!(self, Self::Dyn | Self::BoxFn | Self::ArcSwap)
    }

    /// Returns a call.
    pub(crate) fn call(self, grid: &Grid, key: usize) -> String {
        match self {
            Self::Direct | Self::Again | Self::Static | Self::Multiversion => format!("f{key}(x)"),
            Self::Atomic | Self::Together => format!("load(&S{key})(x)"),
            Self::Once => {
                format!("S{key}.0.get_or_init(|| f{key})(x)")
            }
            Self::Dyn => format!("t[{key}].0.step(x)"),
            Self::BoxFn => format!("(t[{key}].0)(x)"),
            Self::ArcSwap => format!("(**t[{key}].0.load())(x)"),
            Self::Ifunc => format!("{}_{key}(x)", grid.module()),
            Self::StaticKeys => {
                format!("if static_branch_unlikely!(K{key}) {{ g{key}(x) }} else {{ f{key}(x) }}")
            }
            Self::StaticKey => {
                format!("if static_if!(K{key}, unlikely) {{ g{key}(x) }} else {{ f{key}(x) }}")
            }
        }
    }
}
