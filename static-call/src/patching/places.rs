//! The names of the functions around calls, for the report. Nothing that patches code reads them.

use core::slice;

use crate::arch::native::symbols;
use crate::layout::{Places, PlacesFault};
use crate::patching::image::Image;

/// Returns the names that this image has, or why they are not used.
pub(crate) fn of(image: &Image) -> Result<Option<Places<'static>>, PlacesFault> {
    let (start, stop) = (symbols::places_start(), symbols::places_stop());
    let length = stop.addr().saturating_sub(start.addr());
    if length == 0 {
        return Ok(None);
    }
    // SAFETY: INV-RECORDS: these are the linker's bounds of a section that nothing writes after the
    // link.
    let section: &'static [u8] = unsafe { slice::from_raw_parts(start, length) };
    Places::read(section, start.addr() as u64, image.identity())
}
