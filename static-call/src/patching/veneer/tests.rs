//! Veneers at random addresses that overlap, against what a processor would execute.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::vec::Vec;

use proptest::prelude::*;

use super::*;

/// The tests use the same addresses.
static ALONE: Mutex<()> = Mutex::new(());
/// An address at which nothing else is, and slots that veneers there reach.
const BASE: u64 = 0x1357_9000_0000;
const SLOTS: [u64; 3] = [BASE + 0x10_0000, BASE + 0x10_0008, BASE - 0x3333_3338];

fn none() -> Veneers {
    Veneers { areas: Areas::new(BASE, BASE), ..Veneers::bare() }
}

fn free(veneers: Veneers) {
    // SAFETY: INV-VENEER: nothing executes these.
    unsafe { veneers.free() };
}

/// Returns the slot through which code at `address` jumps, and the end of that code. A processor
/// knows no keys.
fn reached(veneers: &Veneers, mut address: u64, view: View) -> Option<(u64, u64)> {
    loop {
        let code = veneers.read(address, view);
        if is_veneer(&code) {
            let displacement = i32::from_le_bytes(code[2..6].try_into().unwrap());
            let slot = (address + 6).wrapping_add_signed(displacement.into());
            return Some((slot, address + VENEER_SIZE));
        }
        let nop = (1..NOPS.len()).find(|&n| code[..n] == *NOPS[n])?;
        address += nop as u64;
    }
}

fn slot_reached(veneers: &Veneers, address: u64) -> Option<u64> {
    reached(veneers, address, View::Written).map(|(slot, _)| slot)
}

/// One veneer that is wanted: its distance from the base, its key, and where it may be made.
fn wish() -> impl Strategy<Value = (u64, usize, bool)> {
    let near = prop_oneof![0..48_u64, 4060..4130_u64];
    (near, 0..SLOTS.len(), any::<bool>())
}

proptest! {
    /// Whatever was made once leads through its key's slot for ever. A veneer is refused only
    /// where another one is, or where a page may not be written.
    #[test]
    fn veneers_lead_through_their_slots(
        wishes in prop::collection::vec((wish(), any::<bool>()), 1..60),
        is_aliased: bool,
    ) {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut veneers = Veneers { is_aliased, ..none() };
        let mut made: Vec<(u64, u64)> = Vec::new();
        let mut executed = HashSet::new();
        for ((at, key, is_new), finishes) in wishes {
            let (address, slot) = (BASE + at, SLOTS[key]);
            let was_there = slot_reached(&veneers, address) == Some(slot);
            let room = if is_new { Room::New } else { Room::Any };
            let taken = |n: u64| veneers.read(address + n, View::Written)[0] != TRAP;
            let is_free = (0..VENEER_SIZE).all(|n| !taken(n));
            let pages = [address, address + VENEER_SIZE - 1].map(page_of);
            let may = !is_new || pages.iter().all(|page| !executed.contains(page));
            let read = |veneers: &Veneers, made: &[(u64, u64)]| -> Vec<_> {
                made.iter().map(|&(at, _)| veneers.read(at, View::Written)).collect()
            };
            let before = read(&veneers, &made);
            let is_made = veneers.make(address, slot, room);
            prop_assert_eq!(veneers.refused, None);
            if was_there || is_free && may {
                prop_assert!(is_made, "{:#x}", address);
            }
            if is_made {
                prop_assert!(was_there || may, "written in a page that is executed");
                made.push((address, slot));
            } else {
                prop_assert_eq!(before, read(&veneers, &made));
            }
            for &(address, slot) in &made {
                prop_assert_eq!(slot_reached(&veneers, address), Some(slot));
            }
            if finishes {
                veneers.finish();
                executed.extend(veneers.pages[..veneers.count].iter().map(|p| p.address() as u64));
            }
            for &(address, slot) in &made {
                let end = reached(&veneers, address, View::Written).unwrap().1;
                let is_ready = match is_aliased {
                    false => [address, end - 1].iter().all(|at| executed.contains(&page_of(*at))),
                    // What is new in a page that is executed lies in its draft.
                    true => reached(&veneers, address, View::Executed) == Some((slot, end)),
                };
                prop_assert!(is_ready || !finishes);
                prop_assert_eq!(veneers.is_ready(address, slot), is_ready);
            }
        }
        free(veneers);
    }
}

