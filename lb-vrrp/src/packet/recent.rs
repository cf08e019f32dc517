//! A bounded memory of senders.
//!
//! Source addresses can be forged, so there may be any number of them: the one not heard for the
//! longest time makes room.

use std::net::IpAddr;

/// How many senders are remembered. A virtual router has a handful of nodes.
pub(super) const CAPACITY: usize = 32;

#[derive(Clone, Debug)]
pub(super) struct Recent<V> {
    /// The last heard is at the end.
    entries: Vec<(IpAddr, V)>,
}

impl<V> Default for Recent<V> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
        }
    }
}

impl<V> Recent<V> {
    pub(super) fn of(&self, source: IpAddr) -> Option<&V> {
        let entry = self.entries.iter().find(|(known, _)| *known == source);
        entry.map(|(_, value)| value)
    }

    pub(super) fn last(&self) -> Option<&V> {
        self.entries.last().map(|(_, value)| value)
    }

    /// Notes that `source` was heard, and what it said.
    pub(super) fn heard(&mut self, source: IpAddr, value: V) {
        match self.entries.iter().position(|(known, _)| *known == source) {
            Some(at) => drop(self.entries.remove(at)),
            None if self.entries.len() == CAPACITY => drop(self.entries.remove(0)),
            None => {}
        }
        self.entries.push((source, value));
    }

    /// The last heard first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (IpAddr, &V)> {
        self.entries
            .iter()
            .rev()
            .map(|(source, value)| (*source, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(number: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, number])
    }

    #[test]
    fn the_longest_silent_makes_room() {
        let mut recent = Recent::default();
        for number in 0..32 {
            recent.heard(source(number), number);
        }
        recent.heard(source(0), 100);
        recent.heard(source(32), 32);
        assert_eq!(recent.of(source(0)), Some(&100));
        assert_eq!(recent.of(source(1)), None);
        assert_eq!(recent.of(source(2)), Some(&2));
        assert_eq!(recent.last(), Some(&32));
        assert_eq!(recent.iter().count(), CAPACITY);
    }
}
