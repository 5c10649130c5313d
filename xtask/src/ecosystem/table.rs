//! The tables of what the crates came to.

use super::Outcome;
use super::images::Found;
use crate::machine;
use crate::run::Result;
use crate::spread::Spread;
use std::fmt::Write as _;

/// The crates: patches, tests, and time.
pub(super) fn crates(outcomes: &[Outcome]) -> String {
    let mut text = String::from(
        "| crate | version | for | patch | tests | with the patch | debug | what the patch makes of it |\n\
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

/// The images: calls by grade and path.
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

/// What it costs.
pub(super) fn costs(outcomes: &[Outcome]) -> String {
    let mut text = String::from(
        "| crate | what | original | flags alone | static calls | over the slot alone | switched |\n\
         |---|---|--:|--:|--:|--:|--:|\n",
    );
    for o in outcomes {
        for cost in &o.costs.costs {
            let switched = cost.switched.map(ratio).unwrap_or_default();
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {switched} |",
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
            let _ = writeln!(text, "A switch of {}: {}.", o.given.name, time(switch));
        }
    }
    text
}

fn ratio(s: Spread) -> String {
    format!("{:.2} ({:.2}–{:.2})", s.median, s.low, s.high)
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

/// The file that `--bless` writes.
pub(super) fn document(outcomes: &[Outcome]) -> Result<String> {
    Ok(format!(
        "# Published crates with static calls\n\n\
         {}; the machine's load was {}.\n\n\
         Each crate's source is what its version was published as;\n\
         `ecosystem/patches/NAME.patch` gives it static calls. Its own tests, those in the\n\
         documentation included, pass without the patch and with it, both times optimised.\n\
         Without optimisation those of the library and of `tests` pass, too (of memchr without\n\
         those of packed pairs, which take minutes then). The patch adds a test that switches\n\
         implementations while the others run (to `log`, whose tests switch levels themselves,\n\
         it adds none).\n\n\
         {}\n\
         ## What the verifier found\n\n\
         In the programs that hold the tests, in both builds, and in the one that measures. The\n\
         relocations that the linker kept, a decode of every instruction by iced-x86, and\n\
         objdump found the same: addresses, kinds, lengths, grades, trampolines. A label is\n\
         where a flag is asked.\n\n\
         {}\n\
         ## What it costs\n\n\
         Ratios of times to the original in the same round, the median of {} rounds and the\n\
         quartiles; less than 1 is a gain, and what lies within the quartiles of *flags alone*\n\
         is noise. *Original*: as published, without flags. *Flags alone*: the original, built\n\
         with the flags of README.md. *Static calls*: patched, with these flags, after\n\
         `static_call::init()`. *Over the slot alone*: the same program under\n\
         `STATIC_CALL=indirect`, what is left where code cannot be changed. *Switched*: the\n\
         same program after it has switched to portable code (of `log`: to a level at which all\n\
         is logged).\n\n\
         {}",
        machine::heading("`cargo xtask ecosystem --bless`")?,
        machine::load()?,
        crates(outcomes),
        images(outcomes),
        super::cost::ROUNDS,
        costs(outcomes),
    ))
}
