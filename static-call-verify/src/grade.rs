//! Turns instructions into calls: what their bytes allow, and why not more.

use static_call::arch::x86_64::Branch;

use crate::compiled::Compiled;
use crate::elf::image::Image;
use crate::elf::pointers::Holder;
use crate::findings::{Findings, hex};
#[cfg(feature = "lines")]
use crate::lines::{self, Lines};
#[cfg(not(feature = "lines"))]
use crate::no_lines::{self as lines, Lines};
use crate::policy::FindingKey;
use crate::records::Records;
use crate::report::{Call, Finding, Grade, Kind, Reason, Source};
use crate::search::decode::{Named, Proof};
use crate::search::flow::Doubt;
use crate::search::scan::{FieldForm, Target};
use crate::sort;
use crate::table::got::Rewrite;

/// The results of the earlier phases.
pub(crate) struct Found<'f, 'a> {
    pub(crate) image: &'f Image<'a>,
    pub(crate) records: &'f Records,
    pub(crate) holders: &'f [Holder],
    /// The rewrites that are assumed to be done, by address.
    pub(crate) rewrites: &'f [Rewrite],
    pub(crate) lines: Option<&'f Lines>,
    pub(crate) compiled: Option<Compiled>,
}

/// Marks trampolines that something leads into the middle of.
pub(crate) fn mark_entered(records: &mut Records, named: &[Named], findings: &mut Findings<'_>) {
    for n in named {
        let Target::Trampoline(index) = n.target else { continue };
        let Some(t) = records.trampolines.get_mut(index) else { continue };
        if n.destination == t.address {
            continue;
        }
        t.is_sound = false;
        findings.add(
            FindingKey::TrampEntered,
            Some(n.address),
            None,
            format!(
                "an instruction leads into the middle of the trampoline at {:#x}, so its calls are \
                 not patched; {}",
                t.address,
                FindingKey::TrampEntered.fix()
            ),
        );
    }
}

/// Returns the calls, from instructions and from words in data, by address. Adds a finding for each
/// that stays on its trampoline, and a note for each that is retargeted in steps.
pub(crate) fn calls(
    found: &Found<'_, '_>,
    named: &[Named],
    findings: &mut Findings<'_>,
) -> Vec<Call> {
    let mut all: Vec<Call> = Vec::new();
    for n in named {
        all.extend(found.instruction(n, findings));
    }
    for h in found.holders.iter().filter(|h| !h.is_got) {
        all.extend(found.word(h, findings));
    }
    sort::by_key(&mut all, |c| [c.address, 0]);
    all
}

/// Adds one finding that explains why source lines may be missing, or why the findings shown have
/// none.
pub(crate) fn missing_lines(found: &Found<'_, '_>, calls: &[Call], findings: &mut Findings<'_>) {
    // Words in data have no line.
    let is_code = |address: u64| {
        let at = calls.binary_search_by_key(&address, |c| c.address);
        at.ok().and_then(|i| calls.get(i)).is_some_and(|c| c.length > 0)
    };
    let is_without = |f: &Finding| f.source.is_none() && f.address.is_some_and(is_code);
    let key = FindingKey::ImageDebugInfo;
    let mut fix = key.fix();
    let what = match found.lines {
        Some(lines) if !lines.is_whole() => {
            "the debug information was not read completely, so source lines may be missing"
        }
        _ if !findings.shown().any(is_without) => return,
        Some(_) => "some calls have no debug information, so their findings name no source line",
        None if !lines::AVAILABLE => {
            fix = "turn on the feature `lines` of `static-call-verify`, or run `cargo static-call \
                   report`";
            "the link hook is built without source lines, so findings name none"
        }
        None => "the image has no debug information, so findings name no source line",
    };
    findings.add(key, None, None, format!("{what}: {fix}"));
}

/// Adds one finding if calls are not aligned because the compiler was not told to align them.
pub(crate) fn missing_flags(
    compiled: Option<Compiled>,
    calls: &[Call],
    findings: &mut Findings<'_>,
) {
    if calls.is_empty() || compiled.is_none_or(|compiled| compiled.aligns_calls) {
        return;
    }
    let all = calls.iter().filter(|c| c.is_call()).count();
    let count = calls.iter().filter(|c| c.grade.takes_steps()).count();
    let key = FindingKey::FlagsMissing;
    let effect = match count {
        0 => "no call needs them as the code lies now".to_owned(),
        _ => format!("updates retarget {count} of {all} calls in steps"),
    };
    let message = format!(
        "the image was compiled without the flags that align call instructions: {effect}; {}",
        key.fix()
    );
    findings.add(key, None, None, message);
}

