//! The records that the macros emit: keys, sites, trampolines.

pub(crate) mod labels;

use std::collections::HashMap;

use static_call::arch::x86_64::{Branch, PADDING, QUADWORD, STUB_LENGTH, StubSlot, decode_stub};
use static_call::layout::{
    KEYS_SECTION, Kind, SECTION_PREFIX, SITES_SECTION, SiteId, TRAMPOLINE_SIZE,
    TRAMPOLINES_SECTION, TrampolineRecord, key_record, site_record,
};

use crate::elf::image::Image;
use crate::elf::plt;
use crate::elf::pointers::Pointers;
use crate::elf::section::Section;
use crate::findings::{Findings, hex};
use crate::policy::FindingKey;
use crate::report::{Key, Site, Source, Trampoline};
use crate::sort;

/// The longest name or path in a record, which a report repeats many times.
const LONGEST_TEXT: usize = 1 << 12;

/// A trampoline record with its addresses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instance {
    record: u64,
    pub(crate) trampoline: u64,
    stub: u64,
    site: Option<SiteId>,
}

/// Returns the live trampoline records, before anything else is known.
pub(crate) fn instances(image: &Image<'_>, findings: &mut Findings<'_>) -> Vec<Instance> {
    let mut all = Vec::new();
    for section in image.sections_named(TRAMPOLINES_SECTION) {
        for (record, bytes) in elements::<{ TrampolineRecord::SIZE }>(image, section, findings) {
            let r = TrampolineRecord::from_bytes(bytes);
            let (trampoline, stub, site) = r.parts(record);
            // GNU ld and mold keep the record of a trampoline that was dropped, with a null
            // address.
            if r.trampoline == 0 || trampoline == 0 {
                continue;
            }
            all.push(Instance { record, trampoline, stub, site });
        }
    }
    for section in &image.sections {
        let is_other = section.name.starts_with(SECTION_PREFIX.as_bytes())
            && section.name.ends_with(b"_trampolines")
            && section.name != TRAMPOLINES_SECTION.as_bytes();
        if is_other {
            let name = String::from_utf8_lossy(section.name);
            findings.add(
                FindingKey::TableVersion,
                Some(section.address),
                None,
                format!(
                    "the records in `{name}` are from another version of static-call than this \
                     verifier reads: use the verifier of that version"
                ),
            );
        }
    }
    all
}

/// Returns the sections whose words are pointers of records.
pub(crate) fn record_sections<'a>(image: &Image<'a>) -> Vec<Section<'a>> {
    let keys = image.sections_named(KEYS_SECTION);
    keys.chain(image.sections_named(SITES_SECTION)).copied().collect()
}

/// The contents of all records.
#[derive(Debug, Default)]
pub(crate) struct Records {
    pub(crate) keys: Vec<Key>,
    pub(crate) sites: Vec<Site>,
    pub(crate) trampolines: Vec<Trampoline>,
}

impl Records {
    pub(crate) fn read(
        image: &Image<'_>,
        pointers: &Pointers,
        instances: &[Instance],
        findings: &mut Findings<'_>,
    ) -> Self {
        let reader = Reader { image, pointers };
        let mut records = Self::default();
        // Other sections are not where the program reads them.
        let is_loaded =
            |s: &Section<'_>| image.offset_of(s.address, s.size).is_some_and(|o| o == s.offset);
        for section in image.sections_named(KEYS_SECTION) {
            let is_loaded = is_loaded(section);
            for (address, bytes) in elements::<{ key_record::SIZE }>(image, section, findings) {
                match reader.key(address, bytes).filter(|_| is_loaded) {
                    Some(key) => records.keys.push(key),
                    None => findings.record(address, "the record of a key cannot be read"),
                }
            }
        }
        for section in image.sections_named(SITES_SECTION) {
            let is_loaded = is_loaded(section);
            for (address, bytes) in elements::<{ site_record::SIZE }>(image, section, findings) {
                match reader.site(address, bytes).filter(|_| is_loaded) {
                    Some(site) => records.sites.push(site),
                    None => findings.record(address, "the record of a site cannot be read"),
                }
            }
        }
        records.join(image, pointers, instances, findings);
        for t in &mut records.trampolines {
            let key = records.keys.get(t.key);
            t.is_sound = key.is_some_and(|key| check(image, pointers, t, key, findings));
        }
        records
    }

