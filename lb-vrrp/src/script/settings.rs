//! One check script as it is configured: `vrrp_script`.

use std::ffi::OsString;
use std::num::NonZeroU32;
use std::time::Duration;

use thiserror::Error;

use super::{Checker, Counter, Program, ProgramError, User, UserError};

/// A check script that can be run. [`checker`](Self::checker) runs it.
#[derive(Clone, Debug)]
pub struct Script {
    name: String,
    program: Program,
    interval: Duration,
    timeout: Duration,
    rise: NonZeroU32,
    fall: NonZeroU32,
    weight: i16,
    init_fail: bool,
}

impl Script {
    /// Begins with a name for the log and an argument list; its first is an absolute path.
    pub fn builder(
        name: impl Into<String>,
        command: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> ScriptBuilder {
        ScriptBuilder {
            name: name.into(),
            command: command.into_iter().map(Into::into).collect(),
            interval: Duration::from_secs(1),
            timeout: None,
            rise: 1,
            fall: 1,
            weight: 0,
            user: None,
            init_fail: false,
        }
    }

    /// Runs it again and again, from its first poll on.
    pub fn checker(&self) -> Checker {
        Checker::new(self.clone())
    }

    /// Its name in configuration and log.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What a failure (below 0) takes from the priority or a success (above 0) adds to it; 0: a
    /// failure is a fault.
    pub const fn weight(&self) -> i16 {
        self.weight
    }

    /// The time from the start of one run to the start of the next.
    pub const fn interval(&self) -> Duration {
        self.interval
    }

    pub(super) const fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(super) const fn program(&self) -> &Program {
        &self.program
    }

    pub(super) fn counter(&self) -> Counter {
        Counter::new(self.rise, self.fall, self.init_fail)
    }
}

/// Builds a [`Script`].
#[derive(Clone, Debug)]
#[must_use = "nothing is checked before `build`"]
pub struct ScriptBuilder {
    name: String,
    command: Vec<OsString>,
    interval: Duration,
    timeout: Option<Duration>,
    rise: u32,
    fall: u32,
    weight: i32,
    user: Option<String>,
    init_fail: bool,
}

impl ScriptBuilder {
    /// The time from the start of one run to the start of the next, 1 s by default.
    pub const fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// How long a run may take before it is ended and has failed; the interval by default.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Successes in a row that make it OK, 1 by default.
    pub const fn rise(mut self, rise: u32) -> Self {
        self.rise = rise;
        self
    }

    /// Failures in a row that make it failed, 1 by default.
    pub const fn fall(mut self, fall: u32) -> Self {
        self.fall = fall;
        self
    }

    /// -253 to 253, 0 by default; see [`Script::weight`].
    pub const fn weight(mut self, weight: i32) -> Self {
        self.weight = weight;
        self
    }

    /// Whom it runs as, in [`User`]'s words; the process's own user by default.
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Starts failed, and needs `rise` successes to be OK.
    pub const fn init_fail(mut self, init_fail: bool) -> Self {
        self.init_fail = init_fail;
        self
    }

    /// Checks all of it.
    ///
    /// # Errors
    /// The first value that cannot be.
    pub fn build(self) -> Result<Script, ScriptError> {
        let timeout = self.timeout.unwrap_or(self.interval);
        if self.interval.is_zero() {
            return Err(ScriptError::Interval);
        }
        if timeout.is_zero() {
            return Err(ScriptError::Timeout);
        }
        let weight = i16::try_from(self.weight)
            .ok()
            .filter(|weight| (-253..=253).contains(weight))
            .ok_or(ScriptError::Weight(self.weight))?;
        let user = self.user.map(|user| user.parse::<User>()).transpose()?;
        Ok(Script {
            rise: NonZeroU32::new(self.rise).ok_or(ScriptError::Rise)?,
            fall: NonZeroU32::new(self.fall).ok_or(ScriptError::Fall)?,
            program: Program::new(self.command, user)?,
            name: self.name,
            interval: self.interval,
            timeout,
            weight,
            init_fail: self.init_fail,
        })
    }
}

/// A script that cannot be; each variant is one key of its configuration.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ScriptError {
    /// `command`.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// `user`.
    #[error(transparent)]
    User(#[from] UserError),
    /// `interval`.
    #[error("the interval must be longer than 0")]
    Interval,
    /// `timeout`.
    #[error("the timeout must be longer than 0")]
    Timeout,
    /// `rise`.
    #[error("rise must be at least 1")]
    Rise,
    /// `fall`.
    #[error("fall must be at least 1")]
    Fall,
    /// `weight`.
    #[error("weight {0} is not from -253 to 253")]
    Weight(i32),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh() -> ScriptBuilder {
        Script::builder("x", ["/bin/sh", "-c", "true"])
    }

    #[test]
    fn each_key_has_its_range() {
        let script = sh().interval(Duration::from_secs(3)).build().unwrap();
        assert_eq!(script.timeout(), Duration::from_secs(3));
        assert_eq!(sh().weight(-253).build().unwrap().weight(), -253);
        let error = |builder: ScriptBuilder| builder.build().unwrap_err();
        for weight in [254, -254, 65_536] {
            assert!(matches!(error(sh().weight(weight)), ScriptError::Weight(w) if w == weight));
        }
        assert!(matches!(error(sh().rise(0)), ScriptError::Rise));
        assert!(matches!(error(sh().fall(0)), ScriptError::Fall));
        assert!(matches!(
            error(sh().interval(Duration::ZERO)),
            ScriptError::Interval
        ));
        assert!(matches!(
            error(sh().timeout(Duration::ZERO)),
            ScriptError::Timeout
        ));
        let user = error(sh().user("no-such-user"));
        assert_eq!(user.to_string(), "no user \"no-such-user\" in /etc/passwd");
        let gone = error(Script::builder("x", ["/gone"]));
        assert_eq!(gone.to_string(), "/gone cannot be used");
    }
}
