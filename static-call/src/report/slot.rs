//! The report where nothing is patched: every site goes through the slot.

use std::vec;
use std::vec::Vec;

use super::{CallReport, KeyReport, Report, SiteReport};
use crate::path::{Path, Reason};
use crate::record::{KeyRecord, STATIC_CALL_0_1_KEYS};
use crate::site::STATIC_CALL_0_1_SITES;

pub(super) fn collect() -> Report {
    let keys = STATIC_CALL_0_1_KEYS.iter().map(|record| {
        let (module, file, line, column) = record.place();
        KeyReport {
            name: record.name(),
            module,
            file,
            line,
            column,
            signature: record.signature(),
            is_flag: record.has(KeyRecord::IS_FLAG),
            target: record.target(),
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
        findings: Vec::new(),
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
