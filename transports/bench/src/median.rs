/// The middle one; of an even number, the upper of the two.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn an_outlier_does_not_count() {
        assert!((median([3.0, 1.0, 1000.0]) - 3.0).abs() < f64::EPSILON);
    }

    #[test]
    fn of_nothing_there_is_no_median() {
        assert!(median([]).is_nan());
    }
}
