//! The tables of results for the crates.

use super::Outcome;
use super::images::Found;
use crate::machine;
use crate::run::Result;
use crate::spread::Spread;
use std::fmt::Write as _;

/// Returns the table of crates: patches and tests.
pub(super) fn crates(outcomes: &[Outcome]) -> String {
    let mut text = String::from(
        "| crate | version | for | patch | tests | with the patch | debug | what the patch changes |\n\
         |---|---|---|--:|--:|--:|--:|---|\n",
    );
    for o in outcomes {
        let (given, lines) = (o.given, o.lines);
        let _ = writeln!(
            text,
            "| {} | {} | {} | +{} −{} | {} | {} | {} | {} |",
            given.name,
            given.version,
            given.field,
            lines.added,
            lines.removed,
            o.original,
            o.patched,
            o.debug,
            given.made,
        );
    }
    text
}

/// Returns the table of images: calls by grade and path.
pub(super) fn images(outcomes: &[Outcome]) -> String {
    let mut text = String::from(
        "| crate | build | images | calls | quad | disp | line | straddle | tail calls | via got | register | taken \
         | inline | trampoline | labels | instructions compared |\n\
         |---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for o in outcomes {
        for (build, found) in [("release", o.release), ("debug", o.unoptimised), ("bench", o.bench)]
        {
            row(&mut text, o.given.name, build, &found);
        }
    }
    text
}

fn row(text: &mut String, name: &str, build: &str, f: &Found) {
    let [quad, disp, line, straddle] = f.grades;
    let _ = writeln!(
        text,
        "| {name} | {build} | {} | {} | {quad} | {disp} | {line} | {straddle} | {} | {} | {} | {} | {} | {} | {} | {} |",
        f.images,
        f.calls,
        f.tail_calls,
        f.via_got,
        f.register,
        f.address_taken,
        f.inline,
        f.calls - f.inline,
        f.labels,
        f.decoded,
    );
}

/// Returns the table of costs.
pub(super) fn costs(outcomes: &[Outcome]) -> String {
    let mut text = String::from(
        "| crate | what | original | flags only | static calls | indirect only | switched \
         | instructions |\n\
         |---|---|--:|--:|--:|--:|--:|--:|\n",
    );
    for o in outcomes {
        for cost in &o.costs.costs {
            let switched = cost.switched.map(ratio).unwrap_or_default();
            let instructions = cost
                .instructions
                .map(|[before, after]| format!("{} → {}", count(before), count(after)));
            let instructions = instructions.unwrap_or_default();
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {switched} | {instructions} |",
                o.given.name,
                cost.what,
                time(cost.original),
                ratio(cost.flags),
                ratio(cost.patched),
                ratio(cost.indirect),
            );
        }
    }
    text.push('\n');
    for o in outcomes {
        if let Some(switch) = o.costs.switch {
            let _ = writeln!(text, "Switching {}: {}.", o.given.name, time(switch));
        }
    }
    text
}

fn ratio(s: Spread) -> String {
    format!("{:.2} ({:.2}–{:.2})", s.median, s.low, s.high)
}

/// Returns a number of instructions with as many digits as matter.
fn count(instructions: f64) -> String {
    if instructions < 100.0 { format!("{instructions:.1}") } else { format!("{instructions:.0}") }
}

fn time(s: Spread) -> String {
    let ns = s.median;
    if ns < 1e3 {
        format!("{ns:.2} ns")
    } else if ns < 1e6 {
        format!("{:.2} µs", ns / 1e3)
    } else {
        format!("{:.2} ms", ns / 1e6)
    }
}

/// Returns the file that `--bless` writes.
pub(super) fn document(outcomes: &[Outcome]) -> Result<String> {
    Ok(format!(
        "# Published crates with static calls\n\n\
         {}; the machine's load was {}.\n\n\
         Each crate's source is its published version; `ecosystem/patches/NAME.patch` adds static\n\
         calls. Its own tests, including those in the documentation, pass without the patch and\n\
         with it, both times optimised. The tests of the library and of `tests` also pass without\n\
         optimisation (except memchr's tests of packed pairs, which would take minutes, and a\n\
         test of tracing-core that depends on microseconds). Each patch adds a test that\n\
         switches implementations while the others run (except for `log` and `tracing`, whose\n\
         tests switch levels themselves). Numbers for `tracing` include tracing-core, which is\n\
         patched with it.\n\n\
         {}\n\
         ## What the verifier found\n\n\
         In the test programs of both builds, and in the program that measures. The relocations\n\
         that the linker kept, a decode of every instruction by iced-x86, and objdump found the\n\
         same addresses, kinds, lengths, grades and trampolines. A label is where code tests a\n\
         flag: its record names a jump of five bytes, which objdump found there.\n\n\
         {}\n\
         ## What it costs\n\n\
         Times as ratios to the original in the same round: medians of {} rounds, and quartiles.\n\
         Less than 1 is a gain; what lies within the quartiles of *flags only* is noise.\n\
         *Original*: as published, without flags. *Flags only*: the original, built with the\n\
         flags of README.md. *Static calls*: patched, with these flags, after\n\
         `static_call::init()`. *Indirect only*: the same program with `STATIC_CALL=indirect`, as\n\
         where code cannot be changed. *Switched*: the same program after a switch to portable\n\
         code (for `log` and `tracing`: to a level at which everything is logged).\n\
         *Instructions*: of one operation with its loop, as published and with static calls,\n\
         counted by valgrind's callgrind, which has no AVX-512.\n\n\
         {}",
        machine::heading("`cargo xtask ecosystem --bless`")?,
        machine::load()?,
        crates(outcomes),
        images(outcomes),
        super::cost::ROUNDS,
        costs(outcomes),
    ))
}
