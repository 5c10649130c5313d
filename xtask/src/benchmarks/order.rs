//! Orders that are drawn.

use crate::generate::Random;

/// Returns the values in an order that is drawn: each order as probable as any other.
pub(super) fn shuffled<T>(mut values: Vec<T>, random: &mut Random) -> Vec<T> {
    for at in (1..values.len()).rev() {
        values.swap(at, random.below(at + 1));
    }
    values
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Random, shuffled};

    #[test]
    fn each_seed_has_an_order_of_its_own() {
        let order = |seed| shuffled(vec!["a", "b", "c"], &mut Random(seed));
        assert_eq!(order(7), order(7));
        let orders: BTreeSet<_> = (0..40).map(order).collect();
        assert_eq!(orders.len(), 6);
        for way in ["a", "b", "c"] {
            let firsts = (0..3000).filter(|&seed| order(seed)[0] == way).count();
            assert!((900..1100).contains(&firsts), "{way} comes first {firsts} times");
        }
    }
}