    /// Returns the names by which records of code refer to keys and sites.
    pub(crate) fn names<'r>(&self, image: &'r Image<'r>, pointers: &'r Pointers) -> Names<'r> {
        let mut keys: Vec<(u64, usize)> =
            self.keys.iter().enumerate().map(|(i, k)| (k.stub, i)).collect();
        sort::by_key(&mut keys, |(stub, _)| [*stub, 0]);
        let mut sites = HashMap::new();
        for (i, site) in self.sites.iter().enumerate() {
            if let Some(id) = site.id {
                sites.entry(id).or_insert(i);
            }
        }
        Names { image, pointers, keys, sites }
    }

    /// Merges all records of the same trampoline into one, and connects it to its key and sites.
    fn join(
        &mut self,
        image: &Image<'_>,
        pointers: &Pointers,
        instances: &[Instance],
        findings: &mut Findings<'_>,
    ) {
        let names = self.names(image, pointers);
        let mut elsewhere = 0_usize;
        let mut instances = instances.to_vec();
        sort::by_key(&mut instances, |i| [i.trampoline, i.record]);
        for i in instances {
            let key = match names.key(i.stub) {
                Named::Key(key) => key,
                Named::OtherImage => {
                    elsewhere += 1;
                    continue;
                }
                Named::Nothing => {
                    let message = "the record of a trampoline names no key of this image";
                    findings.record(i.record, message);
                    continue;
                }
            };
            let site = i.site.and_then(|id| names.site(id));
            if let Some(site) = site.and_then(|s| self.sites.get_mut(s)) {
                site.key = Some(key);
            }
            match self.trampolines.last_mut().filter(|t| t.address == i.trampoline) {
                Some(t) if t.key == key && t.stub == i.stub => {
                    t.is_plain |= i.site.is_none();
                    t.sites.extend(site);
                }
                Some(_) => {
                    findings
                        .record(i.record, "two records of one trampoline contradict each other");
                }
                None => self.trampolines.push(Trampoline {
                    address: i.trampoline,
                    stub: i.stub,
                    key,
                    is_plain: i.site.is_none(),
                    sites: site.into_iter().collect(),
                    is_sound: false,
                }),
            }
        }
        if elsewhere > 0 {
            let (trampolines, are) = match elsewhere {
                1 => ("trampoline", "is"),
                _ => ("trampolines", "are"),
            };
            let message = format!(
                "{elsewhere} {trampolines} of this image {are} for keys in another image: their \
                 calls go through the slot and are not listed here"
            );
            findings.add(FindingKey::KeyOtherImage, None, None, message);
        }
    }
}

/// What a record of code names.
pub(crate) enum Named {
    /// A key, as an index into [`Records::keys`].
    Key(usize),
    /// A key that is, or may be, in another image.
    OtherImage,
    /// Nothing.
    Nothing,
}

/// Keys by their stubs, and sites by their names.
pub(crate) struct Names<'r> {
    image: &'r Image<'r>,
    pointers: &'r Pointers,
    /// Sorted.
    keys: Vec<(u64, usize)>,
    sites: HashMap<SiteId, usize>,
}

impl Names<'_> {
    /// Returns the key of a stub, which may be reached through the procedure linkage table.
    pub(crate) fn key(&self, stub: u64) -> Named {
        if let Some(key) = self.of_stub(stub) {
            return Named::Key(key);
        }
        let Some(slot) = plt::slot_of(self.image, stub) else { return Named::Nothing };
        let stub = self.pointers.in_slot(self.image, slot);
        stub.and_then(|stub| self.of_stub(stub)).map_or(Named::OtherImage, Named::Key)
    }

    /// Returns the last key of a stub.
    fn of_stub(&self, stub: u64) -> Option<usize> {
        let after = sort::place(&self.keys, stub.checked_add(1)?, |key| key.0);
        let (last, key) = self.keys.get(after.checked_sub(1)?)?;
        (*last == stub).then_some(*key)
    }

    /// Returns the first site of this name. For code that another crate compiled, the site's record
    /// may be in another image.
    pub(crate) fn site(&self, id: SiteId) -> Option<usize> {
        self.sites.get(&id).copied()
    }
}

struct Reader<'r, 'a> {
    image: &'r Image<'a>,
    pointers: &'r Pointers,
}

impl Reader<'_, '_> {
    fn key(&self, address: u64, record: &[u8; key_record::SIZE]) -> Option<Key> {
        let stub = self.pointers.resolve(self.image, address + key_record::STUB)?;
        self.image.code_section(stub)?;
        let length = |at| field(record, at).map(|bytes| usize::from(u16::from_le_bytes(bytes)));
        let (module, name) = (length(key_record::MODULE)?, length(key_record::NAME)?);
        let (file, signature) = (length(key_record::FILE)?, length(key_record::SIGNATURE)?);
        if module.max(name).max(file) > LONGEST_TEXT {
            return None;
        }
        let all = module + key_record::SEPARATOR.len() + name + file + signature;
        let (module, rest) =
            self.text(address + key_record::TEXT, all as u64)?.split_at_checked(module)?;
        let (name, rest) = rest.strip_prefix(key_record::SEPARATOR)?.split_at_checked(name)?;
        let (file, signature) = rest.split_at_checked(file)?;
        let [flags] = field(record, key_record::FLAGS)?;
        let [state] = field(record, key_record::STATE)?;
        Some(Key {
            address,
            stub,
            name: name.to_owned(),
            module: module.to_owned(),
            signature: signature.to_owned(),
            source: Source {
                file: file.to_owned(),
                line: u32::from_le_bytes(field(record, key_record::LINE)?),
                column: u32::from_le_bytes(field(record, key_record::COLUMN)?),
            },
            has_no_body: flags & key_record::HAS_NO_BODY != 0,
            default: self.default(address).filter(|_| flags & key_record::CHOOSES == 0),
            is_bound: state & key_record::BOUND != 0,
        })
    }

