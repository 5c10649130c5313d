//! Sorting by numbers.

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

/// Returns the pairs of places to swap, in this order, so that the keys become sorted.
fn swaps(keys: &[[u64; 2]]) -> Vec<(usize, usize)> {
    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_unstable_by_key(|&i| (keys.get(i), i));
    let mut swaps = Vec::new();
    for start in 0..order.len() {
        // Each place gets its element from the next one of its cycle.
        let mut place = start;
        while let Some(from) = order.get_mut(place) {
            let from = std::mem::replace(from, place);
            if from == start || from == place {
                break;
            }
            swaps.push((place, from));
            place = from;
        }
    }
    swaps
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::by_key;

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
    }
}
