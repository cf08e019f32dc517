//! What lies between the nodes: loses, delays, doubles and cuts.

use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;

/// How packets travel now.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    whole: bool,
    loss: f64,
    doubled: f64,
    delay: Duration,
    /// From whom to whom nothing comes through.
    cut: Vec<Vec<bool>>,
}

impl Network {
    /// Nothing is lost, and nothing takes longer than `delay`.
    pub(crate) fn whole(nodes: usize, delay: Duration) -> Self {
        Self {
            whole: true,
            loss: 0.0,
            doubled: 0.0,
            delay,
            cut: vec![vec![false; nodes]; nodes],
        }
    }

    /// Whether it was never in trouble since it was whole.
    pub(crate) const fn is_whole(&self) -> bool {
        self.whole
    }

    /// Makes it worse, or otherwise bad. Packets overtake each other where the delay is long.
    pub(crate) fn trouble(&mut self, rng: &mut StdRng, interval: Duration) {
        let nodes = self.cut.len();
        self.whole = false;
        match rng.random_range(0..5) {
            0 => self.loss = rng.random_range(0.0..0.9),
            1 => self.doubled = rng.random_range(0.0..0.5),
            2 => self.delay = interval.mul_f64(rng.random_range(0.01..2.0)),
            3 => {
                // A partition, both ways.
                let side: Vec<bool> = (0..nodes).map(|_| rng.random()).collect();
                for (from, row) in self.cut.iter_mut().enumerate() {
                    for (to, cut) in row.iter_mut().enumerate() {
                        *cut = side[from] != side[to];
                    }
                }
            }
            _ => {
                let [from, to] = [0, 1].map(|_| rng.random_range(0..nodes));
                self.cut[from][to] = !self.cut[from][to];
            }
        }
    }

    /// After how long each copy of a packet arrives.
    pub(crate) fn copies(&self, rng: &mut StdRng, from: usize, to: usize) -> Vec<Duration> {
        if self.cut[from][to] {
            return Vec::new();
        }
        self.open_copies(rng)
    }

    /// As [`copies`](Self::copies), for who is cut off from nobody.
    pub(crate) fn open_copies(&self, rng: &mut StdRng) -> Vec<Duration> {
        let count = 1 + usize::from(rng.random_bool(self.doubled));
        let mut copies = Vec::with_capacity(count);
        for _ in 0..count {
            if !rng.random_bool(self.loss) {
                copies.push(self.delay.mul_f64(rng.random_range(0.05..=1.0)));
            }
        }
        copies
    }

    /// Whether a TCP connection between two nodes stands.
    pub(crate) fn linked(&self, a: usize, b: usize) -> bool {
        !self.cut[a][b] && !self.cut[b][a]
    }
}