/// Veneers of one key may be closer together than their size if the last is made first. Those of
/// two keys may not.
#[test]
fn a_veneer_before_another_is_a_no_op() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for distance in 1..VENEER_SIZE {
        for (first, second) in [(distance, 0), (0, distance)] {
            let mut veneers = none();
            assert!(veneers.make(BASE + first, SLOTS[0], Room::New));
            assert!(!veneers.make(BASE + second, SLOTS[1], Room::New), "{distance}");
            let is_last_first = first > second;
            assert_eq!(veneers.make(BASE + second, SLOTS[0], Room::New), is_last_first);
            veneers.finish();
            assert!(veneers.is_ready(BASE + first, SLOTS[0]));
            assert_eq!(veneers.is_ready(BASE + second, SLOTS[0]), is_last_first);
            assert!(!veneers.is_ready(BASE + first, SLOTS[1]));
            free(veneers);
        }
    }
}

/// Bytes of a displacement that look like traps are not overwritten.
#[test]
fn a_displacement_of_traps_stays() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut veneers = none();
    let slot = |at: u64, displacement: [u8; 4]| {
        (BASE + at + 6).wrapping_add_signed(i32::from_le_bytes(displacement).into())
    };
    // The displacement ends with the opcode of a veneer, and the bytes after it go on like one.
    let [open, code, _, _, _, _, trap, invalid] = veneer(BASE, SLOTS[0]).unwrap();
    let first = slot(0, [TRAP, TRAP, open, code]);
    let next = slot(8, [trap, invalid, 0, 0]);
    let between = slot(4, [trap, invalid, open, code]);
    assert!(veneers.make(BASE, first, Room::New));
    assert!(veneers.make(BASE + 8, next, Room::New));
    let before = veneers.read(BASE, View::Written);
    assert!(veneers.make(BASE + 4, between, Room::New), "it is one");
    for (at, slot) in (1..4).flat_map(|at| [first, next, between].map(|slot| (at, slot))) {
        assert!(!veneers.make(BASE + at, slot, Room::New));
        assert_eq!(veneers.read(BASE, View::Written), before);
    }
    free(veneers);
}

/// A veneer may lie in two pages. Neither may be executed yet where the first step needs it.
#[test]
fn a_veneer_in_two_pages() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for executed in [0, PAGE as u64] {
        let (mut veneers, between) = (none(), BASE + PAGE as u64 - 4);
        assert!(veneers.make(BASE + executed + 64, SLOTS[0], Room::New));
        veneers.finish();
        assert!(!veneers.make(between, SLOTS[0], Room::New), "{executed}");
        assert!(veneers.make(between, SLOTS[0], Room::Any), "{executed}");
        assert!(!veneers.is_ready(between, SLOTS[0]));
        veneers.finish();
        assert!(veneers.is_ready(between, SLOTS[0]));
        free(veneers);
    }
}

/// A no-op and the veneer after it lie in one page: it becomes executable as a whole.
#[test]
fn a_no_op_is_in_the_page_of_its_veneer() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut veneers = none();
    let next = BASE + PAGE as u64;
    assert!(veneers.make(next, SLOTS[0], Room::New));
    assert!(!veneers.make(next - 4, SLOTS[0], Room::Any));
    assert!(veneers.make(next - VENEER_SIZE, SLOTS[0], Room::Any));
    free(veneers);
}

