//! Witnesses as they are configured.

use std::net::IpAddr;
use std::time::Duration;

use thiserror::Error;

use super::Watch;

/// How a target is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// By ARP or neighbour solicitation: targets on the interface's own network, which answer
    /// whatever their firewall says. Asked by the owner of the [`Watch`].
    #[default]
    Arp,
    /// By ICMP echo.
    Ping,
}

/// Targets, and how many of them must answer. [`watch`](Self::watch) asks them.
#[derive(Clone, Debug)]
pub struct Witness {
    targets: Vec<IpAddr>,
    mode: Mode,
    min_up: usize,
    interval: Duration,
    timeout: Duration,
}

impl Witness {
    /// Begins with no target.
    pub fn builder() -> WitnessBuilder {
        WitnessBuilder {
            targets: Vec::new(),
            mode: Mode::default(),
            min_up: 1,
            interval: Duration::from_secs(1),
            timeout: Duration::from_millis(500),
        }
    }

    /// Asks the targets through `interface`, from its first poll on.
    pub fn watch(&self, interface: impl Into<String>) -> Watch {
        Watch::new(self.clone(), interface.into())
    }

    /// Who is asked.
    pub fn targets(&self) -> &[IpAddr] {
        &self.targets
    }

    /// How they are asked.
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    pub(super) const fn min_up(&self) -> usize {
        self.min_up
    }

    pub(super) const fn interval(&self) -> Duration {
        self.interval
    }

    pub(super) const fn timeout(&self) -> Duration {
        self.timeout
    }
}

/// Builds a [`Witness`].
#[derive(Clone, Debug)]
#[must_use = "nothing is checked before `build`"]
pub struct WitnessBuilder {
    targets: Vec<IpAddr>,
    mode: Mode,
    min_up: usize,
    interval: Duration,
    timeout: Duration,
}

impl WitnessBuilder {
    /// Adds a target.
    pub fn target(mut self, target: impl Into<IpAddr>) -> Self {
        self.targets.push(target.into());
        self
    }

    /// How they are asked, [`Mode::Arp`] by default.
    pub const fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// How many must answer, 1 by default.
    pub const fn min_up(mut self, min_up: usize) -> Self {
        self.min_up = min_up;
        self
    }

    /// The time from one question to the next, 1 s by default.
    pub const fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// How long an answer may take, 500 ms by default; at most the interval.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Checks all of it.
    ///
    /// # Errors
    /// The first value that cannot be.
    pub fn build(self) -> Result<Witness, WitnessError> {
        for (at, &target) in self.targets.iter().enumerate() {
            if target.is_unspecified() || target.is_multicast() || target.is_loopback() {
                return Err(WitnessError::Target(target));
            }
            if self.targets[..at].contains(&target) {
                return Err(WitnessError::Twice(target));
            }
        }
        let targets = self.targets.len();
        if targets == 0 {
            return Err(WitnessError::NoTargets);
        }
        if self.min_up == 0 || self.min_up > targets {
            let min_up = self.min_up;
            return Err(WitnessError::MinUp { min_up, targets });
        }
        if self.interval.is_zero() {
            return Err(WitnessError::Interval);
        }
        if self.timeout.is_zero() || self.timeout > self.interval {
            return Err(WitnessError::Timeout);
        }
        Ok(Witness {
            targets: self.targets,
            mode: self.mode,
            min_up: self.min_up,
            interval: self.interval,
            timeout: self.timeout,
        })
    }
}

/// A witness that cannot be; each variant is of one key of its configuration.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WitnessError {
    /// `targets`: none.
    #[error("a witness needs at least one target")]
    NoTargets,
    /// `targets`: no other host has it.
    #[error("{0} is no address of another host")]
    Target(IpAddr),
    /// `targets`: one answer would count as two.
    #[error("{0} is a target twice")]
    Twice(IpAddr),
    /// `min_up`.
    #[error("min_up {min_up} is not from 1 to {targets}, the number of targets")]
    MinUp {
        /// As it was given.
        min_up: usize,
        /// How many there are.
        targets: usize,
    },
    /// `interval`.
    #[error("the interval must be longer than 0")]
    Interval,
    /// `timeout`.
    #[error("the timeout must be longer than 0 and at most the interval")]
    Timeout,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_said() {
        let ok = || Witness::builder().target([192, 0, 2, 1]);
        assert!(ok().build().is_ok());
        let error = |builder: WitnessBuilder| builder.build().unwrap_err().to_string();
        let none = error(Witness::builder());
        assert_eq!(none, "a witness needs at least one target");
        for own in [[0, 0, 0, 0], [127, 0, 0, 1], [224, 0, 0, 18]] {
            assert!(error(ok().target(own)).ends_with("is no address of another host"));
        }
        let twice = error(ok().target([192, 0, 2, 1]));
        assert_eq!(twice, "192.0.2.1 is a target twice");
        for min_up in [0, 2] {
            let expected = format!("min_up {min_up} is not from 1 to 1, the number of targets");
            assert_eq!(error(ok().min_up(min_up)), expected);
        }
        assert!(ok().interval(Duration::ZERO).build().is_err());
        assert!(ok().timeout(Duration::ZERO).build().is_err());
        assert!(ok().timeout(Duration::from_millis(1001)).build().is_err());
    }
}
