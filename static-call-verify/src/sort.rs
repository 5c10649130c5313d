//! Sorting by numbers, and searching what is sorted.
//!
//! Plain loops and indices, no iterators: a link hook is usually built without optimisation, as
//! build scripts are.

/// Sorts by one or two numbers. Elements with the same numbers keep their order.
///
/// For each type, the sort of the standard library is some fifty functions, and the link hook is
/// compiled without optimisation in every build from scratch. Here it sorts one type, and little
/// depends on the elements' type.
pub(crate) fn by_key<T>(all: &mut [T], key: impl Fn(&T) -> [u64; 2]) {
    let mut keys = Vec::with_capacity(all.len());
    for element in &*all {
        keys.push(key(element));
    }
    for (a, b) in swaps(&keys) {
        all.swap(a, b);
    }
}

/// Returns the place of the first element whose number is not below `number`, in elements that are
/// sorted by it.
pub(crate) fn place<T>(all: &[T], number: u64, of: impl Fn(&T) -> u64) -> usize {
    let (mut from, mut to) = (0, all.len());
    while from < to {
        let middle = from + (to - from) / 2;
        if of(&all[middle]) < number {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    from
}

/// Returns the pairs of places to swap, in this order, so that the keys become sorted.
fn swaps(keys: &[[u64; 2]]) -> Vec<(usize, usize)> {
    let mut order = order(keys);
    let mut swaps = Vec::new();
    let mut start = 0;
    while start < order.len() {
        // Each place gets its element from the next one of its cycle.
        let mut place = start;
        loop {
            let from = order[place];
            order[place] = place;
            if from == start || from == place {
                break;
            }
            swaps.push((place, from));
            place = from;
        }
        start += 1;
    }
    swaps
}

/// Returns the places of the keys in ascending order. Merges sorted runs of 1, 2, 4, … keys.
fn order(keys: &[[u64; 2]]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..keys.len()).collect();
    if is_sorted(keys) {
        return order;
    }
    let mut merged = vec![0; keys.len()];
    let mut run = 1;
    while run < keys.len() {
        let mut to = 0;
        while to < keys.len() {
            let middle = if keys.len() - to > run { to + run } else { keys.len() };
            let end = if keys.len() - middle > run { middle + run } else { keys.len() };
            let (mut left, mut right) = (to, middle);
            while to < end {
                let is_left = right == end
                    || left < middle && !is_less(keys[order[right]], keys[order[left]]);
                let next = if is_left { &mut left } else { &mut right };
                merged[to] = order[*next];
                *next += 1;
                to += 1;
            }
        }
        (order, merged) = (merged, order);
        run *= 2;
    }
    order
}

fn is_sorted(keys: &[[u64; 2]]) -> bool {
    let mut i = 1;
    while i < keys.len() {
        if is_less(keys[i], keys[i - 1]) {
            return false;
        }
        i += 1;
    }
    true
}

#[inline(always)]
fn is_less([a, b]: [u64; 2], [c, d]: [u64; 2]) -> bool {
    a < c || a == c && b < d
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{by_key, place};

    proptest! {
        #[test]
        fn as_the_standard_library_sorts(all in prop::collection::vec((0..9_u8, 0..9_u8), 0..99)) {
            let all: Vec<(u8, u8, usize)> = (0..).zip(all).map(|(i, (a, b))| (a, b, i)).collect();
            let (mut own, mut expected) = (all.clone(), all);
            by_key(&mut own, |e| [e.0.into(), e.1.into()]);
            expected.sort_by_key(|e| (e.0, e.1));
            prop_assert_eq!(&own, &expected);
            by_key(&mut own, |e| [0, e.1.into()]);
            expected.sort_by_key(|e| e.1);
            prop_assert_eq!(own, expected);
        }

        #[test]
        fn as_the_standard_library_searches(
            mut all in prop::collection::vec(0..30_u64, 0..20),
            number in 0..31_u64,
        ) {
            all.sort_unstable();
            prop_assert_eq!(place(&all, number, |n| *n), all.partition_point(|n| *n < number));
        }
    }
}
