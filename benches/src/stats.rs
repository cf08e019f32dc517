//! The few statistics of the reports; none of an empty list.

/// The middle figure; of an even number, the mean of the two in the middle.
pub(crate) fn median(figures: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = figures.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    let odd = sorted.len() % 2 == 1;
    Some(if odd {
        upper
    } else {
        f64::midpoint(sorted[middle - 1], upper)
    })
}

/// The least figure.
pub(crate) fn minimum(figures: impl IntoIterator<Item = f64>) -> Option<f64> {
    figures.into_iter().min_by(f64::total_cmp)
}

/// The greatest figure.
pub(crate) fn maximum(figures: impl IntoIterator<Item = f64>) -> Option<f64> {
    figures.into_iter().max_by(f64::total_cmp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_whatever_the_order() {
        assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median([]), None);
    }

    #[test]
    fn the_extremes_are_those_of_the_list() {
        assert_eq!(
            (minimum([2.0, 1.0, 3.0]), maximum([2.0, 3.0, 1.0])),
            (Some(1.0), Some(3.0))
        );
        assert_eq!((minimum([]), maximum([])), (None, None));
    }
}
