//! Rust text for each way to check whether something is on.

/// A way to check.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Way {
    None,
    Hook,
    Flag,
    StaticKeys,
    Bool,
    BoolApart,
    Pointer,
    Log,
    Tracing,
    /// A flag's five-byte no-op in one quadword. Its cold block tests nothing.
    FormOfFive,
    /// The same; prefixes of the no-op pad, in place of another no-op.
    FormOfFivePrefixed,
    /// The same, wherever it lies.
    FormOfFiveAnywhere,
    /// A no-op of two bytes, wherever it lies.
    FormOfTwo,
}

/// What a check that finds it on passes on.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Arguments {
    None,
    Cheap,
    Expensive,
}

impl Arguments {
    /// Returns the arguments of a key: a third of the keys has none, a third a number, a third
    /// text that is formatted for the call.
    pub(crate) fn of(key: usize) -> Self {
        [Self::None, Self::Cheap, Self::Expensive][key % 3]
    }

    /// Returns a call that passes them on.
    fn call(self) -> &'static str {
        match self {
            Self::None => "none()",
            Self::Cheap => "cheap(x)",
            Self::Expensive => "expensive(&text_of(x, y))",
        }
    }
}

/// Items that one generated function mentions: compilers take quadratic time for long functions.
const CHUNK: usize = 50;

/// `nopl (%rax, %rax)`, as in a label.
const FIVE: &str = ".byte 0x0f, 0x1f, 0x44, 0, 0";
/// `xchg %ax, %ax`.
const TWO: &str = ".byte 0x66, 0x90";

impl Way {
    pub(crate) const ALL: [Self; 13] = [
        Self::None,
        Self::Hook,
        Self::Flag,
        Self::StaticKeys,
        Self::Bool,
        Self::BoolApart,
        Self::Pointer,
        Self::Log,
        Self::Tracing,
        Self::FormOfFive,
        Self::FormOfFivePrefixed,
        Self::FormOfFiveAnywhere,
        Self::FormOfTwo,
    ];

