//! What a key costs besides calls, and what the link hook adds to a link. The tasks `footprint` and
//! `bench-verify` measure the same.

use super::Options;
use super::results::Cost;
use super::targets::Target;
use crate::bench::{self, Link, Links};
use crate::footprint::{self, Footprint};
use crate::run::Result;

pub(super) const SIZE: &str = "Size";
pub(super) const LINK_TIME: &str = "Link time";

/// Rounds of `footprint`, each of which takes half a minute.
const ROUNDS: u32 = 3;
/// What the hook may add to a link: so many seconds, or this part of it.
const MOST: (f64, f64) = (0.030, 0.05);

/// Measures what a key costs in size, in time to build and at the start.
pub(super) fn size(options: &Options) -> Result<Option<Cost<Footprint>>> {
    if !options.size || !options.wants(SIZE) {
        return Ok(None);
    }
    eprintln!("measuring the size of keys");
    let measured = footprint::measure(ROUNDS)?;
    let target = |row: &footprint::Row| Target {
        what: format!("{}: {}", row.what, row.target),
        measured: row.keys.clone(),
        met: row.is_met,
    };
    let targets = measured.rows.iter().map(target).collect();
    Ok(Some(Cost { title: SIZE, text: measured.text(), measured, targets }))
}

/// Measures the time of links.
pub(super) fn link_time(options: &Options) -> Result<Option<Cost<Links>>> {
    if !options.link || !options.wants(LINK_TIME) {
        return Ok(None);
    }
    eprintln!("measuring the time of links");
    let measured = bench::links()?;
    let targets = measured.0.iter().map(target).collect();
    Ok(Some(Cost { title: LINK_TIME, text: measured.text(), measured, targets }))
}

/// Returns the target for a link.
fn target(link: &Link) -> Target {
    let (added, part) = (link.added.median, link.part.median);
    Target {
        what: format!(
            "{}, {}; the hook adds at most {:.0} ms or {:.0} %",
            link.program,
            link.profile,
            MOST.0 * 1e3,
            MOST.1 * 1e2
        ),
        measured: format!("{:.1} ms, {:.1} %", added * 1e3, part * 1e2),
        met: added <= MOST.0 || part <= MOST.1,
    }
}

#[cfg(test)]
mod tests {
    use super::{Link, target};
    use crate::spread::Spread;

    #[test]
    fn a_link_may_take_a_little_more_or_a_small_part() {
        let is_met =
            |added: f64, without: f64| {
                let [without, added, part] = [without, added, added / without]
                    .map(|median| Spread { low: median, median, high: median });
                target(&Link { program: "a", profile: "dev", megabytes: 1.0, without, added, part })
                    .met
            };
        assert!(is_met(0.029, 0.1));
        assert!(is_met(0.04, 1.0));
        assert!(!is_met(0.04, 0.1));
    }
}