    /// Returns the code to which the slot leads, if nothing else can be put there.
    fn default(&self, address: u64) -> Option<u64> {
        let default = self.pointers.resolve_fixed(self.image, address + key_record::SLOT)?;
        self.image.code_section(default).map(|_| default)
    }

    fn site(&self, address: u64, record: &[u8; site_record::SIZE]) -> Option<Site> {
        let length = u64::from_le_bytes(field(record, site_record::FILE + 8)?);
        if length > LONGEST_TEXT as u64 {
            return None;
        }
        let source = Source {
            file: self.text(address + site_record::FILE, length)?.to_owned(),
            line: u32::from_le_bytes(field(record, site_record::LINE)?),
            column: u32::from_le_bytes(field(record, site_record::COLUMN)?),
        };
        let id = SiteId::from_u64(u64::from_le_bytes(field(record, site_record::ID)?));
        Some(Site { address, id, source, key: None })
    }

    /// Reads the text of `length` bytes whose address is at `place`.
    fn text(&self, place: u64, length: u64) -> Option<&str> {
        if !self.image.budget.spend(usize::try_from(length).ok()?) {
            return None;
        }
        if length == 0 {
            return Some("");
        }
        let bytes = self.image.at(self.pointers.resolve(self.image, place)?, length)?;
        std::str::from_utf8(bytes).ok()
    }
}

/// Returns a field of a record.
fn field<const N: usize>(record: &[u8], at: u64) -> Option<[u8; N]> {
    record.get(usize::try_from(at).ok()?..)?.first_chunk().copied()
}

/// Returns the elements of a record section with their addresses.
pub(crate) fn elements<'a, const SIZE: usize>(
    image: &Image<'a>,
    section: &Section<'a>,
    findings: &mut Findings<'_>,
) -> impl Iterator<Item = (u64, &'a [u8; SIZE])> + use<'a, SIZE> {
    let address = section.address;
    // Leave room for one more, so that the address of a field or of the next element does not wrap.
    let end = address.checked_add(section.size).and_then(|a| a.checked_add(2 * SIZE as u64));
    let data = image.section_data(section).filter(|d| d.len() % SIZE == 0 && end.is_some());
    if data.is_none() {
        let name = String::from_utf8_lossy(section.name);
        let message = format!("the section `{name}` does not hold a whole number of records");
        findings.add(FindingKey::RecordCorrupt, Some(address), None, message);
    }
    let start = if data.is_some() { address } else { 0 };
    let (elements, _) = data.unwrap_or_default().as_chunks::<SIZE>();
    (start..).step_by(SIZE).zip(elements)
}

/// Returns whether a trampoline is one aligned quadword of what the macros emit, and leads to its
/// key.
fn check(
    image: &Image<'_>,
    pointers: &Pointers,
    t: &Trampoline,
    key: &Key,
    findings: &mut Findings<'_>,
) -> bool {
    let (finding, what) = if !t.address.is_multiple_of(QUADWORD) {
        (FindingKey::TrampMisaligned, "is not aligned to 8 bytes")
    } else {
        if leads_to_stub(image, t) && leads_to_slot(image, pointers, key) {
            return true;
        }
        (FindingKey::TrampBytes, "is not the code that the macros emit")
    };
    let bytes = image.at(t.address, TRAMPOLINE_SIZE as u64).map(hex).unwrap_or_default();
    let (name, source) = named(image, key);
    let fix = finding.fix();
    let message =
        format!("a trampoline {name}{what}: its calls are not patched, bytes{bytes}; {fix}");
    findings.add(finding, Some(t.address), source, message);
    false
}

/// Returns how a message names a key, and the position of its declaration; nothing once this has
/// been said too often.
pub(crate) fn named(image: &Image<'_>, key: &Key) -> (String, Option<Source>) {
    if image.budget.spend(key.module.len() + key.name.len() + key.source.file.len() + 256) {
        (format!("of `{}` ", key.path()), Some(key.source.clone()))
    } else {
        (String::new(), None)
    }
}

/// Returns whether the stub of a key jumps through its slot.
fn leads_to_slot(image: &Image<'_>, pointers: &Pointers, key: &Key) -> bool {
    let Some(bytes) = image.code_at(key.stub, STUB_LENGTH) else { return false };
    match decode_stub(key.stub, bytes) {
        Some(StubSlot::At(slot)) => slot == key.address,
        Some(StubSlot::Through(pointer)) => pointers.in_slot(image, pointer) == Some(key.address),
        None => false,
    }
}

/// Returns whether a trampoline is `jmp stub` and padding.
fn leads_to_stub(image: &Image<'_>, t: &Trampoline) -> bool {
    let Some(bytes) = image.code_at(t.address, TRAMPOLINE_SIZE as u64) else { return false };
    let branch = Branch::decode(bytes).filter(|b| b.kind == Kind::Jmp && b.length == 5);
    branch.is_some_and(|b| b.destination(t.address) == t.stub) && bytes.ends_with(&[PADDING; 3])
}
