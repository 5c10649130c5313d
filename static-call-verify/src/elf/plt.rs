//! The procedure linkage table: code that jumps through slots that another object can fill.

use std::collections::HashMap;

use static_call::arch::x86_64::{JMP_MEMORY_LENGTH, decode_jmp_memory, decode_plt_entry};

use super::image::Image;

/// Returns the slot that the entry at `address` jumps through.
pub(crate) fn slot_of(image: &Image<'_>, address: u64) -> Option<u64> {
    image.code_section(address).filter(|s| s.is_plt())?;
    // The longest entry that is decoded is followed by other entries, or by the rest of its 16
    // bytes.
    let bytes = [16, 8].into_iter().find_map(|size| image.code_at(address, size))?;
    decode_plt_entry(address, bytes)
}

/// Returns the entries that jump through one of `slots`, each with its value in `slots`.
pub(crate) fn entries(image: &Image<'_>, slots: &HashMap<u64, usize>) -> Vec<(u64, usize)> {
    let mut entries = Vec::new();
    if slots.is_empty() {
        return entries;
    }
    for section in image.code().filter(|s| s.is_plt()) {
        // psABI, "Procedure Linkage Table": 16 bytes, 8 in `.plt.got`.
        let size: u64 = if section.name == b".plt.got" { 8 } else { 16 };
        let Some(data) = image.section_data(section) else { continue };
        for (i, jump) in data.windows(JMP_MEMORY_LENGTH as usize).enumerate() {
            let address = section.address.wrapping_add(i as u64);
            let slot = decode_jmp_memory(jump)
                .map(|d| address.wrapping_add(JMP_MEMORY_LENGTH).wrapping_add_signed(d.into()));
            if let Some(&index) = slot.and_then(|s| slots.get(&s)) {
                entries.push((address & !(size - 1), index));
            }
        }
    }
    entries
}
