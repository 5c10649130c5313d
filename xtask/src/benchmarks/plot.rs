//! Results as plots: a bar for each way, and whiskers at the quartiles.

use std::path::{Path, PathBuf};

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::results::{Results, Workload};
use crate::run::Result;

/// Pixels of a bar, with the space around it.
const BAR: u32 = 22;
const WIDTH: u32 = 760;
/// Pixels for names.
const NAMES: i32 = 250;
/// The largest ratio that is drawn to scale.
const LARGEST: f64 = 2.5;

/// Draws each workload into a file of its own. Returns the files.
pub(super) fn plots(results: &Results, dir: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for section in &results.sections {
        for workload in &section.workloads {
            let path = dir.join(file(section.title, &workload.name));
            plot(workload, &path)?;
            files.push(path);
        }
    }
    Ok(files)
}

/// Returns the name of a workload's file. Workloads of different sections may have one name.
pub(super) fn file(section: &str, workload: &str) -> String {
    let name = format!("{section} {workload}");
    let kept = name.chars().filter(|c| c.is_ascii_alphanumeric() || " .-".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect::<String>() + ".svg"
}

fn plot(workload: &Workload, path: &Path) -> Result {
    let rows = u32::try_from(workload.rows.len())?;
    let size = (WIDTH, BAR * (rows + 3));
    let area = SVGBackend::new(path, size).into_drawing_area();
    area.fill(&WHITE)?;
    let title = ("sans-serif", 15).into_font().color(&BLACK);
    area.draw_text(&workload.name, &title, (8, 6))?;
    let unit = f64::from(WIDTH - 70) - f64::from(NAMES);
    let x = |ratio: f64| NAMES + (ratio.clamp(0.0, LARGEST) / LARGEST * unit) as i32;
    let text = ("sans-serif", 12).into_font().color(&BLACK);
    let right = text.pos(Pos::new(HPos::Right, VPos::Center));
    let left = text.pos(Pos::new(HPos::Left, VPos::Center));
    for (n, row) in workload.rows.iter().enumerate() {
        let (top, middle) = bar(n)?;
        let own = row.name.starts_with("static call");
        let color = if own { RGBColor(38, 99, 166) } else { RGBColor(150, 158, 168) };
        let bottom = top + BAR as i32 - 6;
        let end = x(row.ratio.median);
        area.draw(&Rectangle::new([(NAMES, top), (end, bottom)], color.filled()))?;
        let whisker = [(x(row.ratio.low), middle), (x(row.ratio.high), middle)];
        area.draw(&PathElement::new(whisker, BLACK.stroke_width(1)))?;
        area.draw_text(&row.name, &right, (NAMES - 8, middle))?;
        let label = format!("{:.2}", row.ratio.median);
        area.draw_text(&label, &left, (x(row.ratio.high).max(end) + 6, middle))?;
    }
    let (bottom, _) = bar(workload.rows.len())?;
    area.draw(&PathElement::new([(x(1.0), BAR as i32), (x(1.0), bottom)], RED.stroke_width(1)))?;
    let unit = workload.unit();
    let legend = format!("{unit}; whiskers are quartiles; longer than {LARGEST} is cut");
    area.draw_text(&legend, &text, (NAMES, bottom + 6))?;
    area.present()?;
    Ok(())
}

/// Returns top and middle of a bar.
fn bar(n: usize) -> Result<(i32, i32)> {
    let top = i32::try_from(n)? * BAR as i32 + BAR as i32 + 8;
    Ok((top, top + BAR as i32 / 2 - 3))
}