/// From each address of a slab, code runs to its key's slot. Nothing is added to a page that is
/// executed.
#[test]
fn every_address_of_a_slab_is_a_veneer() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut veneers = none();
    let slabs = [0, 1, 2].map(|key| veneers.areas.slab(key, 0));
    for (slab, slot) in slabs.into_iter().zip(SLOTS).take(2) {
        assert!(veneers.make_slab(slab, slot));
        assert!(veneers.make_slab(slab, slot), "it is there");
        assert!(!veneers.is_slab_ready(slab, slot));
    }
    assert!(!veneers.make_slab(slabs[0], SLOTS[1]), "it is another key's");
    veneers.finish();
    assert!(!veneers.make_slab(slabs[2], SLOTS[2]), "the page is executed");
    for (slab, slot) in slabs.into_iter().zip(SLOTS).take(2) {
        assert!(veneers.is_slab_ready(slab, slot));
        assert!(!veneers.is_slab_ready(slab, slot + 8));
        for n in 0..SLAB_ENTRIES {
            assert_eq!(slot_reached(&veneers, slab + n), Some(slot), "{n}");
        }
        assert_eq!(veneers.read(slab + SLAB_ENTRIES + VENEER_SIZE, View::Written), [TRAP; SIZE]);
    }
    assert!(!veneers.is_slab_ready(slabs[2], SLOTS[2]));
    free(veneers);
}

/// A page that is executed and written is counted until it is closed.
#[test]
fn pages_that_are_left_open_are_counted() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for is_aliased in [false, true] {
        let mut veneers = Veneers { is_aliased, ..none() };
        assert!(veneers.make(BASE, SLOTS[0], Room::New));
        assert_eq!(veneers.left_open(), 0, "it is not executed");
        veneers.finish();
        assert!(veneers.make(BASE + 64, SLOTS[0], Room::Any));
        assert_eq!(veneers.left_open(), usize::from(!is_aliased), "a draft is elsewhere");
        veneers.finish();
        assert_eq!(veneers.left_open(), 0);
        free(veneers);
    }
}

/// By an alias, a page that is executed does not change until another takes its place.
#[test]
fn a_draft_is_not_executed() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut veneers = Veneers { is_aliased: true, ..none() };
    assert!(veneers.make(BASE, SLOTS[0], Room::New));
    assert_eq!(veneers.read(BASE, View::Executed), [TRAP; SIZE]);
    veneers.finish();
    assert!(veneers.is_ready(BASE, SLOTS[0]));
    assert!(veneers.make(BASE + 64, SLOTS[1], Room::Any));
    assert_eq!(slot_reached(&veneers, BASE + 64), Some(SLOTS[1]));
    assert!(veneers.is_ready(BASE, SLOTS[0]) && !veneers.is_ready(BASE + 64, SLOTS[1]));
    assert_eq!(veneers.read(BASE + 64, View::Executed), [TRAP; SIZE]);
    veneers.finish();
    assert!(veneers.is_ready(BASE, SLOTS[0]) && veneers.is_ready(BASE + 64, SLOTS[1]));
    free(veneers);
}

/// What is written into a page that is executed is settled by the next barrier, or, if it is in a
/// draft then, by the one after that. What was there before stays settled.
#[test]
fn a_barrier_settles_what_is_executed() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for (is_aliased, barrier_first) in [(false, false), (true, false), (true, true)] {
        let mut veneers = Veneers { is_aliased, ..none() };
        assert!(veneers.make(BASE, SLOTS[0], Room::New));
        assert!(!veneers.is_settled(BASE, SLOTS[0]), "it is not executed yet");
        veneers.finish();
        assert!(veneers.is_settled(BASE, SLOTS[0]), "nobody has fetched from its page");
        assert!(veneers.make(BASE + 64, SLOTS[1], Room::Any));
        if barrier_first {
            veneers.settle();
        }
        veneers.finish();
        assert!(veneers.is_ready(BASE + 64, SLOTS[1]));
        assert!(!veneers.is_settled(BASE + 64, SLOTS[1]), "{is_aliased} {barrier_first}");
        assert!(veneers.needs_barrier, "{is_aliased} {barrier_first}");
        assert!(veneers.is_settled(BASE, SLOTS[0]));
        veneers.settle();
        assert!(veneers.is_settled(BASE + 64, SLOTS[1]) && veneers.is_settled(BASE, SLOTS[0]));
        free(veneers);
    }
}
