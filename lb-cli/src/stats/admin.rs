//! Changing servers by way of the page's form, or of a script that sends it.

use http::Request;
use http_body_util::{BodyExt as _, Limited};
use lb_core::server::{Administrative, Operational};
use lb_http::server::Incoming;

use super::{collect::backend_named, form, origin};
use crate::run::{RunningBackend, System, Target};

/// As much as HAProxy has room for.
const LARGEST: usize = 16 * 1024;

/// What has come of a form, by HAProxy's codes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Outcome {
    Denied,
    Done,
    /// Nothing in it could be done.
    Errors,
    /// It is too large, or broke off.
    Exceeded,
    /// Nothing was asked for.
    Nothing,
    /// Some of the servers are not there.
    Partial,
}

impl Outcome {
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Denied => "DENY",
            Self::Done => "DONE",
            Self::Errors => "ERRP",
            Self::Exceeded => "EXCD",
            Self::Nothing => "NONE",
            Self::Partial => "PART",
        }
    }
}

/// What to say of a code; `None` if it is none.
pub(super) fn message(code: &str) -> Option<(bool, &'static str)> {
    Some(match code {
        "DONE" => (true, "The servers have been changed."),
        "NONE" => (
            true,
            "Nothing was changed: no server or no action was chosen.",
        ),
        "PART" => (
            false,
            "Only a part has been changed: some of the servers are not there.",
        ),
        "ERRP" => (
            false,
            "Nothing was changed: the backend, its servers or the action is not known.",
        ),
        "EXCD" => (false, "Nothing was changed: the form was too large."),
        "DENY" => (
            false,
            "Nothing was changed: it is not allowed, or the form is not this page's. Load the page again.",
        ),
        _ => return None,
    })
}

/// What can be done to a server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Action {
    Administrative(Administrative),
    /// Sets the state as if a check had found it.
    Health(Operational),
    /// Its checks.
    Check(bool),
    /// Sets the weight that the form's other field says.
    Weight,
    /// Breaks off what it is serving.
    Kill,
}

/// Offered only where there is a server that keeps track of its sessions.
pub(super) const KILL: &str = "shutdown";

/// Words of the form, with what the page calls them; those without a name are HAProxy's old ones.
pub(super) const ACTIONS: [(&str, &str); 14] = [
    ("ready", "Set state to READY"),
    ("drain", "Set state to DRAIN"),
    ("maint", "Set state to MAINT"),
    ("weight", "Set weight"),
    ("dhlth", "Health: disable checks"),
    ("ehlth", "Health: enable checks"),
    ("hrunn", "Health: force UP"),
    ("hnolb", "Health: force NOLB"),
    ("hdown", "Health: force DOWN"),
    (KILL, "Kill Sessions"),
    ("enable", ""),
    ("disable", ""),
    ("start", ""),
    ("stop", ""),
];

impl Action {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "weight" => Self::Weight,
            "ready" | "enable" | "start" => Self::Administrative(Administrative::Ready),
            "drain" | "stop" => Self::Administrative(Administrative::Drain),
            "maint" | "disable" => Self::Administrative(Administrative::Maint),
            "hrunn" => Self::Health(Operational::Up),
            "hnolb" => Self::Health(Operational::Stopping),
            "hdown" => Self::Health(Operational::Down),
            KILL => Self::Kill,
            "ehlth" => Self::Check(true),
            "dhlth" => Self::Check(false),
            _ => return None,
        })
    }

    /// True if there is a server of this name, to which it can be done.
    fn apply(self, backend: &RunningBackend, server: &str, weight: &str) -> bool {
        let snapshot = backend.pool().snapshot();
        let Some(server) = snapshot.by_name(server) else {
            return false;
        };
        let target = Target { backend, server };
        // What a server has not, such as checks, is passed over, as in HAProxy.
        match self {
            Self::Administrative(state) => _ = target.set_state(state),
            Self::Health(state) => _ = target.set_health(state),
            Self::Check(on) => _ = target.set_checked(on),
            Self::Kill => return target.shut_down_sessions().is_ok(),
            Self::Weight => return target.set_weight(Some(weight)).is_ok(),
        }
        true
    }
}

/// Only a server with `on_marked_down` knows its sessions: every request pays for that.
pub(super) fn can_be_cut(backend: &RunningBackend, server: &str) -> bool {
    let servers = &backend.plan().model().server;
    let it = servers.iter().find(|it| it.name.as_str() == server);
    it.is_some_and(|it| it.on_marked_down.is_some())
}

/// Does what a form says: `s=web1&s=web2&action=drain&b=app`, in any order.
pub(super) async fn change(system: &System, token: &str, request: Request<Incoming>) -> Outcome {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, LARGEST).collect().await else {
        return Outcome::Exceeded;
    };
    let body = body.to_bytes();
    let form = Form::read(&String::from_utf8_lossy(&body));
    match origin::is_own(&parts.headers, &parts.uri, form.token.as_deref(), token) {
        true => form.apply(system),
        false => Outcome::Denied,
    }
}

#[derive(Default)]
struct Form {
    servers: Vec<String>,
    action: Option<String>,
    backend: Option<String>,
    token: Option<String>,
    weight: String,
}

impl Form {
    fn read(body: &str) -> Self {
        let mut form = Self::default();
        for (name, value) in form::pairs(body) {
            match name.as_str() {
                "s" => form.servers.push(value),
                "action" => form.action = Some(value),
                "b" => form.backend = Some(value),
                "t" => form.token = Some(value),
                "w" => form.weight = value,
                _ => {}
            }
        }
        form
    }

    fn apply(&self, system: &System) -> Outcome {
        let (Some(backend), Some(action)) = (&self.backend, &self.action) else {
            return Outcome::Nothing;
        };
        if self.servers.is_empty() || action.is_empty() {
            return Outcome::Nothing;
        }
        let action = Action::parse(action);
        let Some((backend, action)) = backend_named(system, backend).zip(action) else {
            return Outcome::Errors;
        };
        let servers = self.servers.iter();
        let done = servers
            .filter(|server| action.apply(backend, server, self.weight.trim()))
            .count();
        match done {
            0 => Outcome::Errors,
            done if done < self.servers.len() => Outcome::Partial,
            _ => Outcome::Done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_that_is_offered_can_be_done() {
        for (word, _) in ACTIONS {
            assert!(Action::parse(word).is_some(), "{word}");
        }
        assert_eq!(Action::parse("halt"), None);
    }

    #[test]
    fn every_outcome_has_a_message() {
        for outcome in [
            Outcome::Denied,
            Outcome::Done,
            Outcome::Errors,
            Outcome::Exceeded,
            Outcome::Nothing,
            Outcome::Partial,
        ] {
            assert!(message(outcome.code()).is_some());
        }
        assert_eq!(message("<b>"), None);
    }
}
