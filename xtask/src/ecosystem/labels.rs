//! An oracle for jump labels, which shares no code with the verifier: reads their records, and
//! finds the instructions in the output of objdump.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use object::{File, Object, ObjectSection};
use static_call_verify::report::Report;

use crate::run::{Result, output};

const RECORDS: &str = "static_call_0_1_labels";
/// Two addresses relative to themselves, of the label and of its test, and 16 more bytes.
const RECORD: usize = 24;

/// Compares the labels of a report with the records, and each of them with the instruction that
/// objdump finds there: a jump of five bytes in one quadword, to the test. Returns the number
/// of instructions that objdump printed.
pub(super) fn compare(image: &Path, report: &Report) -> Result<usize> {
    let by_record = records(&fs::read(image)?)?;
    let by_verifier: BTreeMap<_, _> = report.labels.iter().map(|l| (l.address, l.test)).collect();
    if by_record != by_verifier || report.labels.iter().any(|label| !label.is_sound) {
        return Err(format!(
            "labels differ: {} records, {} found by the verifier",
            by_record.len(),
            by_verifier.len()
        )
        .into());
    }
    let mut command = Command::new("objdump");
    command.args(["--disassemble", "--insn-width=15"]).arg(image).env("LC_ALL", "C");
    agree(&by_record, &output(&mut command)?)
}

fn records(image: &[u8]) -> Result<BTreeMap<u64, u64>> {
    let file = File::parse(image)?;
    let mut labels = BTreeMap::new();
    for section in file.sections().filter(|s| s.name() == Ok(RECORDS)) {
        for (n, record) in section.data()?.chunks_exact(RECORD).enumerate() {
            let field = |offset: usize| -> Option<u64> {
                let relative = record.get(offset..offset + 4)?.try_into().ok()?;
                let place = section.address() + (n * RECORD + offset) as u64;
                Some(place.wrapping_add_signed(i32::from_le_bytes(relative).into()))
            };
            labels.extend(field(0).zip(field(4)));
        }
    }
    Ok(labels)
}

/// Returns the number of instructions that were printed, if those at labels are such jumps.
fn agree(labels: &BTreeMap<u64, u64>, printed: &str) -> Result<usize> {
    let (mut instructions, mut jumps) = (0, 0);
    for (address, rest) in printed.lines().filter_map(instruction) {
        instructions += 1;
        let Some(test) = labels.get(&address) else { continue };
        let (bytes, text) = rest.split_once('\t').unwrap_or_default();
        let (bytes, mut words) = (bytes.split_whitespace().count(), text.split_whitespace());
        let to = (words.next(), words.next().and_then(hex));
        if bytes != 5 || address % 8 > 3 || to != (Some("jmp"), Some(*test)) {
            return Err(format!("{address:#x} is no label to {test:#x}: {text}").into());
        }
        jumps += 1;
    }
    if jumps != labels.len() {
        return Err(format!("objdump prints {jumps} of {} labels", labels.len()).into());
    }
    Ok(instructions)
}

/// Returns the address of `  401000:\te9 fb 0f 00 00\tjmp …`, and its other columns.
fn instruction(line: &str) -> Option<(u64, &str)> {
    let (address, rest) = line.split_once(":\t")?;
    Some((hex(address.trim_start())?, rest))
}

fn hex(digits: &str) -> Option<u64> {
    u64::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::agree;

    #[test]
    fn each_label_is_a_jump_to_its_test() {
        let printed = "  401000:\te9 fb 0f 00 00       \tjmp    402000 <main+0x10>\n\
                       \x20 401005:\teb 10                \tjmp    401017 <main+0x17>\n";
        let labels = |address, test| [(address, test)].into();
        assert_eq!(agree(&labels(0x401000, 0x402000), printed).unwrap(), 2);
        for (address, test) in [(0x401000, 0x402001), (0x401001, 0x402000)] {
            assert!(agree(&labels(address, test), printed).is_err());
        }
        let short = printed.replace("401005:", "401008:");
        assert!(agree(&labels(0x401008, 0x401017), &short).is_err());
        let crossing = printed.replace("401000:", "401004:");
        assert!(agree(&labels(0x401004, 0x402000), &crossing).is_err());
    }
}
