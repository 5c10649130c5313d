//! Names the functions around instructions, from the symbols.

use super::index::Index;
use crate::demangle::demangled;
use crate::elf::image::Image;
use crate::elf::symbols::Symbol;
use crate::sort;

/// Returns the demangled name of the function around each of the sorted `addresses`.
///
/// It is the innermost function that a symbol covers. If a function has several names, it is the
/// first in alphabetical order, so that the linker's order does not matter.
pub(crate) fn names(
    image: &Image<'_>,
    symbols: &[Symbol<'_>],
    addresses: &[u64],
) -> Vec<Option<String>> {
    let mut last: Option<(&[u8], Option<String>)> = None;
    let mut name = |symbol| {
        if last.as_ref().is_none_or(|(known, _)| *known != symbol) {
            let name = demangled(&String::from_utf8_lossy(symbol));
            last = Some((symbol, image.budget.spend(name.len()).then_some(name)));
        }
        let name = last.as_ref().and_then(|(_, name)| name.as_deref());
        name.filter(|name| image.budget.spend(name.len())).map(str::to_owned)
    };
    if addresses.is_empty() {
        return Vec::new();
    }
    around(symbols, addresses).into_iter().map(|symbol| name(symbol?)).collect()
}

/// Returns the name of the innermost function around each address.
fn around<'a>(symbols: &[Symbol<'a>], addresses: &[u64]) -> Vec<Option<&'a [u8]>> {
    let index = Index::new(addresses);
    let mut covering: Vec<(usize, usize, Symbol<'a>)> = Vec::new();
    for s in symbols {
        let end = s.address.checked_add(s.size).filter(|_| s.is_function);
        if let Some(end) = end
            && let Some(first) = index.first_in(s.address, end)
        {
            covering.push((first, index.place(end), *s));
        }
    }
    // Innermost first: it begins after the others, or ends before them.
    sort::by_key(&mut covering, |(_, _, s)| [!s.address, s.size]);
    let mut names = vec![None; addresses.len()];
    // The first address at or after each one that may have no name yet.
    let mut free: Vec<usize> = (0..=addresses.len()).collect();
    for same in covering.chunk_by(|(.., a), (.., b)| (a.address, a.size) == (b.address, b.size)) {
        let Some(&(first, last, _)) = same.first() else { continue };
        let mut at = next(&mut free, first);
        if at >= last {
            continue;
        }
        let name = same.iter().map(|(.., s)| s.name()).min();
        while let Some(place) = names.get_mut(at).filter(|_| at < last) {
            *place = name;
            if let Some(taken) = free.get_mut(at) {
                *taken = at + 1;
            }
            at = next(&mut free, at + 1);
        }
    }
    names
}

/// Returns the first place at or after `at` that is free. Shortens the way there, so that symbols
/// in symbols cost no more than their number.
fn next(free: &mut [usize], mut at: usize) -> usize {
    while let Some(&after) = free.get(at).filter(|after| **after != at) {
        let further = free.get(after).copied().unwrap_or(after);
        if let Some(way) = free.get_mut(at) {
            *way = further;
        }
        at = further;
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use std::cmp::Reverse;

    use super::*;

    const NAMES: &[u8] = b"a\0b\0c\0d\0";

    fn symbol(name: u32, address: u64, size: u64) -> Symbol<'static> {
        Symbol::of_function(NAMES, 2 * name, address, size)
    }

    fn found(symbols: &[Symbol<'static>], addresses: &[u64]) -> String {
        let names = around(symbols, addresses).into_iter();
        names.map(|name| name.map_or('-', |name| char::from(name[0]))).collect()
    }

    #[test]
    fn the_innermost_function_counts() {
        let symbols = [
            symbol(1, 10, 50),
            symbol(2, 20, 10),
            symbol(0, 70, 0),
            symbol(3, 80, 10),
            symbol(0, 80, 10),
            symbol(2, 80, 11),
            symbol(3, u64::MAX, 10),
        ];
        let addresses = [9, 10, 19, 20, 29, 30, 59, 60, 70, 80, 89, 90, 91, u64::MAX];
        assert_eq!(found(&symbols, &addresses), "-bbccbb--aac--");
        assert_eq!(found(&symbols, &[]), "");
        assert_eq!(found(&[], &[1, 1]), "--");
        assert_eq!(found(&symbols, &[20, 20]), "cc");
    }

    proptest! {
        #[test]
        fn as_a_search_of_all_symbols(
            symbols in prop::collection::vec((0..4_u32, 0..60_u64, 0..40_u64), 0..20),
            mut addresses in prop::collection::vec(0..100_u64, 0..40),
        ) {
            addresses.sort_unstable();
            let symbols: Vec<_> = symbols.into_iter().map(|(n, a, s)| symbol(n, a, s)).collect();
            let naive = |&address: &u64| {
                let code = |s: &Symbol<'_>| s.address..s.address + s.size;
                let around = symbols.iter().filter(|s| code(s).contains(&address));
                let best = around.min_by_key(|s| (Reverse(s.address), s.size, s.name()));
                best.map_or('-', |s| char::from(s.name()[0]))
            };
            let expected: String = addresses.iter().map(naive).collect();
            prop_assert_eq!(found(&symbols, &addresses), expected);
        }
    }
}
