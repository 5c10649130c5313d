//! The table of coverage, with one row per cell.

use static_call_verify::report::{Kind, Report};

use crate::machine;
use crate::run::Result;

const HEAD: &str = "\
| cell | commit | oracles | calls | labels | quad | disp | line | straddle | jmp | jcc | via got | register | taken | inline in one store | inline in steps | inline |
|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|
";

pub(super) fn head() -> &'static str {
    HEAD
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

/// Merges the file's old rows with those of this run, which win, and leaves out cells that failed.
/// The order is that of `cells`.
pub(super) fn merged(before: &str, now: &str, failed: &[String], cells: &[String]) -> String {
    let row = |text: &str, cell: &str| {
        let start = format!("| {cell} |");
        text.lines().find(|line| line.starts_with(&start)).map(|line| format!("{line}\n"))
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
         {HEAD}{rows}",
        machine::heading(&format!("`{command}` (`--cell NAME` renews one row)"))?,
    ))
}

#[cfg(test)]
mod tests {
    use super::merged;

    #[test]
    fn rows_of_this_run_replace_old_ones_and_failed_ones_go() {
        let cells = ["a", "ab", "c", "d"].map(str::to_owned);
        let before = "text\n| ab | 1 |\n| a | 1 |\n| c | 1 |\n";
        let rows = merged(before, "| d | 2 |\n| a | 2 |\n", &["c".to_owned()], &cells);
        assert_eq!(rows, "| a | 2 |\n| ab | 1 |\n| d | 2 |\n");
    }
}
