//! Hops: targets whose code is only a jump to the real function.
//!
//! A shim for a function of another crate is `jmp function` or `jmp *GOT(%rip)`; call instructions
//! skip it and go to the function itself. Three things stop this: a trampoline, because a key whose
//! target is another static call must keep following it, and a recorded call instruction or jump
//! label, because it may be rewritten later.

use crate::arch::native::effect::{EFFECT_LENGTH, Effect};
use crate::arch::native::{along_jumps, may_jump};
use crate::error::UpdateError;
use crate::layout::Kind;
use crate::patching::pending::Pending;
use crate::patching::registry::Registry;
use crate::target::Chosen;

/// Returns where calls of a target at `address` may go directly.
pub(crate) fn skip(registry: &Registry, address: u64) -> u64 {
    let Some(image) = registry.image else { return address };
    let next = |at| {
        // Another image may be more than 2 GiB away, while the shim is in reach.
        let next = image.jump(at).filter(|&next| image.is_code(next))?;
        let may_change = registry.call_at(at).is_some() || registry.is_label(at);
        (!may_change && registry.trampoline_at(next).is_none()).then_some(next)
    };
    along_jumps(address, next).last().unwrap_or(address)
}

/// Returns what the code of a target at `address` does, if it does nothing or returns a constant.
pub(crate) fn effect(registry: &Registry, address: u64) -> Effect {
    let Some(image) = registry.image else { return Effect::Code };
    let (code, have) = image.read(address as usize);
    match Effect::of(&code[..have]) {
        Effect::Code => Effect::Code,
        // A recorded call instruction may be rewritten later.
        _ if (address..address + EFFECT_LENGTH).any(|at| registry.call_at(at).is_some()) => {
            Effect::Code
        }
        effect => effect,
    }
}

/// Refuses a batch that would make a key call itself.
pub(crate) fn refuse_cycles(registry: &Registry, batch: &Pending) -> Result<(), UpdateError> {
    let target =
        |key: usize| batch.wanted(key).unwrap_or_else(|| registry.keys[key].record.current());
    match batch.keys().find(|&key| calls_itself(registry, target, key)) {
        Some(key) => Err(UpdateError::CallsItself { key: registry.keys[key].record.name() }),
        None => Ok(()),
    }
}

/// Returns whether a key's target leads back to the key through jumps only.
fn calls_itself(registry: &Registry, target: impl Fn(usize) -> Chosen, key: usize) -> bool {
    let Some(image) = registry.image else { return false };
    let mut at = key;
    for _ in 0..registry.keys.len() {
        let entry = skip(registry, target(at).record().address().addr() as u64);
        // Most targets do not begin with one. A jump that was rewritten is one still.
        let (code, have) = image.read(entry as usize);
        if have > 0 && !may_jump(&code[..have]) {
            return false;
        }
        let jump = match registry.call_at(entry) {
            Some(call) if matches!(call.kind, Kind::Jmp | Kind::JmpGot) => Some(call.key),
            Some(_) => None,
            None => image.jump(entry).and_then(|to| registry.trampoline_at(to)).map(|t| t.key),
        };
        match jump {
            Some(next) if next as usize == key => return true,
            Some(next) if (next as usize) < registry.keys.len() => at = next as usize,
            _ => return false,
        }
    }
    // The chain never ends: other keys form a cycle, and this one would lead into it.
    true
}

#[cfg(test)]
mod tests {
    use std::vec;

    use super::*;
    use crate::arch::native::effect::{does_nothing, has_breakpoint, jumps_to_nothing};
    use crate::layout::{Grade, Polarity};
    use crate::patching::image::Image;
    use crate::patching::plan::{LabelForm, Lead};
    use crate::patching::registry::{Call, Label, Ungraded};
    use crate::record::{KeyDescription, KeyRecord};
    use crate::target::TargetDescription;

    /// A label that is a jump now may be a no-op later.
    #[test]
    fn a_label_is_not_skipped() {
        let (address, next) =
            (jumps_to_nothing as *const () as u64, does_nothing as *const () as u64);
        let mut registry = Registry::of(&[], vec![]);
        registry.image = Image::this();
        assert_eq!(skip(&registry, address), next);
        let (key, polarity) = (0, Polarity::Unlikely);
        let label = Label {
            address,
            key,
            site: None,
            polarity,
            shape: None,
            in_file: LabelForm::Test,
            fault: None,
        };
        registry = registry.with_label(label);
        assert_eq!(skip(&registry, address), address);
    }

    /// Returns a call instruction of the first key.
    fn call(address: u64, kind: Kind) -> Call {
        Call {
            address,
            key: 0,
            trampoline: 0,
            kind,
            grade: Grade::Quad,
            ungraded: Ungraded::Unproved,
            shape: None,
            in_file: Lead::Linked,
            fault: None,
        }
    }

    /// A key whose default is a jump, and one whose default begins with a breakpoint.
    static KEYS: [KeyRecord; 2] = [
        key(|d| {
            d.at(jumps_to_nothing as *const ()).named("jump");
        }),
        key(|d| {
            d.at(has_breakpoint as *const ()).named("breakpoint");
        }),
    ];

    const fn key(describe: fn(&mut TargetDescription)) -> KeyRecord {
        let description = KeyDescription::uncalled(describe, does_nothing as *const ());
        // SAFETY: INV-KEY: the key is never called, and no trampoline has its stub.
        unsafe { KeyRecord::new(description) }
    }

    /// A key whose target is a tail call of the key itself calls itself. A breakpoint hides that
    /// the tail call is a jump.
    #[test]
    fn a_tail_call_of_the_key_is_a_cycle() {
        for target in &KEYS {
            let address = target.current().record().address().addr() as u64;
            let leads_back = |kind| {
                let mut registry = Registry::of(&KEYS, vec![call(address, kind)]);
                registry.image = Image::this();
                calls_itself(&registry, |_| target.current(), 0)
            };
            assert!(leads_back(Kind::Jmp), "{}", target.name());
            assert!(leads_back(Kind::JmpGot), "{}", target.name());
            assert!(!leads_back(Kind::Call), "{}", target.name());
        }
    }

    /// What a recorded call instruction does now, it may not do later.
    #[test]
    fn code_that_may_be_rewritten_has_no_effect() {
        let image = Image::this();
        assert!(image.is_some());
        let target = does_nothing as *const () as u64 + 3;
        let with_call_at = |address| {
            let mut registry = Registry::of(&[], vec![call(address, Kind::Call)]);
            registry.image = image;
            registry
        };
        assert_eq!(effect(&with_call_at(target - 1), target), Effect::Nothing);
        assert_eq!(effect(&with_call_at(target + EFFECT_LENGTH), target), Effect::Nothing);
        for at in 0..EFFECT_LENGTH {
            assert_eq!(effect(&with_call_at(target + at), target), Effect::Code, "{at}");
        }
    }
}
