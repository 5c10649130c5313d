//! The table of coverage, with one row per cell.

use static_call_verify::report::{Kind, Report};

use crate::machine;
use crate::run::Result;

/// The columns: of a row's numbers, the first is the commit.
const COLUMNS: [&str; 17] = [
    "cell",
    "commit",
    "oracles",
    "calls",
    "labels",
    "quad",
    "disp",
    "line",
    "straddle",
    "jmp",
    "jcc",
    "via got",
    "register",
    "taken",
    "inline in one store",
    "inline in steps",
    "inline",
];

/// Returns the first two lines of the table.
pub(super) fn head() -> String {
    format!("| {} |\n|---|{}\n", COLUMNS.join(" | "), "--:|".repeat(COLUMNS.len() - 1))
}

/// Returns the row of a cell; `oracles` is how many agreed with the verifier.
pub(super) fn row(cell: &str, commit: &str, report: &Report, oracles: usize) -> String {
    let s = &report.summary;
    let of = |kind| report.calls.iter().filter(|c| c.kind == kind).count();
    #[expect(clippy::cast_precision_loss, reason = "a share for people to read")]
    let share = |calls: usize| 100.0 * calls as f64 / s.calls.max(1) as f64;
    let inline = report.calls.iter().filter(|c| c.inline);
    let steps = inline.filter(|c| c.grade.takes_steps()).count();
    format!(
        "| {cell} | {commit} | {oracles} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {:.1} % | {:.1} % | {:.1} % |\n",
        s.calls,
        s.labels,
        s.quad,
        s.disp,
        s.line,
        s.straddle,
        of(Kind::Jmp),
        of(Kind::Jcc),
        s.via_got,
        s.register,
        s.address_taken,
        share(s.inline - steps),
        share(steps),
        share(s.inline),
    )
}

/// The least share of inline calls, in percent, without the flags and with them. Counted with the
/// calls are loads of a trampoline's address into a register, and other uses of it.
const TARGETS: [(bool, f64); 2] = [(false, 99.8), (true, 100.0)];

/// Returns the share of inline calls of a row.
fn inline(row: &str) -> Option<f64> {
    let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
    let number = |column: &str| -> Option<f64> {
        let at = COLUMNS.iter().position(|name| *name == column)?;
        cells.get(at)?.trim_end_matches(" %").parse().ok()
    };
    let calls = number("calls")?;
    let all = calls + number("via got")? + number("register")? + number("taken")?;
    Some(number("inline")? * calls / all)
}

/// Says how many of the rows with the flags and without them meet the target.
pub(super) fn targets(rows: &str) -> String {
    let mut text = String::new();
    for (has_flags, target) in TARGETS {
        let wanted = |row: &&str| row.contains("no-flags") != has_flags;
        let shares: Vec<f64> = rows.lines().filter(wanted).filter_map(inline).collect();
        if shares.is_empty() {
            continue;
        }
        let met = shares.iter().filter(|share| **share >= target).count();
        let (which, count) = (if has_flags { "with" } else { "without" }, shares.len());
        let least = shares.iter().copied().fold(100.0, f64::min);
        let verdict = if met == count { "met" } else { "**missed**" };
        text += &format!(
            "\nOf calls, loads and other uses of trampolines, at least {target} % inline {which} \
             the flags: {met} of {count} cells, {verdict}; the least is {least:.1} %.\n"
        );
    }
    text
}

/// Merges the file's old rows with those of this run, which win, and leaves out cells that failed,
/// and rows that have other columns than now. The order is that of `cells`.
pub(super) fn merged(before: &str, now: &str, failed: &[String], cells: &[String]) -> String {
    let row = |text: &str, cell: &str| {
        let start = format!("| {cell} |");
        let is_row = |line: &&str| {
            line.starts_with(&start) && line.matches('|').count() == COLUMNS.len() + 1
        };
        text.lines().find(is_row).map(|line| format!("{line}\n"))
    };
    let wanted = cells.iter().filter(|cell| !failed.contains(cell));
    wanted.filter_map(|cell| row(now, cell).or_else(|| row(before, cell))).collect()
}

/// Returns the file that `--bless` writes.
pub(super) fn document(command: &str, rows: &str) -> Result<String> {
    Ok(format!(
        "# Coverage of the matrix\n\n\
         {}.\n\n\
         For each build of the generated program: how many oracles find the same addresses,\n\
         kinds, lengths and grades as the verifier (3 are the relocations that the linker kept, a\n\
         decode of every function by iced-x86, and objdump; 1 is only the first); the number of\n\
         call instructions and of jump labels of hooks; calls by grade, and by kind other than\n\
         `call`; and the shares that are retargeted in place by one store, in steps, and by\n\
         either. With the flags that `cargo static-call init` writes, every `call` to a local\n\
         trampoline is `quad`. The others are tail calls, or go to trampolines that their crate\n\
         exports (plain calls of `pub` keys in their own library, generic functions instantiated\n\
         in both crates). The assembler does not align calls of these (`call symbol@PLT`) unless\n\
         the relocation model is static. Cells named `no-flags` are compiled without the flags.\n\n\
         {}{rows}{}",
        machine::heading(&format!("`{command}` (`--cell NAME` renews one row)"))?,
        head(),
        targets(rows),
    ))
}

#[cfg(test)]
mod tests {
    use super::{merged, targets};

    fn row(cell: &str, calls: u32, register: u32) -> String {
        format!(
            "| {cell} | 1a | 3 | {calls} | 5 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | {register} | 0 | 60.0 % \
             | 40.0 % | 100.0 % |\n"
        )
    }

    #[test]
    fn rows_of_this_run_replace_old_ones_and_failed_ones_go() {
        let cells = ["a", "ab", "c", "d", "e"].map(str::to_owned);
        let before = ["text\n", &row("ab", 1, 0), &row("a", 1, 0), &row("c", 1, 0), "| e | 1 |\n"];
        let now = [row("d", 2, 0), row("a", 2, 0)].concat();
        let rows = merged(&before.concat(), &now, &["c".to_owned()], &cells);
        assert_eq!(rows, [row("a", 2, 0), row("ab", 1, 0), row("d", 2, 0)].concat());
    }

    #[test]
    fn targets_count_what_is_no_call() {
        let rows = [row("a", 1000, 0), row("b-no-flags", 998, 2), row("c-no-flags", 997, 3)];
        let text = targets(&rows.concat());
        assert!(text.contains("without the flags: 1 of 2 cells, **missed**; the least is 99.7 %"));
        assert!(text.contains("with the flags: 1 of 1 cells, met; the least is 100.0 %"), "{text}");
    }
}
