//! The least of many changing values, at hand at any time without a lock.
//!
//! A tree in which every node names the smallest leaf below it. A change of a
//! leaf plays the matches on its way to the root anew; the least of all is one
//! load away. Nodes are replaced by compare-and-swap, each tried twice: if both
//! tries fail, somebody else's second one began after our leaf was written and
//! has seen it. (P. Jayanti, "f-arrays: implementation and applications", PODC
//! 2002.) The tag in a node makes every replacement a different value, so a try
//! that read something outdated cannot succeed.

use crate::sync::{AtomicU32, AtomicU64, Ordering};

/// Children of a node. Four: half as many levels as with two, and their values
/// still on few cache lines.
const FAN: usize = 4;

/// A key and, among equal keys, whose came first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    pub(super) key: u32,
    pub(super) since: u32,
}

impl Entry {
    fn pack(self) -> u64 {
        u64::from(self.key) << 32 | u64::from(self.since)
    }

    fn unpack(word: u64) -> Self {
        // The two halves of the word.
        Self {
            key: (word >> 32) as u32,
            since: word as u32,
        }
    }

    /// Smaller key, or equal and earlier; `since` counts round and round.
    fn beats(self, other: Self) -> bool {
        self.key < other.key
            || (self.key == other.key && (self.since.wrapping_sub(other.since) as i32) < 0)
    }
}

/// A node: the position of the smallest leaf below it, and a tag.
#[derive(Clone, Copy)]
struct Winner {
    leaf: u32,
    tag: u32,
}

impl Winner {
    fn pack(self) -> u64 {
        u64::from(self.leaf) << 32 | u64::from(self.tag)
    }

    fn unpack(word: u64) -> Self {
        Self {
            leaf: (word >> 32) as u32,
            tag: word as u32,
        }
    }
}

/// A lock-free tree over a fixed number of keys that knows the smallest.
#[derive(Debug)]
pub(super) struct Tournament {
    leaves: Box<[AtomicU64]>,
    /// From the one above the leaves to the root, each a quarter of the one below.
    levels: Box<[Box<[AtomicU64]>]>,
    clock: AtomicU32,
}

impl Tournament {
    /// `entries` by position, at least one; the next to change does so at `clock`.
    pub(super) fn new(entries: impl Iterator<Item = Entry>, clock: u32) -> Self {
        let leaves: Box<[AtomicU64]> = entries.map(|entry| AtomicU64::new(entry.pack())).collect();
        let mut levels = Vec::new();
        let mut width = leaves.len();
        loop {
            width = width.div_ceil(FAN);
            levels.push((0..width).map(|_| AtomicU64::new(0)).collect());
            if width <= 1 {
                break;
            }
        }
        let tree = Self {
            leaves,
            levels: levels.into_boxed_slice(),
            clock: AtomicU32::new(clock),
        };
        for level in 0..tree.levels.len() {
            for node in 0..tree.levels[level].len() {
                tree.replay(level, node);
            }
        }
        tree
    }

    /// When the next change comes, in changes.
    pub(super) fn clock(&self) -> u32 {
        self.clock.load(Ordering::Relaxed)
    }

    /// When the key at `position` changed last.
    pub(super) fn since(&self, position: usize) -> u32 {
        Entry::unpack(self.leaves[position].load(Ordering::Relaxed)).since
    }

    /// The position of the smallest key, and the key.
    pub(super) fn least(&self) -> (usize, u32) {
        let root = &self.levels[self.levels.len() - 1][0];
        let leaf = Winner::unpack(root.load(Ordering::Acquire)).leaf;
        (leaf as usize, self.entry(leaf).key)
    }

    /// The smallest key among the positions that `may` allows, by looking at all.
    pub(super) fn least_of(&self, mut may: impl FnMut(usize) -> bool) -> Option<usize> {
        let mut best: Option<(usize, Entry)> = None;
        for (position, leaf) in self.leaves.iter().enumerate() {
            let entry = Entry::unpack(leaf.load(Ordering::Relaxed));
            if best.is_none_or(|(_, best)| entry.beats(best)) && may(position) {
                best = Some((position, entry));
            }
        }
        best.map(|(position, _)| position)
    }

    /// The key at `position` has changed to what `key` returns, which is asked
    /// again until it stays the same; it goes behind all that are equal.
    pub(super) fn update(&self, position: usize, mut key: impl FnMut() -> u32) {
        let since = self.clock.fetch_add(1, Ordering::Relaxed);
        let mut current = key();
        loop {
            // A swap and not a store: it sees the change behind the value it
            // replaces, so the last of several threads leaves the newest key.
            self.leaves[position].swap(
                Entry {
                    key: current,
                    since,
                }
                .pack(),
                Ordering::AcqRel,
            );
            let again = key();
            if again == current {
                break;
            }
            current = again;
        }
        let mut node = position;
        for level in 0..self.levels.len() {
            node /= FAN;
            if self.settle(level, node, position) {
                break;
            }
        }
    }

    /// Plays a node's match twice at most; true if nothing above can depend on
    /// the leaf that changed, since another won here before and after.
    fn settle(&self, level: usize, node: usize, changed: usize) -> bool {
        for _ in 0..2 {
            if let Some((before, after)) = self.replay(level, node) {
                return before == after && after as usize != changed;
            }
        }
        false
    }

