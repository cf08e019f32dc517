//! Words of HAProxy's socket that change something, and what they do.

use lb_core::server::{Administrative, Operational};

use crate::run::{Refusal, System};

/// What is said of a change that was made: nothing, for most.
type Said = Result<String, Refusal>;

const SET_SERVER: &str = "usage: set server <backend>/<server> addr | agent | agent-addr | agent-port | agent-send \
    | check-addr | check-port | fqdn | health | ssl | state | weight";

const NO_AGENT: &str = "agent checks are not enabled on this server.";

fn word(words: &[String], at: usize) -> Option<&str> {
    words.get(at).map(String::as_str)
}

/// `set server BACKEND/SERVER WHAT …`
pub(super) fn set_server(system: &System, words: &[String]) -> Said {
    let value = word(words, 2);
    system.with_server(word(words, 0), |target| {
        match word(words, 1).unwrap_or_default() {
            "state" => target.set_state(match value {
                Some("ready") => Administrative::Ready,
                Some("drain") => Administrative::Drain,
                Some("maint") => Administrative::Maint,
                _ => {
                    let why = "'set server <srv> state' expects 'ready', 'drain' and 'maint'.";
                    return Err(Refusal::Words(why));
                }
            }),
            "health" => target.set_health(match value {
                Some("up") => Operational::Up,
                Some("stopping") => Operational::Stopping,
                Some("down") => Operational::Down,
                _ => {
                    let why = "'set server <srv> health' expects 'up', 'stopping', or 'down'.";
                    return Err(Refusal::Words(why));
                }
            }),
            "weight" => target.set_weight(value),
            "addr" => {
                let rest: Vec<_> = words[2..].iter().map(String::as_str).collect();
                target.set_address(&rest)
            }
            "agent" | "agent-addr" | "agent-port" | "agent-send" => Err(Refusal::State(NO_AGENT)),
            what @ ("check-addr" | "check-port" | "fqdn" | "ssl") => {
                Err(Refusal::Unbuilt(format!("'set server {what}'")))
            }
            _ => Err(Refusal::Words(SET_SERVER)),
        }
    })
}

pub(super) fn set_weight(system: &System, words: &[String]) -> Said {
    system.with_server(word(words, 0), |target| target.set_weight(word(words, 1)))
}

pub(super) fn weight(system: &System, words: &[String]) -> Said {
    system.with_server(word(words, 0), |target| Ok(target.weight()))
}

pub(super) fn enable_server(system: &System, words: &[String]) -> Said {
    let ready = Administrative::Ready;
    system.with_server(word(words, 0), |target| target.set_state(ready))
}

pub(super) fn disable_server(system: &System, words: &[String]) -> Said {
    let maint = Administrative::Maint;
    system.with_server(word(words, 0), |target| target.set_state(maint))
}

pub(super) fn enable_health(system: &System, words: &[String]) -> Said {
    system.with_server(word(words, 0), |target| target.set_checked(true))
}

pub(super) fn disable_health(system: &System, words: &[String]) -> Said {
    system.with_server(word(words, 0), |target| target.set_checked(false))
}

pub(super) fn enable_agent(system: &System, words: &[String]) -> Said {
    let why = "Agent was not configured on this server, cannot enable.";
    system.with_server(word(words, 0), |_| Err(Refusal::State(why)))
}

/// There is none that could be asked.
pub(super) fn disable_agent(system: &System, words: &[String]) -> Said {
    system.with_server(word(words, 0), |_| Ok(String::new()))
}

pub(super) fn enable_frontend(system: &System, words: &[String]) -> Said {
    system.frontend_named(word(words, 0))?.enable()
}

pub(super) fn disable_frontend(system: &System, words: &[String]) -> Said {
    system.frontend_named(word(words, 0))?.disable()
}

pub(super) fn shut_frontend(system: &System, words: &[String]) -> Said {
    system.frontend_named(word(words, 0))?.shut()
}

pub(super) fn shut_sessions(system: &System, words: &[String]) -> Said {
    system.with_server(word(words, 0), |target| target.shut_down_sessions())
}

pub(super) fn maxconn_of_all(system: &System, words: &[String]) -> Said {
    system.set_maxconn(word(words, 0))
}

pub(super) fn maxconn_of_frontend(system: &System, words: &[String]) -> Said {
    let frontend = system.frontend_named(word(words, 0))?;
    frontend.set_maxconn(word(words, 1))
}

pub(super) fn maxconn_of_server(system: &System, words: &[String]) -> Said {
    system.with_server(word(words, 0), |target| target.set_maxconn(word(words, 1)))
}

pub(super) fn clear_counters(system: &System, words: &[String]) -> Said {
    match word(words, 0) {
        None => system.clear_counters(false),
        Some("all") => system.clear_counters(true),
        Some(_) => return Err(Refusal::Words("usage: clear counters [all]")),
    }
    Ok(String::new())
}

pub(super) fn add_server(system: &System, words: &[String]) -> Said {
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    system.add_server(&words)
}

pub(super) fn delete_server(system: &System, words: &[String]) -> Said {
    system.delete_server(word(words, 0))
}
