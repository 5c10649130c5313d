//! Median and quartiles, which summarise a few hundred samples.

/// Median and quartiles: half, a quarter and three quarters of the samples are smaller.
pub(crate) struct Spread {
    pub(crate) lower: f64,
    pub(crate) median: f64,
    pub(crate) upper: f64,
}

impl Spread {
    /// Returns the spread of `samples`, or NaN if there are none.
    pub(crate) fn of(samples: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = samples.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let at = |quarters| sorted.get(sorted.len() * quarters / 4).copied().unwrap_or(f64::NAN);
        Self { lower: at(1), median: at(2), upper: at(3) }
    }
}

#[cfg(test)]
mod tests {
    use super::Spread;

    #[test]
    fn quartiles_of_shuffled_samples() {
        let spread = Spread::of([4.0, 1.0, 3.0, 5.0, 2.0]);
        assert_eq!((spread.lower, spread.median, spread.upper), (2.0, 3.0, 4.0));
        assert!(Spread::of([]).median.is_nan());
    }
}
