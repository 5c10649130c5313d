//! The machine code of functions of this process, in readable form.

use std::fmt::Write as _;
use std::fs;

use iced_x86::{Decoder, DecoderOptions, Formatter, Instruction, IntelFormatter, OpKind};
use object::{Object, ObjectSymbol};

/// The functions of this executable, by their symbols.
pub struct Symbols {
    /// Address in memory, size and name without its hash; sorted.
    all: Vec<(u64, u64, String)>,
}

impl Symbols {
    /// Reads the symbols of this executable.
    pub fn read() -> Self {
        let exe = std::env::current_exe().unwrap();
        let bytes = fs::read(&exe).unwrap();
        let file = object::File::parse(&*bytes).unwrap();
        let first = super::mappings().into_iter().find(|m| m.file == exe.to_string_lossy());
        let start = first.expect("a mapping of this executable").start as u64;
        let mut all: Vec<_> = file
            .symbols()
            .filter(|s| s.kind() == object::SymbolKind::Text && s.size() > 0)
            .filter_map(|s| {
                let name = format!("{:#}", rustc_demangle::demangle(s.name().ok()?));
                Some((start + s.address(), s.size(), name))
            })
            .collect();
        all.sort();
        Self { all }
    }

    /// Returns the size of the function that starts at `address`.
    fn size(&self, address: u64) -> u64 {
        self.all.iter().find(|s| s.0 == address).expect("a function's symbol").1
    }

    fn name(&self, address: u64) -> Option<&str> {
        self.all.iter().find(|s| s.0 == address).map(|s| &*s.2)
    }
}

/// Returns a function's current instructions, without the padding after it.
pub fn instructions(symbols: &Symbols, function: *const ()) -> Vec<Instruction> {
    let address = function.addr() as u64;
    let bytes = super::read(function.addr(), symbols.size(address) as usize);
    Decoder::with_ip(64, &bytes, address, DecoderOptions::NONE).into_iter().collect()
}

/// Formats instructions. Jumps inside the function name the line number that they lead to, other
/// branches name the function, and data is `[…]`.
pub fn text(symbols: &Symbols, instructions: &[Instruction]) -> String {
    let mut formatter = IntelFormatter::new();
    let mut text = String::new();
    for instruction in instructions {
        let mut line = String::new();
        if instruction.op_count() > 0 && instruction.op0_kind() == OpKind::NearBranch64 {
            let to = instruction.near_branch_target();
            formatter.format_mnemonic(instruction, &mut line);
            let inside = instructions.iter().position(|i| i.ip() == to);
            let name = match inside {
                Some(line) => format!("line {}", line + 1),
                None => symbols.name(to).unwrap_or("?").to_owned(),
            };
            write!(line, " {name}").unwrap();
        } else if instruction.is_ip_rel_memory_operand() {
            formatter.format_mnemonic(instruction, &mut line);
            line += " […]";
        } else {
            formatter.format(instruction, &mut line);
        }
        writeln!(text, "{line}").unwrap();
    }
    text
}