impl Found<'_, '_> {
    fn instruction(&self, n: &Named, findings: &mut Findings<'_>) -> Option<Call> {
        let index = match n.target {
            Target::Trampoline(i) | Target::Plt(i) => i,
            Target::Holder(i) => self.trampoline_at(self.holders.get(i)?.trampoline)?,
            Target::Got => return None,
        };
        let trampoline = self.records.trampolines.get(index)?;
        let leads_inside = n.destination != trampoline.address;
        if matches!(n.target, Target::Trampoline(_)) && leads_inside {
            return None;
        }
        let mut call = self.call(n.address, index)?;
        (call.kind, call.length) = (n.kind, n.length);
        call.function.clone_from(&n.function);
        let rewrite = self.rewrites.binary_search_by_key(&n.address, |r| r.address);
        let rewrite = rewrite.ok().and_then(|i| self.rewrites.get(i));
        let bytes = match rewrite {
            Some(r) => r.bytes.as_slice(),
            None => self.image.at(n.address, n.length.into()).unwrap_or_default(),
        };
        let branch = Branch::decode(bytes);
        if let (Some(_), Some(branch)) = (rewrite, branch) {
            call.kind = branch.kind;
        }
        let branch = branch.filter(|b| b.kind == call.kind && b.length == call.length);
        let grade = branch.map(|b| b.grade(n.address));
        let (reason, doubt) = match n.proof {
            _ if n.form == FieldForm::Wide => (Some(Reason::CodeModel), None),
            _ if call.kind == Kind::Register => (Some(Reason::ThroughRegister), None),
            _ if call.kind == Kind::AddressTaken => (Some(Reason::AddressComputed), None),
            _ if matches!(n.target, Target::Plt(_)) => (Some(Reason::ThroughPlt), None),
            Proof::NoExtent => (Some(Reason::NoExtent), None),
            Proof::Doubted(doubt) => (Some(Reason::NotProved), Some(doubt)),
            Proof::Proved if !call.kind.is_direct() => (Some(Reason::ThroughGot), None),
            Proof::Proved if n.form == FieldForm::Short => (Some(Reason::ShortJump), None),
            Proof::Proved if !trampoline.is_sound => (Some(Reason::UnsoundTrampoline), None),
            Proof::Proved => match grade {
                Some(grade) if grade.is_patchable() => (None, None),
                _ => (Some(Reason::UnusualPrefix), None),
            },
        };
        // The runtime goes by the grade. An instruction that must not be written gets none.
        call.grade = grade.filter(|_| reason.is_none()).unwrap_or(Grade::None);
        call.inline = reason.is_none();
        call.reason = reason;
        call.source = self.source(&call);
        match reason {
            Some(reason) => self.report(&call, reason, doubt, bytes, findings),
            None => self.steps(&call, findings),
        }
        Some(call)
    }

    fn word(&self, h: &Holder, findings: &mut Findings<'_>) -> Option<Call> {
        let mut call = self.call(h.place, self.trampoline_at(h.trampoline)?)?;
        call.reason = Some(Reason::AddressInData);
        self.report(&call, Reason::AddressInData, None, &[], findings);
        Some(call)
    }

    /// Returns a call with nothing but its address filled in.
    fn call(&self, address: u64, index: usize) -> Option<Call> {
        let trampoline = self.records.trampolines.get(index)?;
        let site = match *trampoline.sites.as_slice() {
            [site] if !trampoline.is_plain => Some(site),
            _ => None,
        };
        Some(Call {
            address,
            kind: Kind::AddressTaken,
            grade: Grade::None,
            length: 0,
            trampoline: index,
            key: trampoline.key,
            site,
            function: None,
            source: None,
            inline: false,
            listed: false,
            reason: None,
        })
    }

    fn trampoline_at(&self, address: u64) -> Option<usize> {
        self.records.trampolines.binary_search_by_key(&address, |t| t.address).ok()
    }

