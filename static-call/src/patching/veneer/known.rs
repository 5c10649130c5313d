//! What updates found out about the veneers of a call instruction, so that the next one need not
//! look again. It does not change: veneers stay, and room that is taken stays so.

/// What is known of the veneers for one change of a call instruction.
#[derive(Clone, Copy)]
pub(crate) struct Known {
    /// The displacements before and after the change.
    pub(crate) between: [i32; 2],
    pub(crate) found: Found,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing is known.
    Nothing,
    /// No layer has room for the veneers.
    Hopeless,
    /// In this layer are the veneers of both leads and of the trampoline. All are settled: a first
    /// step may lead to each.
    Layer(u8),
}

impl Known {
    pub(crate) const NOTHING: Self = Self { between: [0; 2], found: Found::Nothing };

    /// Returns what is known of the change between these displacements. Veneers serve both
    /// directions.
    pub(crate) fn of(self, between: [i32; 2]) -> Found {
        let [now, to] = between;
        let is_known = match self.found {
            Found::Layer(_) => self.between == [now, to] || self.between == [to, now],
            Found::Hopeless | Found::Nothing => self.between == [now, to],
        };
        if is_known { self.found } else { Found::Nothing }
    }
}