    /// Plays a node's match once; the winners before and after, or `None` if
    /// somebody else came first.
    fn replay(&self, level: usize, node: usize) -> Option<(u32, u32)> {
        let cell = &self.levels[level][node];
        let before = cell.load(Ordering::Acquire);
        let Winner { leaf, tag } = Winner::unpack(before);
        let winner = self.play(level, node);
        let after = Winner {
            leaf: winner,
            tag: tag.wrapping_add(1),
        };
        cell.compare_exchange(before, after.pack(), Ordering::AcqRel, Ordering::Relaxed)
            .ok()
            .map(|_| (leaf, winner))
    }

    fn play(&self, level: usize, node: usize) -> u32 {
        let first = node * FAN;
        let below = level.checked_sub(1).map(|level| &self.levels[level]);
        let width = below.map_or(self.leaves.len(), |below| below.len());
        let contestant = |child: usize| match below {
            Some(nodes) => Winner::unpack(nodes[child].load(Ordering::Acquire)).leaf,
            // Positions of servers fit in u32.
            None => child as u32,
        };
        let mut best = contestant(first);
        let mut entry = self.entry(best);
        for child in first + 1..(first + FAN).min(width) {
            let leaf = contestant(child);
            let other = self.entry(leaf);
            if other.beats(entry) {
                (best, entry) = (leaf, other);
            }
        }
        best
    }

    fn entry(&self, leaf: u32) -> Entry {
        Entry::unpack(self.leaves[leaf as usize].load(Ordering::Acquire))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::{sync::Barrier, thread};

    use rand::{RngExt, SeedableRng, rngs::SmallRng};

    use super::*;

    fn tree(keys: &[u32]) -> Tournament {
        let entries = (0..).zip(keys).map(|(since, &key)| Entry { key, since });
        Tournament::new(entries, keys.len() as u32)
    }

    #[test]
    fn equal_keys_take_turns_also_when_the_clock_wraps() {
        let tree = tree(&[0; 3]);
        tree.clock.store(u32::MAX - 4, Ordering::Relaxed);
        for position in 0..3 {
            tree.update(position, || 0);
        }
        let turns: Vec<_> = (0..9)
            .map(|_| {
                let (position, _) = tree.least();
                tree.update(position, || 0);
                position
            })
            .collect();
        assert_eq!(turns, [0, 1, 2, 0, 1, 2, 0, 1, 2]);
    }

    #[test]
    fn the_root_is_the_least_after_every_change() {
        let mut rng = SmallRng::seed_from_u64(7);
        for count in [1, 2, 4, 5, 16, 17, 100, 1000] {
            let mut keys = vec![9; count];
            let tree = tree(&keys);
            for _ in 0..2000 {
                let position = rng.random_range(0..count);
                keys[position] = rng.random_range(0..50);
                tree.update(position, || keys[position]);
                let (least, key) = tree.least();
                assert_eq!(Some(&key), keys.iter().min());
                assert_eq!(keys[least], key);
            }
        }
    }

    /// Threads change keys, the same ones and different ones; as soon as all are
    /// quiet the root must be right.
    #[test]
    fn the_root_is_the_least_when_threads_are_quiet() {
        const THREADS: u64 = 4;
        const ROUNDS: u64 = 300;
        for count in [2, 5, 21, 100] {
            let keys: Vec<AtomicU32> = (0..count).map(|_| AtomicU32::new(1000)).collect();
            let tree = tree(&vec![1000; count]);
            let barrier = Barrier::new(THREADS as usize);
            thread::scope(|scope| {
                for thread in 0..THREADS {
                    let (keys, tree, barrier) = (&keys, &tree, &barrier);
                    scope.spawn(move || {
                        let mut rng = SmallRng::seed_from_u64(thread);
                        for _ in 0..ROUNDS {
                            for _ in 0..20 {
                                let position = rng.random_range(0..count);
                                keys[position].fetch_add(
                                    rng.random_range(-3i32..=3) as u32,
                                    Ordering::SeqCst,
                                );
                                tree.update(position, || keys[position].load(Ordering::Relaxed));
                            }
                            barrier.wait();
                            let (position, key) = tree.least();
                            let keys = keys.iter().map(|key| key.load(Ordering::SeqCst));
                            assert_eq!(keys.clone().nth(position), Some(key));
                            assert_eq!(keys.min(), Some(key));
                            barrier.wait();
                        }
                    });
                }
            });
        }
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use loom::{sync::Arc, thread};

    use super::*;

    /// Every interleaving of two changes: of two leaves, and of one.
    #[test]
    fn the_root_is_the_least_when_threads_are_quiet() {
        for positions in [[0, 1], [1, 1]] {
            loom::model(move || {
                let keys = Arc::new([AtomicU32::new(5), AtomicU32::new(6)]);
                let entries = [5, 6].map(|key| Entry { key, since: key });
                let tree = Arc::new(Tournament::new(entries.into_iter(), 7));
                let change = |position: usize, key: u32| {
                    let (keys, tree) = (keys.clone(), tree.clone());
                    thread::spawn(move || {
                        keys[position].fetch_add(key, Ordering::SeqCst);
                        tree.update(position, || keys[position].load(Ordering::Relaxed));
                    })
                };
                let threads = [change(positions[0], 4), change(positions[1], 1)];
                for thread in threads {
                    thread.join().unwrap();
                }
                let (position, key) = tree.least();
                let now = [&keys[0], &keys[1]].map(|key| key.load(Ordering::SeqCst));
                assert_eq!(key, now[position]);
                assert_eq!(key, now[0].min(now[1]));
            });
        }
    }
}
