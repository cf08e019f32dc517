//! What can be done to a server.

use std::net::{IpAddr, SocketAddr};

use lb_core::server::{Administrative, Operational};
use lb_tcp::Address;

use super::{Refusal, Said, Target, weight};
use crate::run::Declared;

/// Who has made a change, as HAProxy says it of its socket.
const BY: &str = "by 'stats socket command'";

impl Target<'_> {
    pub(crate) fn declared(&self) -> Option<Declared<'_>> {
        self.backend.declared(self.server.name())
    }

    fn is_checked(&self) -> bool {
        self.declared()
            .is_some_and(|server| server.model().check.is_some())
    }

    fn tracks(&self) -> bool {
        self.declared()
            .is_some_and(|server| server.model().track.is_some())
    }

    /// Sets the state that its operator wants.
    pub(crate) fn set_state(&self, state: Administrative) -> Said {
        self.backend.pool().set_administrative(self.server, state);
        Ok(String::new())
    }

    /// Sets the state as if a check had found it; a server without checks has no health to set, as in HAProxy.
    pub(crate) fn set_health(&self, state: Operational) -> Said {
        if self.tracks() {
            return Err(Refusal::State("cannot change health on a tracking server."));
        }
        let (health, uid) = (self.backend.health(), self.server.uid());
        if health.report(uid).is_some_and(|report| report.checked) {
            health.force(uid, state);
        }
        Ok(String::new())
    }

    /// Suspends or resumes its checks.
    pub(crate) fn set_checked(&self, on: bool) -> Said {
        if on && !self.is_checked() {
            let why = "Health check was not configured on this server, cannot enable.";
            return Err(Refusal::State(why));
        }
        self.backend.health().set_checked(self.server.uid(), on);
        Ok(String::new())
    }

    /// Sets its share of the load: `5`, `50%`.
    pub(crate) fn set_weight(&self, text: Option<&str>) -> Said {
        let text = text.ok_or(Refusal::Words("Require <weight> or <weight%>."))?;
        let initial = self.server.initial_weight();
        let wanted = weight::parse(text, initial)?;
        if weight::is_static(self.backend.plan().model()) && wanted != 0 && wanted != initial {
            let why =
                "Backend is using a static LB algorithm and only accepts weights '0%' and '100%'.";
            return Err(Refusal::State(why));
        }
        self.backend.pool().set_weight(self.server, wanted);
        Ok(String::new())
    }

    /// Its weight, and what it was at first.
    pub(crate) fn weight(&self) -> String {
        let (now, initial) = (self.server.user_weight(), self.server.initial_weight());
        format!("{now} (initial {initial})")
    }

    /// Sets how many requests it may serve at a time; 0 is no limit.
    pub(crate) fn set_maxconn(&self, text: Option<&str>) -> Said {
        let text = text.ok_or(Refusal::Words("Require <maxconn>."))?;
        let digits = text.strip_prefix('-').unwrap_or(text);
        let why = match digits.bytes().position(|b| !b.is_ascii_digit()) {
            Some(0) => "maxconn string empty or preceded by garbage",
            Some(_) => "Trailing garbage in maxconn string",
            None if digits.is_empty() => "maxconn string empty or preceded by garbage",
            None => match text.parse() {
                Ok(limit) => {
                    self.backend.pool().set_max_conn(self.server, limit);
                    return Ok(String::new());
                }
                // HAProxy takes it for something else.
                Err(_) => "Value out of range.",
            },
        };
        Err(Refusal::Value(why.to_owned()))
    }

    /// Moves it: `addr IP [port PORT]`. Its counters, its state and what it is serving stay.
    pub(crate) fn set_address(&self, words: &[&str]) -> Said {
        let Some((ip, rest)) = words.split_first() else {
            let why = "set server <b>/<s> addr requires an address and optionally a port.";
            return Err(Refusal::Words(why));
        };
        let invalid = |what: String| Refusal::Value(format!("{what} {BY}"));
        let wanted: IpAddr = ip
            .parse()
            .map_err(|_| invalid(format!("Invalid addr '{ip}'")))?;
        let port = match rest {
            [] => None,
            // Digits only: `+1` is a port map in HAProxy.
            ["port", port] => match port.parse::<u16>() {
                Ok(number @ 1..) if !port.starts_with('+') => Some(number),
                _ => {
                    let why = format!("problem converting port '{port}' to an int");
                    return Err(invalid(why));
                }
            },
            ["port"] => return Err(invalid("problem converting port '' to an int".to_owned())),
            [word, ..] => {
                return Err(invalid(format!("'{word}' is not `port` and a number")));
            }
        };
        let model = self.backend.plan().model();
        if model
            .cookie
            .as_ref()
            .is_some_and(|cookie| cookie.dynamic_key.is_some())
        {
            let what = "changing an address that makes a cookie's value (`dynamic_key`)";
            return Err(Refusal::Unbuilt(what.to_owned()));
        }
        let Some(before) = self.server.target().socket_addr() else {
            return Err(Refusal::State(
                "This server is at a Unix socket and has no IP address.",
            ));
        };
        let after = SocketAddr::new(wanted, port.unwrap_or(before.port()));
        if after != before {
            let moved = self.server.target().move_to(Address::Inet(after));
            moved.map_err(|error| Refusal::Value(error.to_string()))?;
        }
        let mut said = match before.ip() == wanted {
            true => "no need to change the addr".to_owned(),
            false => format!("IP changed from '{}' to '{wanted}'", before.ip()),
        };
        match port {
            None => {}
            Some(port) if port == before.port() => said += ", no need to change the port",
            Some(port) => said += &format!(", port changed from '{}' to '{port}'", before.port()),
        }
        Ok(format!("{said} {BY}"))
    }

    /// Breaks off what it is serving.
    pub(crate) fn shut_down_sessions(&self) -> Said {
        match self.server.target().shutdown_sessions() {
            true => Ok(String::new()),
            false => Err(Refusal::State(
                "Sessions of this server can be shut down only if it has `on_marked_down = \"shutdown-sessions\"`.",
            )),
        }
    }
}
