//! A row of the table: a profile, a fault, how many nodes, and how the client asks.

use std::{fmt, str::FromStr};

use crate::rig::{Fault, Mode, Profile, UnknownFault};

/// Written `<profile>-<fault>[-3][@tcp|@http]`, as in `v3c-kill9-3@http`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scenario {
    /// What both ends agree on.
    pub profile: Profile,
    /// What happens to node a.
    pub fault: Fault,
    /// A third node, with the lowest priority.
    pub three: bool,
    /// How the client asks.
    pub mode: Mode,
}

/// Why a text is no scenario.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScenarioError {
    /// There is no `-` in it.
    #[error("`{0}` has no fault: a scenario is <profile>-<fault>, such as v2-kill9")]
    NoFault(String),
    /// No profile has this name.
    #[error("no profile is named `{0}`; there are {names}", names = Profile::ALL.map(|p| p.name).join(", "))]
    Profile(String),
    /// No fault has this name.
    #[error(transparent)]
    Fault(#[from] UnknownFault),
    /// Neither udp nor tcp nor http.
    #[error("a client asks by udp, tcp or http, and not by `{0}`")]
    Mode(String),
}

/// What is measured unless scenarios are named: every fault in version 2, and where the profile changes the outcome.
pub(super) const USUAL: &[&str] = &[
    "v2-kill9",
    "v2-kill9@tcp",
    "v2-silent",
    "v2-linkdown",
    "v2-stop",
    "v2-term",
    "v2-preempt",
    "uni-kill9",
    "v3s-kill9",
    "v3c-kill9",
    "v3c-kill9@tcp",
    "v3c-silent",
    "v3c-linkdown",
    "v3c-term",
    "v3c-preempt",
    "v6-kill9",
    "v3cc-kill9",
    "v3c-kill9-3",
    "v2-kill9-3",
    "v3c-kill9-daemon",
    "v3c-ifdown",
    "v3c-deaf",
    "v3c-partition",
    "v3c-starve",
    "v2-service",
];

impl FromStr for Scenario {
    type Err = ScenarioError;

    fn from_str(text: &str) -> Result<Self, ScenarioError> {
        let (name, mode) = text.split_once('@').unwrap_or((text, "udp"));
        let mode = [Mode::Udp, Mode::Tcp, Mode::Http]
            .into_iter()
            .find(|known| known.name() == mode)
            .ok_or_else(|| ScenarioError::Mode(mode.to_owned()))?;
        let (profile, rest) = name
            .split_once('-')
            .ok_or_else(|| ScenarioError::NoFault(text.to_owned()))?;
        let profile = Profile::ALL
            .into_iter()
            .find(|known| known.name == profile)
            .ok_or_else(|| ScenarioError::Profile(profile.to_owned()))?;
        let (fault, three) = match rest.strip_suffix("-3") {
            Some(fault) => (fault, true),
            None => (rest, false),
        };
        Ok(Self {
            profile,
            fault: fault.parse()?,
            three,
            mode,
        })
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let three = if self.three { "-3" } else { "" };
        write!(f, "{}-{}{three}", self.profile.name, self.fault)?;
        match self.mode {
            Mode::Udp => Ok(()),
            mode => write!(f, "@{}", mode.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_reads_as_it_is_written() {
        for text in USUAL.iter().chain(&["v3cc-kill9-daemon-3@http"]) {
            assert_eq!(text.parse::<Scenario>().unwrap().to_string(), *text);
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_what_there_is() {
        let error = |text: &str| text.parse::<Scenario>().unwrap_err().to_string();
        assert!(error("v4-kill9").contains("there are v2, v2open, uni"));
        assert!(error("v2-kill").contains("there are kill9, kill9-daemon"));
        assert!(error("v2").contains("no fault"));
        assert!(error("v2-kill9@sctp").contains("sctp"));
    }
}
