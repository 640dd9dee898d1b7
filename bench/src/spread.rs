//! The median and the extremes of figures.

/// The middle of some figures, and their extremes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    /// The median.
    pub(crate) median: f64,
    /// The least.
    pub(crate) least: f64,
    /// The greatest.
    pub(crate) greatest: f64,
}

impl Spread {
    /// Of these figures; `None` without any.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (least, greatest) = (*sorted.first()?, *sorted.last()?);
        let upper = *sorted.get(sorted.len() / 2)?;
        let median = if sorted.len().is_multiple_of(2) {
            f64::midpoint(*sorted.get(sorted.len() / 2 - 1)?, upper)
        } else {
            upper
        };
        Some(Self {
            median,
            least,
            greatest,
        })
    }
}
