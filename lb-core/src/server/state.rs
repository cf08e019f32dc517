//! The two states of a server, packed in one atomic word.
//!
//! What its checks found and what its operator wants are orthogonal, as in
//! HAProxy: `set server … state ready` ends a drain or a maintenance and leaves
//! a server that fails its checks DOWN.

use std::fmt;

use crate::sync::{AtomicU8, Ordering};

/// What the checks say.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Operational {
    /// Takes requests.
    #[default]
    Up,
    /// Takes none.
    Down,
    /// Takes only clients that are bound to it: it answers its check with 404
    /// under `disable-on-404` (HAProxy's NOLB).
    Stopping,
}

/// What the operator wants.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Administrative {
    /// As its checks say.
    #[default]
    Ready,
    /// No new clients; those bound to it stay (HAProxy's DRAIN).
    Drain,
    /// Nobody, and no checks (HAProxy's MAINT).
    Maint,
}

impl fmt::Display for Operational {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Up => "UP",
            Self::Down => "DOWN",
            Self::Stopping => "NOLB",
        })
    }
}

impl fmt::Display for Administrative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ready => "READY",
            Self::Drain => "DRAIN",
            Self::Maint => "MAINT",
        })
    }
}

const OPERATIONAL: u8 = 0b0000_0011;
const ADMINISTRATIVE: u8 = 0b0000_1100;

/// Both states in one byte: the word 0 is UP and READY.
#[derive(Debug)]
pub(crate) struct StateWord(AtomicU8);

impl Default for StateWord {
    fn default() -> Self {
        Self(AtomicU8::new(0))
    }
}

impl StateWord {
    pub(crate) fn operational(&self) -> Operational {
        match self.0.load(Ordering::Acquire) & OPERATIONAL {
            0 => Operational::Up,
            1 => Operational::Down,
            _ => Operational::Stopping,
        }
    }

    pub(crate) fn administrative(&self) -> Administrative {
        match self.0.load(Ordering::Acquire) & ADMINISTRATIVE {
            0 => Administrative::Ready,
            0b0100 => Administrative::Drain,
            _ => Administrative::Maint,
        }
    }

    pub(crate) fn takes_new_clients(&self) -> bool {
        self.0.load(Ordering::Acquire) & (OPERATIONAL | ADMINISTRATIVE) == 0
    }

    pub(crate) fn takes_bound_clients(&self) -> bool {
        self.operational() != Operational::Down && self.administrative() != Administrative::Maint
    }

    /// Returns the state before.
    pub(crate) fn set_operational(&self, state: Operational) -> Operational {
        let before = self.operational();
        self.replace(OPERATIONAL, state as u8);
        before
    }

    /// Returns the state before.
    pub(crate) fn set_administrative(&self, state: Administrative) -> Administrative {
        let before = self.administrative();
        self.replace(ADMINISTRATIVE, (state as u8) << 2);
        before
    }

    fn replace(&self, mask: u8, bits: u8) {
        let mut word = self.0.load(Ordering::Relaxed);
        while let Err(now) = self.0.compare_exchange_weak(
            word,
            (word & !mask) | bits,
            Ordering::AcqRel,
            Ordering::Relaxed,
        ) {
            word = now;
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_two_states_do_not_disturb_each_other() {
        let word = StateWord::default();
        for operational in [Operational::Down, Operational::Stopping, Operational::Up] {
            for administrative in [
                Administrative::Maint,
                Administrative::Drain,
                Administrative::Ready,
            ] {
                word.set_operational(operational);
                word.set_administrative(administrative);
                assert_eq!(word.operational(), operational);
                assert_eq!(word.administrative(), administrative);
                assert_eq!(
                    word.takes_new_clients(),
                    operational == Operational::Up && administrative == Administrative::Ready
                );
            }
        }
    }
}
