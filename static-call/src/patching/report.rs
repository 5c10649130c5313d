//! The report where code is patched: a copy of the state, taken under the lock without allocating,
//! and arranged afterwards.

use core::ops::Range;
use core::ptr::from_ref;
use std::collections::BTreeMap;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use crate::layout::{Grade, Kind, PLACES_VERSION, PlacesFault, TABLE_VERSION};
use crate::patching::bound;
use crate::patching::cap::Cap;
use crate::patching::image::{Image, TableFault};
use crate::patching::path;
use crate::patching::places;
use crate::patching::registry::{Call, Fault, Label, Trampoline};
use crate::patching::shared::with_state;
use crate::patching::state::State;
use crate::path::Reason;
use crate::record::{KEYS, KeyRecord};
use crate::report::{CallReport, KeyReport, Problem, Report, SiteReport};
use crate::site::{SITES, SiteRecord};
use crate::target::Target;

/// What is copied under the lock.
#[derive(Default)]
struct Snapshot {
    /// For each key: whether it is bound, and its target.
    keys: Vec<(bool, Target)>,
    trampolines: Vec<(Trampoline, CallReport)>,
    calls: Vec<(Call, Option<CallReport>)>,
    labels: Vec<(Label, CallReport)>,
    verified: bool,
    image: Option<Image>,
    /// Why there is no registry, if there is none.
    bare: Option<Reason>,
    sites: usize,
    veneer_pages: usize,
    is_aliased: bool,
    general: Vec<General>,
}

/// A problem that is not about one record.
#[derive(Clone, Copy)]
enum General {
    Table(TableFault),
    Places(PlacesFault),
    Environment,
    Barrier(i32),
    Permission(i32),
    OpenPages(usize),
    ForeignKeys(usize),
    Bound(usize, Reason),
    Bare(Reason),
}

pub(crate) fn report() -> Report {
    let mut snapshot = Snapshot::default();
    let sizes = with_state(|state| {
        let r = &state.registry;
        let keys = if r.image.is_some() { r.keys.len() } else { KEYS.len() };
        [keys, r.trampolines.len(), r.calls.len(), r.labels.len()]
    });
    let taken = sizes.and_then(|[keys, trampolines, calls, labels]| {
        snapshot.keys.reserve_exact(keys);
        snapshot.trampolines.reserve_exact(trampolines);
        snapshot.calls.reserve_exact(calls);
        snapshot.labels.reserve_exact(labels);
        snapshot.general.reserve_exact(8);
        with_state(|state| snapshot.fill(state))
    });
    match taken {
        Ok(()) => {
            snapshot.name_functions();
            snapshot.into_report()
        }
        Err(error) => Report::refused(error),
    }
}

impl Snapshot {
    /// Copies without allocating: the caller has reserved the memory.
    fn fill(&mut self, state: &State) {
        let registry = &state.registry;
        self.verified = registry.table.is_ok();
        self.image = registry.image;
        self.sites = registry.sites;
        self.veneer_pages = state.veneers.pages();
        self.is_aliased = state.limits.is_aliased;
        for (key, &bound) in registry.keys.iter().zip(&*state.written.bound) {
            self.keys.push((bound, key.record.target()));
        }
        self.bare = path::why_unpatched(state).filter(|_| registry.image.is_none());
        if self.bare.is_some() {
            let keys = KEYS.static_slice().iter();
            self.keys.extend(keys.map(|record| (record.is_bound_in_file(), record.target())));
        }
        for (i, trampoline) in registry.trampolines.iter().enumerate() {
            let (path, reason) = path::of_trampoline(state, i);
            let address = trampoline.address as usize;
            let report = CallReport {
                address,
                kind: None,
                grade: None,
                steps: false,
                path,
                reason,
                function: None,
            };
            self.trampolines.push((*trampoline, report));
        }
        for (i, call) in registry.calls.iter().enumerate() {
            let report = ((call.key as usize) < registry.keys.len()).then(|| {
                let (path, reason) = path::of_call(state, i);
                let address = call.address as usize;
                let (kind, grade) = (Some(call.kind), Some(call.grade));
                let steps = call.grade.takes_steps();
                CallReport { address, kind, grade, steps, path, reason, function: None }
            });
            self.calls.push((*call, report));
        }
        for (i, label) in registry.labels.iter().enumerate() {
            let (path, reason) = path::of_label(state, i);
            let address = label.address as usize;
            let (kind, grade) = (Some(Kind::Label), label.shape.map(|_| Grade::Quad));
            let report =
                CallReport { address, kind, grade, steps: false, path, reason, function: None };
            self.labels.push((*label, report));
        }
        self.fill_general(state);
    }

