//! Decodes records, tables, names of functions and instructions, as the runtime and the verifier
//! do.
#![no_main]

use libfuzzer_sys::fuzz_target;
use static_call::arch::x86_64::effect::{Effect, mov_eax};
use static_call::arch::x86_64::{
    Branch, JMP_MEMORY_LENGTH, decode_jmp_memory, decode_plt_entry, decode_stub, direct_jump, nop,
    trampoline_jmp,
};
use static_call::layout::{
    LabelRecord, PLACES_VERSION, PlaceEntry, Places, PlacesHeader, TableEntry, TableHeader,
    TrampolineRecord, checksum,
};

fuzz_target!(|bytes: &[u8]| {
    let Some((address, rest)) = bytes.split_first_chunk().map(|(a, r)| (u64::from_le_bytes(*a), r))
    else {
        return;
    };
    // Callers check that two elements fit before the end of the address space.
    let place = address.min(u64::MAX - 64);
    if let Some(b) = rest.first_chunk() {
        let _ = TrampolineRecord::from_bytes(b).parts(place);
    }
    if let Some(b) = rest.first_chunk() {
        let _ = LabelRecord::from_bytes(b).parts(place);
    }
    if let Some(header) = rest.first_chunk().and_then(TableHeader::from_bytes) {
        assert_eq!(header.to_bytes(), rest[..TableHeader::SIZE]);
    }
    if let Some(entry) = rest.first_chunk().and_then(TableEntry::from_bytes) {
        assert_eq!(entry.to_bytes(), rest[..TableEntry::SIZE]);
    }
    if let Some(branch) = Branch::decode(rest) {
        let destination = branch.destination(place);
        assert_eq!(branch.displacement_to(place, destination), Some(branch.displacement));
        let grade = branch.grade(place);
        assert_eq!(grade, naive_grade(place, &branch));
        if let Some(old) = rest.first_chunk() {
            let length = usize::from(branch.length);
            let new = branch.with_displacement(old, branch.displacement);
            assert_eq!(new[..length], old[..length]);
        }
    }
    if let Some(displacement) = decode_jmp_memory(rest) {
        assert_eq!(displacement.to_le_bytes(), rest[2..6]);
    }
    if let Some(slot) = decode_plt_entry(place, rest) {
        // With no prefix, or after `bnd`, `endbr64`, or both.
        let leads_there = |&start: &usize| {
            let displacement = decode_jmp_memory(&rest[start..]).map(i64::from);
            let end = place.wrapping_add(start as u64 + JMP_MEMORY_LENGTH);
            displacement.is_some_and(|d| end.wrapping_add_signed(d) == slot)
        };
        assert!([0, 1, 4, 5].iter().any(leads_there));
    }
    let _ = decode_stub(place, rest);
    if let Some(destination) = direct_jump(place, rest)
        && let Some(code) = trampoline_jmp(place, destination)
    {
        assert_eq!(direct_jump(place, &code), Some(destination));
    }
    if let Effect::Returns(value) = Effect::of(rest) {
        for length in 0..8 {
            let code = mov_eax(length, value).map(|c| [&c[..length.into()], &[0xc3]].concat());
            assert!(code.is_none_or(|c| length == 6 || Effect::of(&c) == Effect::Returns(value)));
            assert_eq!(nop(length).is_some(), mov_eax(length, value).is_some());
        }
    }
    let _ = checksum(rest);
    let _ = Places::read(rest, address, 0).map(|places| places.map(|p| p.function(place)));
    names(address, rest);
});

/// Reads any entries and names after a right header.
fn names(address: u64, filled: &[u8]) {
    let Some((&first, filled)) = filled.split_first() else { return };
    let count = usize::from(first).min(filled.len() / PlaceEntry::SIZE);
    let header = PlacesHeader {
        version: PLACES_VERSION,
        capacity: filled.len() as u32,
        count: count as u32,
        names: (filled.len() - count * PlaceEntry::SIZE) as u32,
        identity: 1,
        checksum: checksum(filled),
    };
    let section = [&header.to_bytes()[..], filled].concat();
    let places = Places::read(&section, address, 1).unwrap().expect("it is filled");
    let (entries, names) = filled.split_at(count * PlaceEntry::SIZE);
    for entry in entries.as_chunks().0 {
        let entry = PlaceEntry::from_bytes(entry);
        let function = places.function(address.wrapping_add_signed(entry.instruction.into()));
        let is_in = |name: &str| names.windows(name.len()).any(|part| part == name.as_bytes());
        assert!(function.is_none_or(|name| name.is_empty() || is_in(name)));
    }
}

/// Returns the grade by looking at the address of each byte.
fn naive_grade(address: u64, branch: &Branch) -> static_call::layout::Grade {
    use static_call::layout::Grade;
    let in_one = |from: u8, to: u8, unit: u64| {
        (from..to).all(|i| (address + u64::from(i)) / unit == (address + u64::from(from)) / unit)
    };
    let (disp, end) = (branch.disp_at, branch.length);
    match () {
        () if in_one(0, end, 8) => Grade::Quad,
        () if in_one(disp, end, 8) => Grade::Disp,
        () if in_one(0, end, 64) => Grade::Line,
        () => Grade::Straddle,
    }
}