    /// Returns its name in tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "no check",
            Self::Hook => "hook",
            Self::Flag => "flag",
            Self::StaticKeys => "static-keys",
            Self::Bool => "AtomicBool",
            Self::BoolApart => "AtomicBool, a cache line each",
            Self::Pointer => "AtomicPtr",
            Self::Log => "log",
            Self::Tracing => "tracing",
            Self::FormOfFive => "five bytes, nothing to test",
            Self::FormOfFivePrefixed => "five bytes after prefixes, nothing to test",
            Self::FormOfFiveAnywhere => "five bytes anywhere, nothing to test",
            Self::FormOfTwo => "two bytes, nothing to test",
        }
    }

    pub(crate) fn module(self) -> &'static str {
        match self {
            Self::None => "without",
            Self::Hook => "hook",
            Self::Flag => "flag",
            Self::StaticKeys => "switch_keys",
            Self::Bool => "boolean",
            Self::BoolApart => "boolean_apart",
            Self::Pointer => "pointer",
            Self::Log => "by_log",
            Self::Tracing => "by_tracing",
            Self::FormOfFive => "five",
            Self::FormOfFivePrefixed => "five_prefixed",
            Self::FormOfFiveAnywhere => "five_anywhere",
            Self::FormOfTwo => "two",
        }
    }

    /// Returns whether to measure it: the forms of no-ops, beside a few others, or all others.
    pub(crate) fn is_wanted(self, forms: bool) -> bool {
        match self {
            Self::FormOfFive
            | Self::FormOfFivePrefixed
            | Self::FormOfFiveAnywhere
            | Self::FormOfTwo => forms,
            Self::None | Self::Flag | Self::StaticKeys | Self::Bool => true,
            Self::Hook | Self::BoolApart | Self::Pointer | Self::Log | Self::Tracing => !forms,
        }
    }

    /// Returns imports and types.
    pub(crate) fn head(self) -> &'static str {
        match self {
            Self::Hook => "use static_call::{call, static_call};\n",
            Self::Flag => "use static_call::flag;\n",
            Self::StaticKeys => {
                "use static_keys::{define_static_key_false, static_branch_unlikely};\n"
            }
            Self::Bool => "use std::sync::atomic::{AtomicBool, Ordering};\n",
            Self::BoolApart => {
                "use std::sync::atomic::{AtomicBool, Ordering};\n\
                 #[repr(align(64))]\nstruct Apart(AtomicBool);\n"
            }
            Self::Pointer => {
                "use std::ptr::null_mut;\nuse std::sync::atomic::{AtomicPtr, Ordering};\n"
            }
            Self::None
            | Self::Log
            | Self::Tracing
            | Self::FormOfFive
            | Self::FormOfFivePrefixed
            | Self::FormOfFiveAnywhere
            | Self::FormOfTwo => "",
        }
    }

    /// Returns the items of a key.
    pub(crate) fn key(self, key: usize, arguments: Arguments) -> String {
        let parameters = match arguments {
            Arguments::None => "",
            Arguments::Cheap => "x: u64",
            Arguments::Expensive => "text: &str",
        };
        match self {
            Self::Hook => format!("#[static_call]\nfn h{key}({parameters});\n"),
            Self::Flag => format!("flag! {{ static F{key} = false; }}\n"),
            Self::StaticKeys => format!("define_static_key_false!(K{key});\n"),
            Self::Bool => format!("static B{key}: AtomicBool = AtomicBool::new(false);\n"),
            Self::BoolApart => {
                format!("static B{key}: Apart = Apart(AtomicBool::new(false));\n")
            }
            Self::Pointer => {
                format!("static P{key}: AtomicPtr<()> = AtomicPtr::new(null_mut());\n")
            }
            _ => String::new(),
        }
    }

    /// Returns what stores to every atomic: the compiler removes one that nothing stores to.
    pub(crate) fn foot(self, keys: usize) -> String {
        let store = |key: usize| match self {
            Self::Bool => {
                format!("    B{key}.store(std::hint::black_box(false), Ordering::Relaxed);\n")
            }
            Self::BoolApart => {
                format!("    B{key}.0.store(std::hint::black_box(false), Ordering::Relaxed);\n")
            }
            Self::Pointer => {
                format!("    P{key}.store(std::hint::black_box(null_mut()), Ordering::Relaxed);\n")
            }
            _ => String::new(),
        };
        let (mut text, mut calls) = (String::new(), String::new());
        for start in (0..keys).step_by(CHUNK) {
            let stores: String = (start..keys.min(start + CHUNK)).map(store).collect();
            if !stores.is_empty() {
                text += &format!("#[inline(never)]\nfn prepare{start}() {{\n{stores}}}\n");
                calls += &format!("    prepare{start}();\n");
            }
        }
        text + &format!("pub(crate) fn prepare() {{\n{calls}}}\n")
    }

    /// Returns a statement that checks.
    pub(crate) fn check(self, key: usize, arguments: Arguments) -> String {
        let call = arguments.call();
        let within = |condition: String| format!("if {condition} {{ {call}; }}");
        match self {
            Self::None => String::new(),
            Self::Hook => match arguments {
                Arguments::None => format!("call!(h{key}());"),
                Arguments::Cheap => format!("call!(h{key}(x));"),
                Arguments::Expensive => format!("call!(h{key}(&text_of(x, y)));"),
            },
            Self::Flag => within(format!("F{key}.unlikely()")),
            Self::StaticKeys => within(format!("static_branch_unlikely!(K{key})")),
            Self::Bool => within(format!("B{key}.load(Ordering::Relaxed)")),
            Self::BoolApart => within(format!("B{key}.0.load(Ordering::Relaxed)")),
            Self::Pointer => within(format!("!P{key}.load(Ordering::Acquire).is_null()")),
            // A copy, or `x` itself would have to be in memory.
            Self::Log => match arguments {
                Arguments::None => "log::trace!(\"here\");".to_owned(),
                Arguments::Cheap => "log::trace!(\"{}\", { x });".to_owned(),
                Arguments::Expensive => "log::trace!(\"{}\", text_of(x, y));".to_owned(),
            },
            Self::Tracing => match arguments {
                Arguments::None => "tracing::trace!(\"here\");".to_owned(),
                Arguments::Cheap => "tracing::trace!(\"{}\", { x });".to_owned(),
                Arguments::Expensive => "tracing::trace!(\"{}\", text_of(x, y));".to_owned(),
            },
            Self::FormOfFive => within(format!("crate::form!(\".p2align 3,,4\", {FIVE:?})")),
            Self::FormOfFivePrefixed => {
                within(format!("crate::form!(\".p2align 3, 0x2e, 4\", {FIVE:?})"))
            }
            Self::FormOfFiveAnywhere => within(format!("crate::form!(\"\", {FIVE:?})")),
            Self::FormOfTwo => within(format!("crate::form!(\"\", {TWO:?})")),
        }
    }
}
