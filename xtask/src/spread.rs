//! Medians and quartiles.

/// A median, and the quartiles around it.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub(crate) struct Spread {
    pub(crate) low: f64,
    pub(crate) median: f64,
    pub(crate) high: f64,
}

impl Spread {
    /// Returns the spread of the values, or `None` if there are none.
    pub(crate) fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let at = |quarters: usize| values.get((values.len().checked_sub(1)? * quarters + 2) / 4);
        Some(Self { low: *at(1)?, median: *at(2)?, high: *at(3)? })
    }
}

#[cfg(test)]
mod tests {
    use super::Spread;

    #[test]
    fn medians_and_quartiles() {
        let spread = Spread::of((0..11).map(f64::from).rev().collect()).unwrap();
        assert_eq!(spread, Spread { low: 3.0, median: 5.0, high: 8.0 });
        assert_eq!(Spread::of(vec![7.0]).unwrap(), Spread { low: 7.0, median: 7.0, high: 7.0 });
        assert_eq!(Spread::of(Vec::new()), None);
    }
}
