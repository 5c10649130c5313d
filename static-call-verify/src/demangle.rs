//! Names of symbols as people write them, with a bound on their length: a symbol of a dozen bytes
//! can expand to a megabyte.

use std::fmt::{self, Write};

/// Longest name, in bytes.
const LONGEST: usize = 4096;

/// Returns the demangled name of a symbol, without the compiler's hash. A very long name is cut
/// off.
pub(crate) fn demangled(symbol: &str) -> String {
    let mut name = Bounded(String::new());
    // An error means that the name was cut off.
    let _ = write!(name, "{:#}", rustc_demangle::demangle(symbol));
    name.0
}

struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let fits = self.0.len().saturating_add(text.len()) <= LONGEST;
        if !fits {
            self.0.push('…');
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_demangled() {
        let legacy = "_ZN3app8checksum17h0123456789abcdefE";
        for (symbol, name) in
            [(legacy, "app::checksum"), ("_RNvC3app4main", "app::main"), ("main", "main")]
        {
            assert_eq!(demangled(symbol), name);
        }
    }

    #[test]
    fn a_few_bytes_that_expand_to_a_megabyte() {
        let symbol = "_RMC0FGZZZ_Eu";
        assert!(format!("{:#}", rustc_demangle::demangle(symbol)).len() > 900_000);
        let name = demangled(symbol);
        assert!(name.len() <= LONGEST + '…'.len_utf8() && name.ends_with('…'), "{}", name.len());
        let long = "n".repeat(LONGEST + 1);
        assert_eq!(demangled(&long), "…");
        assert_eq!(demangled(&long[1..]), long[1..]);
    }
}
