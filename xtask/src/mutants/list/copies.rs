//! Rules of copies of code, which are written through an alias.

use super::Mutant;
use crate::mutants::suite::Suite::{Test, Unit};

const CODE_FILE: &str = "sys/code_file.rs";
const PAGES: &str = "patching/pages.rs";
const STORE: &str = "patching/store.rs";
const VENEERS: &str = "patching/veneer/mod.rs";
const VENEER_PAGE: &str = "patching/veneer/page.rs";

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        rule: "INV-COPY",
        what: "the alias is executable",
        changes: &[(
            CODE_FILE,
            "let rights = ProtFlags::READ | ProtFlags::WRITE;",
            "let rights = ProtFlags::READ | ProtFlags::WRITE | ProtFlags::EXEC;",
        )],
        suites: &[Test("rules")],
    },
    Mutant {
        rule: "INV-COPY",
        what: "copies are writable where they are executed",
        changes: &[(
            CODE_FILE,
            "let rights = ProtFlags::READ | ProtFlags::EXEC;",
            "let rights = ProtFlags::READ | ProtFlags::WRITE | ProtFlags::EXEC;",
        )],
        suites: &[Test("rules")],
    },
    Mutant {
        rule: "INV-COPY",
        what: "copies are shared, so that a debugger cannot write to them",
        changes: &[(
            CODE_FILE,
            "MapFlags::PRIVATE | MapFlags::FIXED",
            "MapFlags::SHARED | MapFlags::FIXED",
        )],
        suites: &[Test("rules")],
    },
    Mutant {
        rule: "INV-COPY",
        what: "a mapping that could not be unmapped is written",
        changes: &[(
            PAGES,
            "    close_alias(state).map_err(|errno| refused(state, errno))?;\n",
            "",
        )],
        suites: &[Test("rules")],
    },
    Mutant {
        rule: "INV-COPY",
        what: "the alias stays after an update",
        changes: &[(
            PAGES,
            "    if close_alias(state).is_err() {",
            "    if state.alias.is_some() && state.pending.touched() == usize::MAX {",
        )],
        suites: &[Test("rules")],
    },
    Mutant {
        rule: "INV-COPY",
        what: "an update writes to the copies of the one before",
        changes: &[(
            CODE_FILE,
            "        let create = |flags| memfd_create",
            r#"        use core::sync::atomic::{AtomicI32, Ordering};
        use rustix::fd::{BorrowedFd, IntoRawFd};
        static KEPT: AtomicI32 = AtomicI32::new(-1);
        if KEPT.load(Ordering::Relaxed) < 0 {
            if let Ok(kept) = memfd_create(c"static-call", MemfdFlags::EXEC) {
                KEPT.store(kept.into_raw_fd(), Ordering::Relaxed);
            }
        }
        // SAFETY: INV-COPY: it is never closed.
        let kept = unsafe { BorrowedFd::borrow_raw(KEPT.load(Ordering::Relaxed)) };
        if let Ok(descriptor) = rustix::io::dup(kept) {
            return Ok(Self { descriptor, length: 0 });
        }
        let create = |flags| memfd_create"#,
        )],
        suites: &[Test("rules")],
    },
    Mutant {
        rule: "INV-COPY",
        what: "all runs are written in the copy of the first",
        changes: &[(PAGES, "run.offset = unsafe { file.append", "let _ = unsafe { file.append")],
        suites: &[Test("rules")],
    },
    Mutant {
        rule: "INV-COPY",
        what: "a store that does not show counts as made",
        changes: &[(STORE, "is_made && (is_in_place ||", "is_made && (true ||")],
        suites: &[Unit("patching::store"), Test("rules")],
    },
    Mutant {
        rule: "INV-COPY",
        what: "pages that somebody has changed are copied",
        changes: &[
            (PAGES, "        refuse_changed(state.pending.runs())?;\n", ""),
            (PAGES, "refuse_changed(runs)", "refuse_changed(&runs[..0])"),
        ],
        suites: &[Test("rules")],
    },
    Mutant {
        rule: "INV-COPY",
        what: "signals are handled while pages are open",
        changes: &[(CODE_FILE, "all.0[0] = !OWN;", "all.0[0] = !OWN & OWN;")],
        suites: &[Test("rules")],
    },
    Mutant {
        rule: "INV-COPY",
        what: "signals of the thread's own instructions are blocked",
        changes: &[(CODE_FILE, "all.0[0] = !OWN;", "all.0[0] = !OWN | OWN;")],
        suites: &[Test("rules")],
    },
    Mutant {
        rule: "INV-COPY",
        what: "a process that was forked while pages were open stays on them",
        changes: &[(
            PAGES,
            "    if open_alias(state, |_| true).is_ok() {",
            "    if false && open_alias(state, |_| true).is_ok() {",
        )],
        suites: &[Test("rules"), Test("steps")],
    },
    Mutant {
        rule: "INV-COPY",
        what: "a limit of file sizes is not looked at",
        changes: &[(
            CODE_FILE,
            "        if (offset + length) as u64 > limit {",
            "        if false && (offset + length) as u64 > limit {",
        )],
        suites: &[Test("rules")],
    },
    Mutant {
        rule: "INV-VENEER",
        what: "what a draft has counts as executed",
        changes: &[(
            VENEER_PAGE,
            "View::Executed => self.address,",
            "View::Executed => self.writable(),",
        )],
        suites: &[Unit("patching::veneer")],
    },
    Mutant {
        rule: "INV-VENEER",
        what: "pages of veneers are opened in place beside an alias",
        changes: &[(VENEERS, "page.open(self.is_aliased)?;", "page.open(false)?;")],
        suites: &[Unit("patching::veneer"), Test("steps")],
    },
];
