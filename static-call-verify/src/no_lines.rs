//! Takes the place of `lines` in a link hook that is built without the feature `lines`: no
//! instruction has a source line.

use crate::elf::image::Image;
use crate::report::{Key, Source};

/// Whether source lines can be read.
pub(crate) const AVAILABLE: bool = false;

/// The debug sections, which are never read.
pub(crate) enum DebugSections {}

impl DebugSections {
    pub(crate) fn load(_: &Image<'_>) -> Option<Self> {
        None
    }
}

/// Source lines by address, of which there are none.
pub(crate) enum Lines {}

impl Lines {
    pub(crate) fn new(sections: &DebugSections, _: impl Iterator<Item = u64>) -> Self {
        match *sections {}
    }

    pub(crate) fn is_whole(&self) -> bool {
        match *self {}
    }

    pub(crate) fn source(&self, _: u64, _: &Key) -> Option<Source> {
        match *self {}
    }
}
