//! Veneers that no layer has room for.

use super::*;
use crate::sys;

/// A target in another window of 16 MiB than the trampolines.
const FAR: u64 = 0x110_0000;

/// Calls of keys, with three bytes of the displacement before the boundary.
fn far_calls(keys: usize) -> Vec<(u64, u32)> {
    (0..keys as u32).map(|key| (u64::from(key) * 64 + 4, key)).collect()
}

/// More keys than there are layers have the same target. What has no room is known afterwards.
#[test]
fn what_is_hopeless_is_known() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut model = Model::new(&far_calls(MANY));
    let all = |model: &mut Model| -> Vec<bool> {
        let update = |key| {
            model.settle(true);
            model.update(key, start() + FAR, true, None)
        };
        (0..MANY as u32).map(update).collect()
    };
    let is_hopeless = |model: &Model| -> Vec<bool> {
        let is_hopeless = |known: &Cell<Known>| known.get().found == Found::Hopeless;
        model.state.veneers.known.iter().map(is_hopeless).collect()
    };
    let (done, hopeless) = (all(&mut model), is_hopeless(&model));
    assert!(done.contains(&true));
    assert!(done.iter().zip(&hopeless).all(|(done, hopeless)| done != hopeless));
    // It is right: without it, nothing else comes out.
    assert_eq!(all(&mut model), done);
    model.forget();
    assert_eq!((all(&mut model), is_hopeless(&model)), (done, hopeless));
    model.assert_ways_back();
    // It stays known while the call goes to and fro.
    let key = is_hopeless(&model).iter().position(|&hopeless| hopeless).unwrap();
    for (far, has_room) in [(FAR, false), (3 * FAR, true)].repeat(3) {
        model.settle(true);
        assert_eq!(model.update(key as u32, start() + far, true, None), has_room);
        assert!(is_hopeless(&model)[key]);
    }
    for key in 0..MANY as u32 {
        model.settle(true);
        let own = start() + 2 * FAR + u64::from(key) * 16;
        assert!(model.update(key, own, true, None), "{key}");
    }
}

/// What failed because memory was refused is not hopeless.
#[test]
fn memory_that_was_refused_is_asked_for_again() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut model = Model::new(&far_calls(1));
    let site = Site::of(&model.state, 0).unwrap();
    let layers = 0..Areas::layers(site.split);
    let veneer = |layer| {
        let window = site.window(&model.state, layer).unwrap();
        site.shape.veneer(site.split, Lead::Address(start() + FAR), window).unwrap()
    };
    let taken: Vec<_> = layers.map(|layer| (veneer(layer) & !(PAGE - 1)) as usize).collect();
    taken.iter().for_each(|&page| sys::map_page(page).unwrap());
    assert!(!model.update(0, start() + FAR, true, None));
    assert_eq!(model.state.veneers.known[0].get().found, Found::Nothing);
    for page in taken {
        // SAFETY: INV-VENEER: this test's own page.
        unsafe { sys::unmap_page(page) };
    }
    assert!(model.update(0, start() + FAR, true, None));
}
