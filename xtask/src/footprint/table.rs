//! The results, as a page: each with what it should be.

use serde::Serialize;

use super::image::Image;
use super::program::Size;
use super::samples::{Samples, Took};
use super::scale::{self, Scale};
use crate::run::Result;
use crate::spread::Spread;

/// What a key costs.
#[derive(Serialize)]
pub(crate) struct Footprint {
    size: Size,
    rounds: u32,
    pub(crate) rows: Vec<Row>,
    /// Paragraphs: what the libraries, updates and veneers take.
    notes: Vec<String>,
    scale: Vec<Scale>,
}

/// A row: what was measured, in the three programs, and the bound for static calls.
#[derive(Serialize)]
pub(crate) struct Row {
    pub(crate) what: &'static str,
    plain: String,
    tracing: String,
    pub(crate) keys: String,
    pub(crate) target: String,
    pub(crate) is_met: bool,
}

impl Footprint {
    pub(super) fn of(
        size: Size,
        rounds: u32,
        all @ [plain, tracing, keys]: &[Samples; 3],
        ones: &[Image; 3],
        scale: Vec<Scale>,
    ) -> Result<Self> {
        let rows = sizes(size, all, ones)?
            .into_iter()
            .chain(times(plain, tracing, keys)?)
            .chain(lines(plain, tracing, keys)?)
            .collect();
        let notes = vec![once(ones), updates(keys)?, veneers(size, keys)?];
        Ok(Self { size, rounds, rows, notes, scale })
    }

    /// Returns the tables.
    pub(crate) fn text(&self) -> String {
        let mut text = format!(
            "{} functions with {} calls and one target each: plain, under \
             `#[tracing::instrument]`, and as static calls. Medians of {} rounds; only the program \
             itself is built.\n\n\
             | what | plain | `tracing` | static calls | target | |\n|---|--:|--:|--:|--:|---|\n",
            self.size.keys, self.size.calls, self.rounds,
        );
        for row in &self.rows {
            text += &format!(
                "| {} | {} | {} | {} | {} | {} |\n",
                row.what,
                row.plain,
                row.tracing,
                row.keys,
                row.target,
                if row.is_met { "met" } else { "**missed**" },
            );
        }
        for note in &self.notes {
            text += &format!("\n{note}\n");
        }
        text + &scale::table(&self.scale)
    }
}

/// Bytes and relocations of each function: those of the whole program without those of a program
/// with one function.
fn sizes(size: Size, all: &[Samples; 3], ones: &[Image; 3]) -> Result<Vec<Row>> {
    let count = f64::from(size.keys.max(2) - 1);
    let row = |what, of: fn(&Image) -> u64, target: f64, digits: usize| -> Result<Row> {
        let mut each = [0.0; 3];
        for ((each, samples), one) in each.iter_mut().zip(all).zip(ones) {
            *each = of(&samples.image()?).saturating_sub(of(one)) as f64 / count;
        }
        let [plain, tracing, keys] = each;
        Ok(Row {
            what,
            plain: format!("{plain:.digits$}"),
            tracing: format!("{:.digits$} more", tracing - plain),
            keys: format!("{:.digits$} more", keys - plain),
            target: format!("≤ {target} more"),
            is_met: keys - plain <= target,
        })
    };
    Ok(vec![
        row("bytes of the stripped file, for each function", |image| image.size, 700.0, 0)?,
        row("dynamic relocations, for each function", |image| image.relocations, 5.0, 1)?,
    ])
}

/// What the libraries add once.
fn once([plain, tracing, keys]: &[Image; 3]) -> String {
    let more = |image: &Image| image.size.saturating_sub(plain.size) / 1000;
    format!(
        "The libraries add {} KB (`tracing`) and {} KB (the runtime, with reports) once.",
        more(tracing),
        more(keys),
    )
}

/// Times to build, which should be at most those of `tracing`.
fn times(plain: &Samples, tracing: &Samples, keys: &Samples) -> Result<Vec<Row>> {
    let row = |what, time: fn(&Samples) -> Vec<f64>| -> Result<Row> {
        let [plain, tracing, keys] =
            [median(time(plain))?, median(time(tracing))?, median(time(keys))?];
        Ok(Row {
            what,
            plain: format!("{plain:.2}"),
            tracing: format!("{tracing:.2}"),
            keys: format!("{keys:.2} ({:.2} of `tracing`)", keys / tracing),
            target: format!("≤ {tracing:.2}"),
            is_met: keys <= tracing,
        })
    };
    Ok(vec![
        row("`cargo check`, s", |s| elapsed(&s.checks))?,
        row("`cargo check`, s of processors", |s| processor(&s.checks))?,
        row("release build, s", |s| elapsed(&s.builds))?,
        row("release build, s of processors", |s| processor(&s.builds))?,
    ])
}

fn elapsed(times: &[Took]) -> Vec<f64> {
    times.iter().map(|took| took.elapsed).collect()
}

fn processor(times: &[Took]) -> Vec<f64> {
    times.iter().map(|took| took.processor).collect()
}

/// Cache lines of code that the functions fill.
fn lines(plain: &Samples, tracing: &Samples, keys: &Samples) -> Result<Vec<Row>> {
    let row = |what, printed| -> Result<Row> {
        let [plain, tracing, keys] =
            [plain.lines(printed)?, tracing.lines(printed)?, keys.lines(printed)?];
        Ok(Row {
            what,
            plain: plain.to_string(),
            tracing: tracing.to_string(),
            keys: keys.to_string(),
            target: format!("≤ {plain}"),
            is_met: keys <= plain,
        })
    };
    Ok(vec![
        row("cache lines of code that inline calls reach, all on defaults", "default")?,
        row("cache lines of code that inline calls reach, all switched", "target")?,
    ])
}

/// What updates take, and how many calls are inline.
fn updates(keys: &Samples) -> Result<String> {
    let all = |what: &str, i: usize| -> Result<f64> {
        let of_round = keys.printed.iter().filter_map(|printed| printed.get(what)?.get(i));
        median(of_round.copied().collect())
    };
    let milliseconds = |i: usize| all("update", i).map(|nanoseconds| nanoseconds / 1e6);
    Ok(format!(
        "The first update takes {:.2} ms, a later one {:.3} ms. {} of {} calls are inline.",
        milliseconds(0)?,
        milliseconds(1)?,
        all("inline", 0)?,
        all("calls", 0)?,
    ))
}

/// The memory of veneers.
fn veneers(size: Size, keys: &Samples) -> Result<String> {
    let printed = keys.printed.last().and_then(|printed| printed.get("veneers"));
    let [bound, switched, again] = printed.map_or(&[][..], |all| all) else {
        return Err("the program must print `veneers` three times".into());
    };
    let bytes = |pages: f64| pages * 4096.0 / f64::from(size.keys);
    Ok(format!(
        "Veneers take {bound} pages of 4 KiB with all keys on their defaults ({:.0} bytes a \
         key), and {switched} once each has had its target, too ({:.0} bytes more a target). \
         After more switches between the same targets they take {again}: {}.",
        bytes(*bound),
        bytes(switched - bound),
        if again == switched { "met" } else { "**missed**" },
    ))
}

fn median(values: Vec<f64>) -> Result<f64> {
    Ok(Spread::of(values).ok_or("nothing was measured")?.median)
}
