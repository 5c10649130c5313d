//! Rules of retargeting in steps.

use super::Mutant;
use crate::mutants::suite::Suite::{Test, Unit};

const PENDING: &str = "patching/pending.rs";
const PLAN_STEPS: &str = "patching/plan/steps.rs";
const PROTOCOL: &str = "patching/protocol.rs";
const RECOVER: &str = "patching/recover.rs";
const STEPS: &str = "patching/steps/mod.rs";
const STORE: &str = "patching/store.rs";
const VENEER: &str = "patching/veneer/mod.rs";
const VENEER_KNOWN: &str = "patching/veneer/known.rs";
const VENEER_PAGE: &str = "patching/veneer/page.rs";

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        rule: "INV-STEP",
        what: "no barrier between steps",
        changes: &[(PROTOCOL, "|| !barriers.run())", ")")],
        suites: &[Test("steps")],
    },
    Mutant {
        rule: "INV-STEP",
        what: "a step is made although the barrier before it failed",
        changes: &[(
            PROTOCOL,
            r#"self.ran += usize::from(self.failed.is_none());
        self.failed.is_none()"#,
            r#"self.ran += usize::from(self.failed.is_none());
        true"#,
        )],
        suites: &[Test("steps")],
    },
    Mutant {
        rule: "INV-STEP",
        what: "steps in another order",
        changes: &[(
            PLAN_STEPS,
            "Some([step(from, old, high), step(old, new, low), step(new, to, high)])",
            "Some([step(from, old, high), step(new, to, high), step(old, new, low)])",
        )],
        suites: &[Unit("patching::plan"), Test("steps")],
    },
    Mutant {
        rule: "INV-STEP",
        what: "one store changes both parts",
        changes: &[(
            PLAN_STEPS,
            r#"            _ => None,
        }
    }

    /// Returns the parts"#,
            r#"            _ => Some(Width::Displacement(at)),
        }
    }

    /// Returns the parts"#,
        )],
        suites: &[Unit("patching::plan"), Test("steps")],
    },
    Mutant {
        rule: "INV-STEP",
        what: "a step changes both parts",
        changes: &[(
            PLAN_STEPS,
            "let low = Width::Part { at, length: before };",
            "let low = Width::Part { at, length: 4 * before / before };",
        )],
        suites: &[Unit("patching::plan")],
    },
    Mutant {
        rule: "INV-STORE",
        what: "only stores of the first stage are checked",
        changes: &[(PENDING, "self.last_start + 1", "1")],
        suites: &[Unit("patching::pending")],
    },
    Mutant {
        rule: "INV-STEP",
        what: "steps go on after a foreign byte",
        changes: &[(STORE, "if !state.written.is_before(planned) {", "if false {")],
        suites: &[Test("steps")],
    },
    Mutant {
        rule: "INV-STEP",
        what: "a barrier that failed at the end is forgotten",
        changes: &[(STEPS, "if state.left.unsettled.is_none() {", "if true {")],
        suites: &[Unit("patching::steps")],
    },
    Mutant {
        rule: "INV-STEP",
        what: "what is ready takes steps although a barrier failed",
        changes: &[(STEPS, ".filter(|_| state.left.unsettled.is_none())?", "?")],
        suites: &[Unit("patching::steps")],
    },
    Mutant {
        rule: "INV-STEP",
        what: "a barrier is not awaited after a failed update",
        changes: &[(PROTOCOL, " || state.veneers.needs_barrier;", ";")],
        suites: &[Test("steps")],
    },
    Mutant {
        rule: "INV-STEP",
        what: "the first step leads to what no barrier has settled",
        changes: &[(STEPS, "|layer| self.may_begin(state, self.now, layer);", "|_| true;")],
        suites: &[Unit("patching::steps")],
    },
    Mutant {
        rule: "INV-STEP",
        what: "veneers are known to be settled that are only ready",
        changes: &[(STEPS, "layer) && are_settled() {", "layer) {")],
        suites: &[Unit("patching::steps")],
    },
    Mutant {
        rule: "INV-STEP",
        what: "what is known of one change is taken for another",
        changes: &[(
            VENEER_KNOWN,
            "Found::Layer(_) => self.between ==",
            "Found::Layer(_) => true || self.between ==",
        )],
        suites: &[Unit("patching::steps")],
    },
    Mutant {
        rule: "INV-STEP",
        what: "an update without a barrier settles what one before has left",
        changes: &[(
            PROTOCOL,
            "let Barrier::Missing(errno) = barrier else {",
            "let Some(errno) = failed else {",
        )],
        suites: &[Unit("patching::protocol")],
    },
    Mutant {
        rule: "INV-VENEER",
        what: "what was executed when the last barrier ran is not kept",
        changes: &[(VENEER_PAGE, "if self.before.is_none() {", "if false {")],
        suites: &[Unit("patching::veneer")],
    },
    Mutant {
        rule: "INV-STEP",
        what: "no way back to the trampoline is asked for",
        changes: &[
            (
                STEPS,
                "return has_way_back.then_some([step, None, None]);",
                r#"let _ = has_way_back;
            return Some([step, None, None]);"#,
            ),
            (STEPS, "[self.now, to, Lead::Linked],", "[self.now, to, to],"),
            (
                STEPS,
                "[(to, Room::Any), (Lead::Linked, Room::New), (",
                "[(to, Room::Any), (to, Room::Any), (",
            ),
        ],
        suites: &[Unit("patching::steps")],
    },
    Mutant {
        rule: "INV-STEP",
        what: "steps although no barrier can be had",
        changes: &[(
            STEPS,
            r#"state.limits.barrier.is_ok()
        && matches!"#,
            "matches!",
        )],
        suites: &[Test("steps")],
    },
    Mutant {
        rule: "INV-VENEER",
        what: "another key's veneer is taken",
        changes: &[(VENEER, "if Some(found) == veneer(at, slot) {", "if is_veneer(&found) {")],
        suites: &[Unit("patching::veneer")],
    },
    Mutant {
        rule: "INV-VENEER",
        what: "another key's slab is taken",
        changes: &[(
            VENEER,
            "Some(self.read(jump, view)) == veneer(jump, slot)",
            "is_veneer(&self.read(jump, view))",
        )],
        suites: &[Unit("patching::veneer")],
    },
    Mutant {
        rule: "INV-VENEER",
        what: "a veneer is written over other code",
        changes: &[(VENEER, "if traps == SIZE {", "if traps > 0 {")],
        suites: &[Unit("patching::veneer")],
    },
    Mutant {
        rule: "INV-VENEER",
        what: "a displacement that looks like traps is overwritten",
        changes: &[(VENEER, ".filter(|_| !is_inside)?", ".filter(|_| true || is_inside)?")],
        suites: &[Unit("patching::veneer")],
    },
    Mutant {
        rule: "INV-VENEER",
        what: "a slab is not filled",
        changes: &[(
            VENEER,
            "self.write(slab, &[NOPS[1][0]; SLAB_ENTRIES as usize], Room::New)",
            "Ok::<bool, i32>(true)",
        )],
        suites: &[Unit("patching::veneer")],
    },
    Mutant {
        rule: "INV-VENEER",
        what: "pages of veneers stay writable",
        changes: &[(VENEER_PAGE, "Protection::CLOSED)", "Protection::OPEN)")],
        suites: &[Test("steps")],
    },
    Mutant {
        rule: "INV-VENEER",
        what: "a page that could not be closed is used",
        changes: &[(VENEER_PAGE, "self.state != State::New", "true")],
        suites: &[Unit("patching::veneer"), Test("steps")],
    },
    Mutant {
        rule: "INV-VENEER",
        what: "a page is freed when it is closed",
        changes: &[(
            VENEER_PAGE,
            r#"        self.state = State::Ready;
        Ok(())"#,
            r#"        self.state = State::Ready;
        // SAFETY: a mutant.
        unsafe { self.unmap() };
        Ok(())"#,
        )],
        suites: &[Test("steps")],
    },
    Mutant {
        rule: "INV-VENEER",
        what: "veneers of trampolines are not made first",
        changes: &[(
            STEPS,
            r#"                make_homes(state, self.split, self.key, layer);
"#,
            "",
        )],
        suites: &[Unit("patching::steps")],
    },
    Mutant {
        rule: "INV-VENEER",
        what: "the pages of veneers stay as a dead holder of the lock left them",
        changes: &[(
            RECOVER,
            r#"    state.veneers.recover();
"#,
            "",
        )],
        suites: &[Unit("patching::recover")],
    },
    Mutant {
        rule: "INV-STEP",
        what: "the last barrier of a dead holder of the lock counts as run",
        changes: &[(
            RECOVER,
            r#"    state.left.unsettled = Some(0);
"#,
            "",
        )],
        suites: &[Unit("patching::recover")],
    },
];