    fn fill_general(&mut self, state: &State) {
        let table = state.registry.table.err().filter(|&fault| fault != TableFault::Absent);
        self.general.extend(table.map(General::Table));
        let is_unknown = state.limits.cap == Cap::Unknown;
        self.general.extend(is_unknown.then_some(General::Environment));
        let barrier = state.limits.barrier.err().or(state.left.missing);
        self.general.extend(barrier.map(General::Barrier));
        self.general.extend(state.left.lost_permission.map(General::Permission));
        let open = state.pages_left_open();
        self.general.extend((open > 0).then_some(General::OpenPages(open)));
        let foreign = state.left.foreign_keys;
        // Without a registry no key is known to be of this image.
        let is_known = foreign > 0 && self.bare.is_none();
        self.general.extend(is_known.then_some(General::ForeignKeys(foreign)));
        self.general.extend(self.bare.map(General::Bare));
        let (fixed, why) = bound::count_fixed(state);
        self.general.extend(why.map(|why| General::Bound(fixed, why)));
    }

    /// Names the functions around calls and jump labels. A trampoline's report has none: it is not
    /// about one call.
    fn name_functions(&mut self) {
        let places = match self.image.as_ref().map(places::of) {
            Some(Ok(Some(places))) => places,
            Some(Err(fault)) => return self.general.push(General::Places(fault)),
            Some(Ok(None)) | None => return,
        };
        let calls = self.calls.iter_mut().filter_map(|(_, report)| report.as_mut());
        for report in calls.chain(self.labels.iter_mut().map(|(_, report)| report)) {
            report.function = places.function(report.address as u64);
        }
    }

    fn into_report(self) -> Report {
        let keys = self.keys.iter().zip(KEYS.iter()).enumerate();
        let keys = keys.map(|(i, (&(bound, target), record))| self.key(i, bound, target, record));
        let of_trampolines = self.trampolines.iter().filter_map(|(t, _)| t.site);
        let of_labels = self.labels.iter().filter_map(|(l, _)| l.site);
        let mut live: Vec<*const SiteRecord> =
            of_trampolines.chain(of_labels).map(from_ref).collect();
        live.sort_unstable();
        live.dedup();
        let described = SITES.static_slice().iter().filter(|_| self.bare.is_some());
        let is_bound = self.keys.iter().any(|&(bound, _)| bound);
        let other_sites = described.map(|record| self.unknown(record.position(), false, is_bound));
        Report {
            keys: keys.collect(),
            other_sites: other_sites.collect(),
            dead_sites: self.sites - live.len(),
            veneer_pages: self.veneer_pages,
            aliased: self.is_aliased,
            problems: self.problems(),
        }
    }

    fn key(
        &self,
        index: usize,
        bound: bool,
        target: Target,
        record: &'static KeyRecord,
    ) -> KeyReport {
        let (_, file, line, column) = record.place();
        if self.bare.is_some() {
            let plain = self.unknown((file, line, column), true, bound);
            return KeyReport::new(record, target, bound, std::vec![plain]);
        }
        let own = (file, line, column);
        let mut sites = Sites { own, list: Vec::new(), places: BTreeMap::new() };
        let of_key = part(&self.trampolines, |(t, _)| t.key as usize, index);
        let of_calls = part(&self.calls, |(call, _)| call.key as usize, index);
        let to_call = |&(call, report): &(Call, Option<CallReport>)| {
            report.map(|report| (call.trampoline as usize, report))
        };
        let mut listed: Vec<_> = self.calls[of_calls].iter().filter_map(to_call).collect();
        listed.sort_by_key(|&(trampoline, _)| trampoline);
        for i in of_key {
            let (trampoline, report) = &self.trampolines[i];
            let calls = sites.calls(trampoline.site);
            if self.verified {
                let of_this = part(&listed, |&(trampoline, _)| trampoline, i);
                calls.extend(listed[of_this].iter().map(|&(_, report)| report));
            } else {
                calls.push(*report);
            }
        }
        for (label, report) in &self.labels[part(&self.labels, |(l, _)| l.key as usize, index)] {
            sites.calls(label.site).push(*report);
        }
        let mut sites = sites.list;
        sites.sort_by_key(|site| (!site.is_plain, site.file, site.line, site.column));
        KeyReport::new(record, target, bound, sites)
    }

