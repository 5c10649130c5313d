//! Finds places in many sorted numbers fast.
//!
//! A binary search takes a dozen steps, of which each is slow where a link hook is built without
//! optimisation, and there is one for every symbol of an image.

use crate::sort;

/// Sorted numbers, divided into parts of the same size.
#[derive(Debug)]
pub(super) struct Index<'n> {
    numbers: &'n [u64],
    first: u64,
    shift: u32,
    /// Where each part begins, and where the last one ends.
    parts: Vec<usize>,
}

impl<'n> Index<'n> {
    pub(super) fn new(numbers: &'n [u64]) -> Self {
        let first = numbers.first().copied().unwrap_or_default();
        let size = numbers.last().copied().unwrap_or_default() - first;
        let mut shift = 0;
        while size >> shift > numbers.len() as u64 {
            shift += 1;
        }
        let mut parts = Vec::new();
        for (i, number) in numbers.iter().enumerate() {
            while parts.len() as u64 <= (number - first) >> shift {
                parts.push(i);
            }
        }
        parts.push(numbers.len());
        Self { numbers, first, shift, parts }
    }

    /// Returns the place of the first number that is not below this one.
    pub(super) fn place(&self, number: u64) -> usize {
        if number <= self.first {
            return 0;
        }
        let part = (number - self.first) >> self.shift;
        if part >= self.parts.len() as u64 - 1 {
            return self.numbers.len();
        }
        let (from, to) = (self.parts[part as usize], self.parts[part as usize + 1]);
        from + sort::place(&self.numbers[from..to], number, |n| *n)
    }

    /// Returns the place of the first number in a range.
    pub(super) fn first_in(&self, start: u64, end: u64) -> Option<usize> {
        let place = self.place(start);
        (place < self.numbers.len() && self.numbers[place] < end).then_some(place)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn as_a_binary_search(
            factor in prop::sample::select(vec![1, 3, 1000, u64::MAX / 60]),
            mut numbers in prop::collection::vec(0..60_u64, 0..30),
            sought in (0..61_u64, 0..61_u64),
        ) {
            numbers.sort_unstable();
            numbers.iter_mut().for_each(|n| *n *= factor);
            let index = Index::new(&numbers);
            let [start, end] = [sought.0, sought.1].map(|n| n.saturating_mul(factor));
            for number in [start.saturating_sub(1), start, start.saturating_add(1)] {
                let expected = numbers.partition_point(|n| *n < number);
                prop_assert_eq!(index.place(number), expected);
            }
            let expected = numbers.iter().position(|n| (start..end).contains(n));
            prop_assert_eq!(index.first_in(start, end), expected);
        }
    }
}
