//! Many ranges of numbers as one sorted list, so that a look-up is a binary search.

/// Ranges, both ends included, sorted and disjoint.
#[derive(Debug, Clone)]
pub(super) struct RangeSet<T>(Box<[(T, T)]>);

impl<T: Ord + Copy> RangeSet<T> {
    pub(super) fn new(mut ranges: Vec<(T, T)>) -> Self {
        ranges.sort_unstable();
        let mut merged: Vec<(T, T)> = Vec::with_capacity(ranges.len());
        for (low, high) in ranges {
            match merged.last_mut() {
                Some(last) if low <= last.1 => last.1 = last.1.max(high),
                _ => merged.push((low, high)),
            }
        }
        Self(merged.into_boxed_slice())
    }

    pub(super) fn contains(&self, value: T) -> bool {
        let after = self.0.partition_point(|range| range.0 <= value);
        after > 0 && value <= self.0[after - 1].1
    }
}