    /// Returns a site of which no call is known. They go through the slot, unless they were bound
    /// at link time.
    fn unknown(
        &self,
        (file, line, column): (&'static str, u32, u32),
        is_plain: bool,
        is_bound: bool,
    ) -> SiteReport {
        let calls = match is_bound {
            true => Vec::new(),
            false => std::vec![CallReport::unlisted(self.bare)],
        };
        SiteReport { file, line, column, is_plain, calls }
    }

    fn problems(&self) -> Vec<Problem> {
        let general = self
            .general
            .iter()
            .map(|general| Problem { address: None, message: general.message() });
        let trampolines = self.trampolines.iter().filter_map(|(t, _)| {
            let message = format!("a trampoline record is ignored: {}", t.fault?.phrase());
            Some(Problem { address: Some(t.address as usize), message })
        });
        let calls = self.calls.iter().filter_map(|(call, _)| {
            let message = format!("an entry of the table is ignored: {}", call.fault?.phrase());
            Some(Problem { address: Some(call.address as usize), message })
        });
        let labels = self.labels.iter().filter_map(|(label, _)| {
            let message = format!("a jump label is not patched: {}", label.fault?.phrase());
            Some(Problem { address: Some(label.address as usize), message })
        });
        general.chain(trampolines).chain(calls).chain(labels).collect()
    }
}

/// The sites of a key, in the order in which they are found.
struct Sites {
    /// Where the key is declared: the position of its plain calls.
    own: (&'static str, u32, u32),
    list: Vec<SiteReport>,
    /// Where each is in the list, by the address of its description.
    places: BTreeMap<Option<usize>, usize>,
}

impl Sites {
    /// Returns the calls of a site. Without a description, the site is the plain calls of the key.
    fn calls(&mut self, record: Option<&'static SiteRecord>) -> &mut Vec<CallReport> {
        let address = record.map(|record| from_ref(record).addr());
        let at = *self.places.entry(address).or_insert_with(|| {
            let (file, line, column) = record.map_or(self.own, SiteRecord::position);
            let is_plain = record.is_none();
            self.list.push(SiteReport { file, line, column, is_plain, calls: Vec::new() });
            self.list.len() - 1
        });
        &mut self.list[at].calls
    }
}

/// Returns the range of one key in a list sorted by key.
fn part<T>(sorted: &[T], key_of: impl Fn(&T) -> usize, key: usize) -> Range<usize> {
    let start = sorted.partition_point(|t| key_of(t) < key);
    start..sorted.partition_point(|t| key_of(t) <= key)
}

impl General {
    fn message(self) -> String {
        match self {
            Self::Environment => "STATIC_CALL is ignored: set it to `inline`, `no-steps`, \
                                  `retarget`, `trampoline` or `indirect`"
                .to_string(),
            Self::Barrier(errno) => format!(
                "membarrier is not available (errno {errno}): other threads see an update \
                 eventually, but there is no time limit"
            ),
            Self::Permission(errno) => format!(
                "code can no longer be made writable (errno {errno}): keys that are not bound stay \
                 on their slots"
            ),
            Self::ForeignKeys(keys) => format!(
                "{keys} {} in another image than the runtime, as with a Rust `dylib`: they are not \
                 listed, and their calls go through the slot",
                if keys == 1 { "updated key is" } else { "updated keys are" }
            ),
            Self::Bound(keys, reason) => format!(
                "{keys} {} bound to {} at link time and cannot be updated: {reason}",
                if keys == 1 { "key is" } else { "keys are" },
                if keys == 1 { "its default" } else { "their defaults" },
            ),
            Self::Bare(reason) => format!("no call is known, and none is patched: {reason}"),
            Self::OpenPages(pages) => format!(
                "{pages} code {} not be closed after patching: left writable",
                if pages == 1 { "page could" } else { "pages could" }
            ),
            Self::Table(fault) => format!(
                "the table is not used, so calls stay on their trampolines: {}",
                fault.phrase()
            ),
            Self::Places(fault) => {
                format!("the names of the functions around calls are not used: {}", fault.phrase())
            }
        }
    }
}

impl PlacesFault {
    fn phrase(self) -> String {
        match self {
            Self::Malformed => "they are cut short or overwritten".to_string(),
            Self::Version(found) => format!(
                "they have version {found}, but this runtime reads version {PLACES_VERSION}: use \
                 the same release of both crates"
            ),
            Self::OtherImage => {
                "they were made for another layout: a tool moved segments after the link"
                    .to_string()
            }
            Self::Changed => "they do not match their checksum".to_string(),
        }
    }
}

impl TableFault {
    fn phrase(self) -> String {
        match self {
            Self::Absent => "there is none".to_string(),
            Self::Empty => "the verifier did not fill it".to_string(),
            Self::Malformed => "it is cut short or overwritten".to_string(),
            Self::Version(found) => format!(
                "it has version {found}, but this runtime reads version {TABLE_VERSION}: use the \
                 same release of both crates"
            ),
            Self::OtherImage => {
                "it was made for another layout: a tool moved segments after the link".to_string()
            }
            Self::Changed => "its entries do not match their checksum".to_string(),
        }
    }
}

impl Fault {
    fn phrase(self) -> &'static str {
        match self {
            Self::NotCode | Self::Dropped => "it does not lie in this image's code",
            Self::Unknown => "it names a key or a trampoline that does not exist",
            Self::OtherImage => "its key is in another image, so its calls go through the slot",
            Self::Bytes => "the bytes there are not what was recorded",
            Self::Malformed => "it is not a valid entry",
            Self::Overlaps => "it shares bytes with another entry",
        }
    }
}
