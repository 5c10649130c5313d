//! The records of macros: keys, sites, trampolines.

use std::collections::HashMap;

use static_call::arch::x86_64::{Branch, JMP_MEMORY_LENGTH, PADDING, QUADWORD, decode_jmp_memory};
use static_call::layout::{
    Form, KEYS_SECTION, Kind, SECTION_PREFIX, SITES_SECTION, TRAMPOLINE_SIZE, TRAMPOLINES_SECTION,
    TrampolineRecord, key_record, site_record,
};

use crate::findings::{Findings, hex};
use crate::image::{Image, Section};
use crate::pointers::Pointers;
use crate::policy::FindingKey;
use crate::report::{Key, Site, Source, Trampoline};

/// Longest text of a record: of a signature, and of a name or a path, which stand in many places of a
/// report.
const LONGEST_SIGNATURE: u64 = 1 << 16;
const LONGEST_TEXT: u64 = 1 << 12;

/// A trampoline record with its addresses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instance {
    record: u64,
    pub(crate) trampoline: u64,
    stub: u64,
    site: Option<u64>,
    form: Option<Form>,
}

/// The live trampoline records, before anything else is known.
pub(crate) fn instances(image: &Image<'_>, findings: &mut Findings<'_>) -> Vec<Instance> {
    let mut all = Vec::new();
    for section in image.sections_named(TRAMPOLINES_SECTION) {
        for (record, bytes) in elements::<{ TrampolineRecord::SIZE }>(image, section, findings) {
            let r = TrampolineRecord::from_bytes(bytes);
            let (trampoline, stub, site) = r.addresses(record);
            // GNU ld and mold keep the record of a trampoline that was dropped and let it point
            // nowhere.
            if r.trampoline == 0 || trampoline == 0 {
                continue;
            }
            let form = Form::from_word(r.form);
            all.push(Instance { record, trampoline, stub, site, form });
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
                    "the records in `{name}` are of another version of static-call than this \
                     verifier reads: use the verifier of that version"
                ),
            );
        }
    }
    all
}

/// The sections whose words are pointers of records.
pub(crate) fn record_sections<'a>(image: &Image<'a>) -> Vec<Section<'a>> {
    let keys = image.sections_named(KEYS_SECTION);
    keys.chain(image.sections_named(SITES_SECTION)).copied().collect()
}

/// Everything the records say.
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
        for section in image.sections_named(KEYS_SECTION) {
            for (address, _) in elements::<{ key_record::SIZE }>(image, section, findings) {
                match reader.key(address) {
                    Some(key) => records.keys.push(key),
                    None => findings.record(address, "the record of a key cannot be read"),
                }
            }
        }
        for section in image.sections_named(SITES_SECTION) {
            for (address, _) in elements::<{ site_record::SIZE }>(image, section, findings) {
                match reader.site(address) {
                    Some(site) => records.sites.push(site),
                    None => findings.record(address, "the record of a site cannot be read"),
                }
            }
        }
        records.join(instances, findings);
        for t in &mut records.trampolines {
            let key = records.keys.get(t.key);
            t.is_sound = key.is_some_and(|key| check(image, t, key, findings));
        }
        records
    }

    /// Makes one trampoline of all records that lead to it, and connects it to its key and sites.
    fn join(&mut self, instances: &[Instance], findings: &mut Findings<'_>) {
        let keys: HashMap<u64, usize> =
            self.keys.iter().enumerate().map(|(i, k)| (k.stub, i)).collect();
        let sites: HashMap<u64, usize> =
            self.sites.iter().enumerate().map(|(i, s)| (s.address, i)).collect();
        let mut instances = instances.to_vec();
        instances.sort_by_key(|i| (i.trampoline, i.record));
        for i in instances {
            let Some(form) = i.form else {
                findings.record(i.record, "the record of a trampoline has an unknown form");
                continue;
            };
            let Some(&key) = keys.get(&i.stub) else {
                findings.record(i.record, "the record of a trampoline names no key of this image");
                continue;
            };
            let site = match i.site.map(|site| sites.get(&site).copied()) {
                Some(None) => {
                    findings.record(i.record, "the record of a trampoline names no site");
                    continue;
                }
                Some(site) => site,
                None => None,
            };
            if let Some(site) = site.and_then(|s| self.sites.get_mut(s)) {
                site.key = Some(key);
            }
            match self.trampolines.last_mut().filter(|t| t.address == i.trampoline) {
                Some(t) if t.key == key && t.form == form => t.sites.extend(site),
                Some(_) => {
                    findings
                        .record(i.record, "two records of one trampoline contradict each other");
                }
                None => self.trampolines.push(Trampoline {
                    address: i.trampoline,
                    form,
                    key,
                    sites: site.into_iter().collect(),
                    is_sound: false,
                }),
            }
        }
    }
}

struct Reader<'r, 'a> {
    image: &'r Image<'a>,
    pointers: &'r Pointers,
}

