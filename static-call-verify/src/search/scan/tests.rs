//! Tests of the scan against naive oracles.

use iced_x86::{Decoder, DecoderOptions, OpKind};

use super::*;

/// Returns every field of `data` that leads to a target, found one by one.
fn naive(data: &[u8], address: u64, targets: &[u64], form: FieldForm) -> Vec<u64> {
    let leads = |i: &usize| {
        let field = i32::from_le_bytes(data[*i..i + 4].try_into().unwrap());
        let end = address + *i as u64 + 4;
        let destination = match form {
            FieldForm::Absolute => u64::from(field as u32),
            _ => end.wrapping_add_signed(field.into()),
        };
        targets.iter().any(|&t| destination.wrapping_sub(t) < 8)
    };
    (1..data.len() - 3).filter(leads).map(|i| address + i as u64).collect()
}

#[test]
fn parts_miss_nothing_at_their_seams() {
    let size = 3 * PART + 5;
    let mut data = vec![0x90; size];
    let target = 0x4000_0000_u64 + size as u64;
    let seams = (1..4).flat_map(|n| {
        let seam = n * size.div_ceil(threads::count(size, PART)).max(PART);
        (0..3).map(move |k| seam + k * 5 - 7)
    });
    let places: Vec<usize> = seams.chain([1, size - 4]).filter(|p| p + 4 <= size).collect();
    for shift in 0..5 {
        for at in places.iter().map(|at| at + shift).filter(|at| at + 4 <= size) {
            let end = 0x4000_0000 + at as u64 + 4;
            data[at - 1] = 0xe8;
            data[at..at + 4].copy_from_slice(&((target - end) as u32).to_le_bytes());
        }
        let targets = Targets::new([(target, Target::Trampoline(0))].into_iter());
        let [mut whole, mut parts] = [Vec::new(), Vec::new()];
        in_part(&data, 0..size, 0x4000_0000, &targets, &mut whole);
        in_parts(&data, 0x4000_0000, &targets, &mut parts);
        assert!(whole.len() >= 3 && whole == parts, "{shift}");
    }
}

#[test]
fn numbers_of_eight_bytes_are_found_across_seams() {
    let size = 2 * PART + 5;
    let target = 0x4000_0000_u64 + size as u64;
    let seam = size.div_ceil(threads::count(size, PART)).max(PART);
    for base in [0, 0x3000_0000, 0x5000_0008] {
        for at in seam - 16..seam + 4 {
            let mut data = vec![0x90; size];
            data[at..at + 2].copy_from_slice(&[0x49, 0xbb]);
            data[at + 2..at + 10].copy_from_slice(&target.wrapping_sub(base).to_le_bytes());
            let mut targets = Targets::new([(target, Target::Trampoline(0))].into_iter());
            targets.bases = vec![base];
            let mut found = Vec::new();
            in_parts(&data, 0x4000_0000, &targets, &mut found);
            let found: Vec<_> = found.iter().map(|c| (c.field, c.form, c.destination)).collect();
            let field = 0x4000_0000 + at as u64 + 2;
            assert_eq!(found, [(field, FieldForm::Wide, target)], "{at} {base:#x}");
        }
    }
}

/// In any instruction, the byte before a displacement is one that the scan looks for.
#[test]
fn displacements_follow_the_bytes_that_the_scan_looks_for() {
    let mut state = 1_u64;
    let mut bytes = [0; 15];
    let mut seen = [false; 256];
    for _ in 0..1_000_000 {
        for byte in &mut bytes {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            *byte = (state >> 56) as u8;
        }
        // Half of them begin with an escape, which random bytes seldom do.
        if state & 1 == 0 {
            bytes[0] = [0x0f, 0x62, 0xc4, 0xc5, 0x66, 0xf2, 0xc7, 0x48][(state >> 1) as usize % 8];
        }
        let mut decoder = Decoder::new(64, &bytes, DecoderOptions::NONE);
        let i = decoder.decode();
        let offsets = decoder.get_constant_offsets(&i);
        let at = if i.is_ip_rel_memory_operand() {
            offsets.displacement_offset()
        } else if i.op0_kind() == OpKind::NearBranch64 && offsets.immediate_size() == 4 {
            offsets.immediate_offset()
        } else {
            continue;
        };
        seen[usize::from(bytes[at - 1])] = true;
    }
    assert_eq!(seen, BEFORE_RELATIVE);
}

#[test]
fn all_fields_are_found() {
    // Targets near and far, around 2 GiB away, and around the sign of an absolute address.
    let address = 0x4000_1003;
    let cases: &[&[u64]] = &[
        &[0x4000_1000, 0x4000_1400],
        &[0x3000_0000],
        &[0x4000_2000, 0x4200_0008],
        &[0x8000_0000 - 8, 0x8000_0000],
        &[8, 0xbfff_fff0],
        &[0x1_0000_0000, 0xffff_fff8],
    ];
    // Longer than two blocks, with adjacent fields in every position relative to the block edges.
    for (targets, shift) in cases.iter().flat_map(|c| (0..5).map(move |shift| (c, shift))) {
        let mut data = vec![0x90; 2600];
        for (n, &target) in targets.iter().cycle().take(500).enumerate() {
            let (at, into) = (n * 5 + 7 + shift, n as u64 % 9);
            let end = address + at as u64 + 4;
            let near = (target + into).wrapping_sub(end) as u32;
            let field = if n % 3 == 0 { (target + into) as u32 } else { near };
            data[at - 1] = [0xe8, 0xe9, 0x8f, 0x05, 0x3d, 0xf8][n % 6];
            data[at..at + 4].copy_from_slice(&field.to_le_bytes());
        }
        let list = Targets::new(targets.iter().map(|&t| (t, Target::Trampoline(0))));
        for form in [FieldForm::Relative, FieldForm::Absolute] {
            let mut found = Vec::new();
            match form {
                FieldForm::Absolute => absolute(&data, address, &list, &mut found),
                _ => in_part(&data, 0..data.len(), address, &list, &mut found),
            }
            let found: Vec<u64> = found.iter().map(|c| c.field).collect();
            assert_eq!(found, naive(&data, address, targets, form), "{targets:x?} {form:?}");
        }
    }
}
