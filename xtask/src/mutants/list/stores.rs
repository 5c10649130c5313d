//! Rules of stores, pages, slots and their order.

use super::Mutant;
use crate::mutants::suite::Suite::{Loom, Test, Unit};

const ARCH: &str = "arch/x86_64/mod.rs";
const ARCH_STORE: &str = "arch/x86_64/store.rs";
const CHOOSE: &str = "patching/choose.rs";
const COMMIT: &str = "commit/mod.rs";
const HOP: &str = "patching/hop.rs";
const PAGES: &str = "patching/pages.rs";
const PLAN: &str = "patching/plan/mod.rs";
const PLAN_LABEL: &str = "patching/plan/label.rs";
const PROTOCOL: &str = "patching/protocol.rs";
const RECORD: &str = "record/mod.rs";
const PUBLISHED: &str = "record/published.rs";
const WORD: &str = "lock/word.rs";
const REGISTRY_SECTIONS: &str = "patching/registry/sections.rs";
const STORE: &str = "patching/store.rs";
const SYS_LINUX: &str = "sys/linux.rs";

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        rule: "INV-STORE",
        what: "straddling displacements are changed by one store",
        changes: &[(
            PLAN,
            "self.part(split, old, new).ok_or(Impossible)?",
            "{ let _ = split; Width::Displacement(self.branch.disp_at) }",
        )],
        suites: &[Unit("patching::plan")],
    },
    Mutant {
        rule: "INV-STORE",
        what: "a quadword is stored in two halves",
        changes: &[
            (
                ARCH_STORE,
                r#""lock cmpxchg qword ptr [{at}], {new}",
            "sete {done}","#,
                r#""cmp qword ptr [{at}], rax",
            "sete {done}",
            "jne 2f",
            "mov dword ptr [{at}], {new:e}",
            "shr {new}, 32",
            "mov dword ptr [{at} + 4], {new:e}",
            "2:","#,
            ),
            (
                ARCH_STORE,
                r#"new = in(reg) new,
            done = lateout(reg_byte) done,
            inout("rax") old => _,"#,
                r#"new = inout(reg) new => _,
            done = lateout(reg_byte) done,
            inout("rax") old => _,"#,
            ),
        ],
        suites: &[Test("rules_stores"), Test("rules")],
    },
    Mutant {
        rule: "INV-STORE",
        what: "no `lock` prefix on the exchange of a displacement",
        changes: &[(ARCH_STORE, r#""lock cmpxchg dword"#, r#""cmpxchg dword"#)],
        suites: &[Unit("arch")],
    },
    Mutant {
        rule: "INV-STORE",
        what: "no `lock` prefix on the exchange of a quadword",
        changes: &[(ARCH_STORE, r#""lock cmpxchg qword"#, r#""cmpxchg qword"#)],
        suites: &[Unit("arch")],
    },
    Mutant {
        rule: "INV-STORE",
        what: "the bytes are not checked again in open pages",
        changes: &[(
            PROTOCOL,
            r#"    if let Err(error) = check(state, &image) {
        pages::close(state);
        return Err(error);
    }
"#,
            "",
        )],
        suites: &[Test("rules")],
    },
    Mutant {
        rule: "INV-STORE",
        what: "foreign bytes in the quadword are overwritten",
        changes: &[(STORE, "if part(found) != old {", "if false && part(found) != old {")],
        suites: &[Unit("patching::store")],
    },
    Mutant {
        rule: "INV-STORE",
        what: "the bytes are not checked before pages are opened",
        changes: &[(
            PROTOCOL,
            r#"    check(state, &image)?;
"#,
            "",
        )],
        suites: &[Test("rules")],
    },
    Mutant {
        rule: "INV-STORE",
        what: "entries of different keys share bytes",
        changes: &[(REGISTRY_SECTIONS, "(call.address, call.key)", "(call.key, call.address)")],
        suites: &[Unit("patching::registry")],
    },
    Mutant {
        rule: "INV-PAGES",
        what: "pages are writable but not executable during the stores",
        changes: &[(
            SYS_LINUX,
            "pub(crate) const OPEN: Self = Self(Self::EXECUTE | Self::WRITE | Self::READ);",
            "pub(crate) const OPEN: Self = Self(Self::WRITE | Self::READ);",
        )],
        suites: &[Test("rules")],
    },
    Mutant {
        rule: "INV-PAGES",
        what: "only the first page of an instruction that crosses pages is opened",
        changes: &[(
            PAGES,
            "let length = (last & !(PAGE - 1)) + PAGE - address;",
            "let length = PAGE + (last & 0);",
        )],
        suites: &[Test("rules_stores"), Test("rules"), Test("steps")],
    },
    Mutant {
        rule: "order",
        what: "a missing barrier is forgotten",
        changes: &[(PROTOCOL, "    state.left.missing = Some(errno);\n", "")],
        suites: &[Test("rules")],
    },
    Mutant {
        rule: "order",
        what: "slots are published after the stores",
        changes: &[
            (
                PROTOCOL,
                r#"    publish(state);
    let mut barriers = Barriers::default();"#,
                "    let mut barriers = Barriers::default();",
            ),
            (
                PROTOCOL,
                "    // Close, run the barrier:",
                r#"    publish(state);
    // Close, run the barrier:"#,
            ),
        ],
        suites: &[Test("steps"), Test("rules"), Test("hooks")],
    },
    Mutant {
        rule: "order",
        what: "call instructions are stored before trampolines",
        changes: &[
            (
                CHOOSE,
                "KeyEntry::trampolines, |state, i, goal| of_trampoline(state, i, goal, aim));",
                "KeyEntry::trampolines, |_, _, _| ());",
            ),
            (
                CHOOSE,
                "    // An instruction that is stuck",
                r#"    for_each(state, KeyEntry::trampolines, |state, i, goal| {
        of_trampoline(state, i, goal, aim)
    });
    // An instruction that is stuck"#,
            ),
        ],
        suites: &[Test("rules_stores"), Test("rules")],
    },
    Mutant {
        rule: "order",
        what: "no barrier at the end of an update",
        changes: &[(
            PROTOCOL,
            "Ok(()) if barriers.run() => Barrier::Ran,",
            "Ok(()) if true || barriers.run() => Barrier::Ran,",
        )],
        suites: &[Test("rules"), Test("steps")],
    },
    Mutant {
        rule: "order",
        what: "pages stay open after an update",
        changes: &[(
            PROTOCOL,
            r#"    // Close, run the barrier: `Update` reports what could not be done.
    pages::close(state);"#,
            "    // Close, run the barrier: `Update` reports what could not be done.",
        )],
        suites: &[Test("rules")],
    },
    Mutant {
        rule: "slot",
        what: "a key is on before its slot has the target",
        changes: &[(
            PUBLISHED,
            "        self.current.store(target, Ordering::Release);",
            r#"        if is_on {
            self.state.fetch_or(ON, Ordering::Release);
            core::hint::black_box(self.state);
        }
        self.current.store(target, Ordering::Release);"#,
        )],
        suites: &[Unit("record"), Loom],
    },
    Mutant {
        rule: "slot",
        what: "nothing orders the slot after what its update's caller wrote",
        changes: &[(
            PUBLISHED,
            "self.slot.store(entry, Ordering::Release);",
            "self.slot.store(entry, Ordering::Relaxed);",
        )],
        suites: &[Loom],
    },
    Mutant {
        rule: "slot",
        what: "the cell of `update_fn` is filled after the slot",
        changes: &[
            (
                RECORD,
                r#"        target.fill_cell();
"#,
                "",
            ),
            (
                RECORD,
                "        // The commit stores the exact count later",
                r#"        target.fill_cell();
        // The commit stores the exact count later"#,
            ),
        ],
        suites: &[Unit("record")],
    },
    Mutant {
        rule: "order",
        what: "a key may call itself by a tail call",
        changes: &[(HOP, "if have > 0 && !may_jump(&code[..have]) {", "if have > 0 {")],
        suites: &[Unit("patching::hop")],
    },
    Mutant {
        rule: "INV-EFFECT",
        what: "the effect of a target is taken although a recorded call begins it",
        changes: &[(
            HOP,
            "_ if (address..address + EFFECT_LENGTH).any(|at| registry.call_at(at).is_some()) => {",
            "_ if false => {",
        )],
        suites: &[Unit("patching::hop")],
    },
    Mutant {
        rule: "INV-LABEL",
        what: "a label is believed although its test leads behind another label",
        changes: &[(ARCH, "leads_back.then(", "(leads_back || true).then(")],
        suites: &[Test("hooks_stores")],
    },
    Mutant {
        rule: "INV-LABEL",
        what: "a label is believed although its test has the condition of the other polarity",
        changes: &[(ARCH, "conditional[..2] == [0x0f, condition]", "condition != 0")],
        suites: &[Test("hooks_stores")],
    },
    Mutant {
        rule: "INV-LABEL",
        what: "a label gives the other answer",
        changes: &[(PLAN_LABEL, "is_on == (polarity", "is_on != (polarity")],
        suites: &[Unit("patching::plan"), Test("hooks")],
    },
    Mutant {
        rule: "INV-LOCK",
        what: "`seal` gives the lock back before it seals",
        changes: &[(
            COMMIT,
            r#"    let _held = lock::lock();
    keys"#,
            r#"    drop(lock::lock());
    keys"#,
        )],
        suites: &[Unit("commit"), Test("rules")],
    },
    Mutant {
        rule: "INV-LOCK",
        what: "the lock does not order its holders",
        changes: &[(
            WORD,
            "compare_exchange(0, word, Ordering::Acquire, Ordering::Relaxed)",
            "compare_exchange(0, word, Ordering::Relaxed, Ordering::Relaxed)",
        )],
        suites: &[Loom],
    },
    Mutant {
        rule: "INV-LOCK",
        what: "a thread that was woken forgets that others may sleep",
        changes: &[(WORD, "            word = mine | WAITERS;\n", "            word = mine;\n")],
        suites: &[Loom],
    },
    Mutant {
        rule: "INV-LOCK",
        what: "two threads take over the lock of a dead process",
        changes: &[(
            WORD,
            "if lock.compare_exchange(now, word, Ordering::Acquire, Ordering::Relaxed).is_ok() {",
            "if lock.swap(word, Ordering::Acquire) != 0 {",
        )],
        suites: &[Loom],
    },
];