    fn source(&self, call: &Call) -> Option<Source> {
        let site = call.site.and_then(|s| self.records.sites.get(s)).map(|s| s.source.clone());
        let lines = || self.lines?.source(call.address, self.records.keys.get(call.key)?);
        // Once for the call, once for a finding.
        let is_affordable = |s: &Source| self.image.budget.spend(2 * s.file.len());
        site.or_else(lines).filter(is_affordable)
    }

    /// Adds a note if an update retargets the call in steps.
    fn steps(&self, call: &Call, findings: &mut Findings<'_>) {
        let (key, why) = match call.grade {
            Grade::Line => (FindingKey::CallGradeLine, "an 8-byte boundary"),
            Grade::Straddle => (FindingKey::CallGradeStraddle, "a cache line"),
            _ => return,
        };
        let fix = key.fix_for(call.kind, call.site.is_some(), self.compiled);
        let Described { what, path, declared, place } = self.describe(call);
        let is_affordable =
            self.image.budget.spend(path.len() + declared.len() + place.len() + 256);
        let (call_of, source) = match is_affordable {
            true => (format!("{what} of `{path}`{declared}{place}"), call.source.clone()),
            false => (what.to_owned(), None),
        };
        let message =
            format!("{call_of} is retargeted in steps: its displacement crosses {why}; {fix}");
        findings.add(key, Some(call.address), source, message);
    }

    fn describe(&self, call: &Call) -> Described {
        let record = self.records.keys.get(call.key);
        // Without the position of the call, this is what a person can search for.
        let declared = record.filter(|_| call.source.is_none());
        Described {
            what: match call.kind {
                Kind::Call | Kind::CallGot => "the call",
                Kind::Jmp | Kind::JmpGot => "the tail call",
                Kind::Jcc => "the conditional tail call",
                Kind::Register | Kind::AddressTaken => "the call through the address",
                Kind::Label => "the jump label",
            },
            path: record.map(|k| k.path()).unwrap_or_default(),
            declared: declared.map(|k| format!(" (declared at {})", k.source)).unwrap_or_default(),
            place: call.function.as_ref().map(|f| format!(" in `{f}`")).unwrap_or_default(),
        }
    }

    fn report(
        &self,
        call: &Call,
        reason: Reason,
        doubt: Option<Doubt>,
        bytes: &[u8],
        findings: &mut Findings<'_>,
    ) {
        let key = key(reason);
        let fix = match reason {
            Reason::CodeModel => "compile without `-Ccode-model=large`",
            _ => key.fix_for(call.kind, call.site.is_some(), self.compiled),
        };
        let Described { what, path, declared, place } = self.describe(call);
        let doubt = doubt.map(|d| format!(" ({d})")).unwrap_or_default();
        let bytes = if bytes.is_empty() { String::new() } else { format!(", bytes{}", hex(bytes)) };
        if !self.image.budget.spend(path.len() + declared.len() + place.len() + 256) {
            let message = format!("{reason}; {fix}");
            return findings.add(key, Some(call.address), None, message);
        }
        let message = format!(
            "{what} of `{path}`{declared}{place} stays on its trampoline: {reason}{doubt}{bytes}; \
             {fix}"
        );
        findings.add(key, Some(call.address), call.source.clone(), message);
    }
}

/// A call in words, for a finding.
struct Described {
    what: &'static str,
    path: String,
    declared: String,
    place: String,
}

/// Returns the finding that reports a reason.
pub(crate) fn key(reason: Reason) -> FindingKey {
    match reason {
        Reason::ShortJump | Reason::UnusualPrefix => FindingKey::CallForm,
        Reason::ThroughGot => FindingKey::CallViaGot,
        Reason::ThroughPlt => FindingKey::CallViaPlt,
        Reason::ThroughRegister | Reason::CodeModel => FindingKey::CallRegister,
        Reason::AddressComputed | Reason::AddressInData => FindingKey::TrampAddressTaken,
        Reason::NotProved => FindingKey::ImageUndecodable,
        Reason::NoExtent => FindingKey::ImageNoFunctionExtents,
        Reason::UnsoundTrampoline => FindingKey::TrampBytes,
        Reason::NoTable | Reason::EmptyTable => FindingKey::TableMissing,
        Reason::StaleTable => FindingKey::TableStale,
        Reason::NoRuntime => FindingKey::TableUnread,
    }
}
