//! Finds keys and sites by the names that records of code use for them.

use super::Fault;
use crate::arch::native::decode_plt_entry;
use crate::layout::SiteId;
use crate::patching::arena::Arena;
use crate::patching::image::Image;
use crate::record::KeyRecord;
use crate::site::{SITES, SiteRecord};

/// The keys of this image by stub, and its sites by name.
pub(crate) struct Named {
    stubs: &'static [(u64, u32)],
    sites: &'static [(Option<SiteId>, u32)],
}

impl Named {
    /// Returns the bytes of the arena for this number of keys and for the sites of this image.
    pub(super) fn size(keys: usize) -> usize {
        keys * size_of::<(u64, u32)>() + SITES.len() * size_of::<(Option<SiteId>, u32)>()
    }

    pub(super) fn new(arena: &mut Arena, keys: &'static [KeyRecord]) -> Self {
        let stubs = arena.slice(keys.len(), |i| (keys[i].stub() as u64, i as u32));
        stubs.sort_unstable();
        let all = SITES.static_slice();
        let sites = arena.slice(all.len(), |i| (all[i].id(), i as u32));
        sites.sort_unstable();
        Self { stubs, sites }
    }

    /// Returns the key that a record names by this stub, perhaps through the procedure linkage
    /// table.
    pub(super) fn key(&self, image: &Image, stub: u64) -> Option<u32> {
        let find = |stub| {
            let at = self.stubs.binary_search_by_key(&stub, |&(stub, _)| stub).ok()?;
            Some(self.stubs[at].1)
        };
        find(stub).or_else(|| find(image.constant(plt_slot(image, stub)?)? as u64))
    }

    /// Returns the fault of a stub that belongs to no key of this image.
    pub(super) fn unknown(&self, image: &Image, stub: u64) -> Fault {
        let Some(slot) = plt_slot(image, stub) else { return Fault::Unknown };
        match image.constant(slot) {
            Some(to) if image.is_code(to as u64) => Fault::Unknown,
            _ => Fault::OtherImage,
        }
    }

    /// Returns the first site with this name, if this image describes one.
    pub(super) fn site(&self, id: SiteId) -> Option<&'static SiteRecord> {
        let at = self.sites.partition_point(|&(other, _)| other < Some(id));
        let &(found, index) = self.sites.get(at)?;
        (found == Some(id)).then(|| &SITES.static_slice()[index as usize])
    }

    /// Returns how many names the sites of this image have.
    pub(super) fn site_count(&self) -> usize {
        self.sites.chunk_by(|(a, _), (b, _)| a == b).count()
    }
}

/// Returns the slot that the procedure linkage table entry at `address` jumps through.
fn plt_slot(image: &Image, address: u64) -> Option<usize> {
    image.code(address as usize, 1)?;
    let (code, have) = image.read(address as usize);
    Some(decode_plt_entry(address, &code[..have])? as usize)
}
