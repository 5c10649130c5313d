//! Generates the stages of a request, once for every way to have hooks in them, and enables the
//! verifier.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

/// Stages of a request.
const STAGES: usize = 50;
/// Hooks of a request.
const HOOKS: [usize; 2] = [100, 500];

/// A way to have a hook: its name in tables, its module, what one hook declares, and what a stage
/// does at it. `{N}` is the hook's number.
struct Way {
    name: &'static str,
    module: &'static str,
    declares: &'static str,
    does: &'static str,
}

const WAYS: [Way; 7] = [
    Way { name: "no hooks", module: "none", declares: "", does: "" },
    Way {
        name: "hooks",
        module: "hooks",
        declares: "#[static_call::static_call]\nfn hook{N}(event: &Event<'_>);\n",
        does: "static_call::call!(hook{N}(&Event { number: {N}, request, answer }));",
    },
    Way {
        name: "flags",
        module: "flags",
        declares: "static_call::flag! { static HOOK{N} = false; }\n",
        does: "if HOOK{N}.unlikely() { on(&Event { number: {N}, request, answer }); }",
    },
    Way {
        name: "static-keys",
        module: "keys",
        declares: "static_keys::define_static_key_false!(HOOK{N});\n",
        does: "if static_keys::static_branch_unlikely!(HOOK{N}) \
               { on(&Event { number: {N}, request, answer }); }",
    },
    Way {
        name: "AtomicBool",
        module: "booleans",
        declares: "static HOOK{N}: AtomicBool = AtomicBool::new(false);\n",
        does: "if HOOK{N}.load(Ordering::Relaxed) \
               { on(&Event { number: {N}, request, answer }); }",
    },
    Way {
        name: "log, off",
        module: "logging",
        declares: "",
        does: "log::trace!(\"{}: {} {answer}\", {N}, request.path);",
    },
    Way {
        name: "tracing, off",
        module: "traces",
        declares: "",
        does: "tracing::trace!(number = {N}, path = request.path, answer);",
    },
];

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    let mut text = String::new();
    for hooks in HOOKS {
        for way in &WAYS {
            module(&mut text, way, hooks)?;
        }
    }
    text += "pub(crate) const WAYS: &[(usize, &[(&str, Stages)])] = &[\n";
    for hooks in HOOKS {
        writeln!(text, "    ({hooks}, &[")?;
        for way in &WAYS {
            writeln!(text, "        ({:?}, {}_{hooks}::STAGES),", way.name, way.module)?;
        }
        text += "    ]),\n";
    }
    text += "];\n/// Stores to every boolean, so that the compiler cannot know them.\n\
             pub(crate) fn turn_off() {\n";
    for hooks in HOOKS {
        writeln!(text, "    booleans_{hooks}::turn_off();")?;
    }
    text += "}\n";
    fs::write(out.join("stages.rs"), text)?;
    let bind = env::var_os("CARGO_FEATURE_BIND").is_some();
    static_call_verify::LinkHook::new().bind_defaults(bind).enable();
    Ok(())
}

fn module(text: &mut String, way: &Way, hooks: usize) -> Result<(), Box<dyn Error>> {
    writeln!(text, "mod {}_{hooks} {{\n#[allow(unused_imports)]\nuse super::*;", way.module)?;
    let with_number = |text: &str, number: usize| text.replace("{N}", &number.to_string());
    for hook in 0..hooks {
        text.push_str(&with_number(way.declares, hook));
    }
    let each = hooks / STAGES;
    for stage in 0..STAGES {
        write!(
            text,
            "#[inline(never)]\nfn stage{stage}(request: &Request<'_>, state: &State, \
             text: &mut Vec<u8>) {{\n    let answer = state.step(request, {stage});\n"
        )?;
        for at in 0..each {
            let number = stage * each + at;
            // Work between hooks: what they are about changes.
            writeln!(
                text,
                "    let answer = answer.rotate_left({}) ^ request.hash;\n    {}",
                number % 31 + 1,
                with_number(way.does, number),
            )?;
        }
        writeln!(text, "    state.answer(answer, text);\n}}")?;
    }
    text.push_str("pub(crate) const STAGES: Stages = &[");
    for stage in 0..STAGES {
        write!(text, "stage{stage}, ")?;
    }
    text.push_str("];\n");
    if way.module == "booleans" {
        text.push_str("pub(crate) fn turn_off() {\n");
        for hook in 0..hooks {
            writeln!(
                text,
                "    HOOK{hook}.store(std::hint::black_box(false), Ordering::Relaxed);"
            )?;
        }
        text.push_str("}\n");
    }
    text.push_str("}\n");
    Ok(())
}