impl Reader<'_, '_> {
    fn key(&self, address: u64) -> Option<Key> {
        let stub = self.pointers.resolve(self.image, address + key_record::STUB)?;
        self.image.code_section(stub)?;
        Some(Key {
            address,
            stub,
            name: self.text(address + key_record::NAME)?,
            module: self.text(address + key_record::MODULE)?,
            signature: self.text_of(address + key_record::SIGNATURE, LONGEST_SIGNATURE)?,
            source: Source {
                file: self.text(address + key_record::FILE)?,
                line: self.number(address + key_record::LINE)?,
                column: self.number(address + key_record::COLUMN)?,
            },
            has_no_body: self.number(address + key_record::FLAGS)? & key_record::HAS_NO_BODY != 0,
        })
    }

    fn site(&self, address: u64) -> Option<Site> {
        let source = Source {
            file: self.text(address + site_record::FILE)?,
            line: self.number(address + site_record::LINE)?,
            column: self.number(address + site_record::COLUMN)?,
        };
        Some(Site { address, source, key: None })
    }

    fn text(&self, place: u64) -> Option<String> {
        self.text_of(place, LONGEST_TEXT)
    }

    /// A `&'static str`: pointer and length.
    fn text_of(&self, place: u64, longest: u64) -> Option<String> {
        let length = self.image.word(place + 8)?;
        if length > longest || !self.image.budget.spend(usize::try_from(length).ok()?) {
            return None;
        }
        if length == 0 {
            return Some(String::new());
        }
        let bytes = self.image.at(self.pointers.resolve(self.image, place)?, length)?;
        std::str::from_utf8(bytes).ok().map(str::to_owned)
    }

    fn number(&self, address: u64) -> Option<u32> {
        self.image.at(address, 4)?.try_into().ok().map(u32::from_le_bytes)
    }
}

/// The elements of a record section with their addresses.
pub(crate) fn elements<'a, const SIZE: usize>(
    image: &Image<'a>,
    section: &Section<'a>,
    findings: &mut Findings<'_>,
) -> impl Iterator<Item = (u64, &'a [u8; SIZE])> + use<'a, SIZE> {
    let address = section.address;
    // Room for one more, so that no address of a field or of the next element wraps.
    let end = address.checked_add(section.size).and_then(|a| a.checked_add(2 * SIZE as u64));
    let data = image.section_data(section).filter(|d| d.len() % SIZE == 0 && end.is_some());
    if data.is_none() {
        let name = String::from_utf8_lossy(section.name);
        let message = format!("the section `{name}` does not hold whole records");
        findings.add(FindingKey::RecordCorrupt, Some(address), None, message);
    }
    let start = if data.is_some() { address } else { 0 };
    let (elements, _) = data.unwrap_or_default().as_chunks::<SIZE>();
    (start..).step_by(SIZE).zip(elements)
}

/// Whether a trampoline is one aligned quadword of what the macros emit, and leads to its key.
fn check(image: &Image<'_>, t: &Trampoline, key: &Key, findings: &mut Findings<'_>) -> bool {
    let (finding, what) = if !t.address.is_multiple_of(QUADWORD) {
        (FindingKey::TrampMisaligned, "does not lie in one aligned 8 bytes")
    } else {
        let is_right = match t.form {
            Form::Slot => leads_to_slot(image, t.address, key, [PADDING; 2].as_slice()),
            Form::Stub => {
                leads_to_stub(image, t.address, key) && leads_to_slot(image, key.stub, key, &[])
            }
        };
        if is_right {
            return true;
        }
        (FindingKey::TrampBytes, "is not the code that the macros emit")
    };
    let bytes = image.at(t.address, TRAMPOLINE_SIZE as u64).map(hex).unwrap_or_default();
    let (name, source) = named(image, key);
    let mend = finding.mend();
    let message =
        format!("a trampoline {name}{what}: its calls are left alone, bytes{bytes}; {mend}");
    findings.add(finding, Some(t.address), source, message);
    false
}

/// Which key a message is about, and where that stands; nothing where that was said too often.
pub(crate) fn named(image: &Image<'_>, key: &Key) -> (String, Option<Source>) {
    if image.budget.spend(key.module.len() + key.name.len() + key.source.file.len() + 256) {
        (format!("of `{}` ", key.path()), Some(key.source.clone()))
    } else {
        (String::new(), None)
    }
}

/// `size` bytes of code.
pub(crate) fn code<'a>(image: &Image<'a>, address: u64, size: u64) -> Option<&'a [u8]> {
    let section = image.code_section(address)?;
    section.contains(address.checked_add(size - 1)?).then(|| image.at(address, size))?
}

/// `jmp *slot(%rip)` and padding.
fn leads_to_slot(image: &Image<'_>, address: u64, key: &Key, padding: &[u8]) -> bool {
    let Some(bytes) = code(image, address, JMP_MEMORY_LENGTH + padding.len() as u64) else {
        return false;
    };
    let slot = decode_jmp_memory(bytes)
        .map(|d| address.wrapping_add(JMP_MEMORY_LENGTH).wrapping_add_signed(d.into()));
    slot == Some(key.address) && bytes.ends_with(padding)
}

/// `jmp stub` and padding.
fn leads_to_stub(image: &Image<'_>, address: u64, key: &Key) -> bool {
    let Some(bytes) = code(image, address, TRAMPOLINE_SIZE as u64) else { return false };
    let branch = Branch::decode(bytes).filter(|b| b.kind == Kind::Jmp && b.length == 5);
    branch.is_some_and(|b| b.destination(address) == key.stub) && bytes.ends_with(&[PADDING; 3])
}
