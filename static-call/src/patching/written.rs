//! What this runtime last wrote into the code of the image; initially, what the file has.

use crate::patching::arena::{ALIGNMENT, Arena};
use crate::patching::pending::{Planned, Subject};
use crate::patching::plan::{LabelForm, Lead};
use crate::patching::registry::{KeyEntry, Registry, Sections};

/// The state of the code, by the indices of the [`Registry`].
pub(crate) struct Written {
    /// The bytes of each trampoline.
    pub(crate) trampolines: &'static mut [u64],
    /// Where each call instruction leads.
    pub(crate) calls: &'static mut [Lead],
    /// What each jump label is.
    pub(crate) labels: &'static mut [LabelForm],
    /// Whether the call instructions of each key follow its target.
    pub(crate) bound: &'static mut [bool],
}

impl Written {
    /// Returns the bytes of the arena that this needs.
    pub(crate) fn size(sections: &Sections) -> usize {
        sections.trampolines.len() * size_of::<u64>()
            + sections.call_count() * size_of::<Lead>()
            + sections.labels.len() * size_of::<LabelForm>()
            + sections.keys.len()
            + 4 * ALIGNMENT
    }

    /// Describes the code as it is in the file.
    pub(crate) fn new(arena: &mut Arena, registry: &Registry) -> Self {
        Self {
            trampolines: arena
                .slice(registry.trampolines.len(), |i| registry.trampolines[i].in_file),
            calls: arena.slice(registry.calls.len(), |i| registry.calls[i].in_file),
            labels: arena.slice(registry.labels.len(), |i| registry.labels[i].in_file),
            bound: arena.slice(registry.keys.len(), |i| registry.keys[i].record.is_bound_in_file()),
        }
    }

    /// Describes no code.
    pub(crate) fn bare() -> Self {
        Self { trampolines: &mut [], calls: &mut [], labels: &mut [], bound: &mut [] }
    }

    /// Returns whether the instruction leads where it must before this store.
    pub(crate) fn is_before(&self, planned: &Planned) -> bool {
        match planned.subject {
            Subject::Call { index, from, .. } => self.calls[index] == from,
            Subject::Trampoline(_) | Subject::Label(..) => true,
        }
    }

    /// Notes that a store was made.
    pub(crate) fn note(&mut self, registry: &Registry, planned: &Planned) {
        match planned.subject {
            Subject::Trampoline(first) => {
                // If the linker folded identical code, several records describe one trampoline.
                let twins = registry.trampolines[first..].iter();
                let twins = twins.take_while(|t| t.address == planned.store.address).count();
                self.trampolines[first..][..twins].fill(planned.store.new);
            }
            Subject::Call { index, to, .. } => self.calls[index] = to,
            Subject::Label(i, form) => self.labels[i] = form,
        }
    }

    /// Returns whether the code of this key is as linked: never changed, or changed back.
    pub(crate) fn is_as_linked(&self, registry: &Registry, key: &KeyEntry) -> bool {
        key.trampolines().all(|i| self.trampolines[i] == registry.trampolines[i].linked)
            && self.calls[key.calls()].iter().all(|&lead| lead == Lead::Linked)
            && self.labels[key.labels()].iter().all(|&form| form == LabelForm::Test)
    }
}
