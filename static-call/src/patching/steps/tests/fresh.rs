//! Veneers that were written into executed pages since the last barrier.

use super::*;

/// The first step does not lead to a veneer that the same update has written, not even for another
/// call; after the barrier it does.
#[test]
fn the_first_step_leads_to_what_is_settled() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    // Two and three bytes of the displacement lie before the boundary.
    for skip in [4, 5] {
        for is_aliased in [false, true] {
            let mut model = Model::new(&[(skip, 0)]);
            model.state.veneers.is_aliased = is_aliased;
            assert!(model.update(0, start() + 0x110_0018, true, None));
            model.settle(true);
            // A target that no update has prepared, with its veneer in the page of the first one's.
            let now = Lead::Address(start() + 0x110_0100);
            model.state.written.calls[0] = now;
            let site = Site::of(&model.state, 0).unwrap();
            let window = site.window(&model.state, 0).unwrap();
            let at = site.shape.veneer(site.split, now, window).unwrap();
            assert!(model.state.veneers.make(at, site.slot, Room::Any));
            model.state.veneers.finish();
            assert!(model.state.veneers.is_ready(at, site.slot));
            assert!(way(&model.state, 0, Lead::Linked).is_err(), "{skip} {is_aliased}");
            model.settle(true);
            let back = way(&model.state, 0, Lead::Linked);
            assert!(back.is_ok_and(|way| way.is_some_and(|(_, end)| end == Lead::Linked)));
        }
    }
}
