//! The report where nothing is patched: every site goes through the slot.

use std::string::ToString;
use std::vec;
use std::vec::Vec;

use crate::error::UpdateError;
use crate::lock;
use crate::path::{Path, Reason};
use crate::record::{KeyRecord, STATIC_CALL_0_1_KEYS};
use crate::report::{CallReport, KeyReport, Problem, Report, SiteReport};
use crate::site::STATIC_CALL_0_1_SITES;

pub(crate) fn report() -> Report {
    // Room before the lock, so that nothing allocates under it; the lock, so that a batch is seen whole.
    let mut targets = Vec::with_capacity(STATIC_CALL_0_1_KEYS.len());
    match lock::lock() {
        Ok(_guard) => targets.extend(STATIC_CALL_0_1_KEYS.iter().map(KeyRecord::target)),
        Err(reentered) => {
            let message = UpdateError::from(reentered).to_string();
            return Report {
                keys: Vec::new(),
                other_sites: Vec::new(),
                dead_sites: 0,
                problems: vec![Problem { address: None, message }],
            };
        }
    }
    let keys = STATIC_CALL_0_1_KEYS.iter().zip(targets).map(|(record, target)| {
        let (module, file, line, column) = record.place();
        KeyReport {
            name: record.name(),
            module,
            file,
            line,
            column,
            signature: record.signature(),
            is_flag: record.has(KeyRecord::IS_FLAG),
            target,
            bound: false,
            sites: vec![site(file, line, column, true)],
        }
    });
    let other_sites = STATIC_CALL_0_1_SITES.iter().map(|record| {
        let (file, line, column) = record.position();
        site(file, line, column, false)
    });
    Report {
        keys: keys.collect(),
        other_sites: other_sites.collect(),
        dead_sites: 0,
        problems: Vec::new(),
    }
}

fn site(file: &'static str, line: u32, column: u32, is_plain: bool) -> SiteReport {
    let call = CallReport {
        address: 0,
        kind: None,
        grade: None,
        path: Path::Indirect,
        reason: Some(Reason::NotSupported),
    };
    SiteReport { file, line, column, is_plain, calls: vec![call] }
}
