//! What the ratios of cases have to be.

/// What the ratio of a case has to be.
#[derive(Debug, Clone, Copy)]
pub struct Goal {
    /// The case, with the name of its quantity.
    pub case: &'static str,
    /// The limit of the ratio.
    pub limit: Limit,
}

/// The limit of a ratio.
#[derive(Debug, Clone, Copy)]
pub enum Limit {
    /// It is at least this: more is better.
    AtLeast(f64),
    /// It is at most this: less is better.
    AtMost(f64),
}

impl Goal {
    /// A case has at least this ratio: more is better.
    #[must_use]
    pub const fn at_least(case: &'static str, ratio: f64) -> Self {
        Self { case, limit: Limit::AtLeast(ratio) }
    }

    /// A case has at most this ratio: less is better.
    #[must_use]
    pub const fn at_most(case: &'static str, ratio: f64) -> Self {
        Self { case, limit: Limit::AtMost(ratio) }
    }

    /// Returns what is wrong with the ratio of the case; `None` if it was not measured, or is right.
    pub(crate) fn missed(&self, ratios: &[(String, f64)]) -> Option<String> {
        let (_, ratio) = ratios.iter().find(|(case, _)| case == self.case)?;
        let (is_met, how, limit) = match self.limit {
            Limit::AtLeast(limit) => (*ratio >= limit, "at least", limit),
            Limit::AtMost(limit) => (*ratio <= limit, "at most", limit),
        };
        (!is_met).then(|| format!("{}: {ratio:.2}, not {how} {limit}", self.case))
    }
}

#[cfg(test)]
mod tests {
    use super::{Goal, Limit};

    #[test]
    fn only_a_measured_ratio_can_miss_it() {
        let ratios = [("rate".to_owned(), 1.2), ("mean".to_owned(), 0.9)];
        let missed = |case, limit| Goal { case, limit }.missed(&ratios);
        assert_eq!(missed("rate", Limit::AtLeast(1.2)), None);
        assert_eq!(missed("mean", Limit::AtMost(0.9)), None);
        assert_eq!(missed("other", Limit::AtLeast(9.0)), None);
        let text = missed("rate", Limit::AtLeast(1.5));
        assert_eq!(text.as_deref(), Some("rate: 1.20, not at least 1.5"));
        let text = missed("mean", Limit::AtMost(0.5));
        assert_eq!(text.as_deref(), Some("mean: 0.90, not at most 0.5"));
    }
}
