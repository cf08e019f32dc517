//! Names of actions: those that are built, and HAProxy's others.

use lb_core::condition::ConditionError;

use crate::rules::compile::Words;

/// Names of actions, to suggest from.
pub(super) const REQUEST: &[&str] = &[
    "add-acl",
    "add-header",
    "allow",
    "auth",
    "capture",
    "del-acl",
    "del-header",
    "del-map",
    "deny",
    "disable-l7-retry",
    "early-hint",
    "normalize-uri",
    "redirect",
    "reject",
    "replace-header",
    "replace-path",
    "replace-pathq",
    "replace-uri",
    "replace-value",
    "return",
    "sc-inc-gpc",
    "sc-inc-gpc0",
    "sc-inc-gpc1",
    "sc-set-gpt",
    "sc-set-gpt0",
    "set-dst",
    "set-dst-port",
    "set-header",
    "set-log-level",
    "set-map",
    "set-method",
    "set-path",
    "set-pathq",
    "set-query",
    "set-src",
    "set-src-port",
    "set-timeout",
    "set-uri",
    "set-var",
    "set-var-fmt",
    "silent-drop",
    "strict-mode",
    "tarpit",
    "track-sc0",
    "track-sc1",
    "track-sc2",
    "unset-var",
    "wait-for-body",
];
pub(super) const RESPONSE: &[&str] = &[
    "add-acl",
    "add-header",
    "allow",
    "capture",
    "del-acl",
    "del-header",
    "del-map",
    "deny",
    "redirect",
    "replace-header",
    "replace-value",
    "return",
    "sc-inc-gpc",
    "sc-inc-gpc0",
    "sc-inc-gpc1",
    "sc-set-gpt",
    "sc-set-gpt0",
    "set-header",
    "set-log-level",
    "set-map",
    "set-status",
    "set-var",
    "set-var-fmt",
    "silent-drop",
    "strict-mode",
    "track-sc0",
    "track-sc1",
    "track-sc2",
    "unset-var",
];
/// Those of `http-after-response`.
pub(super) const AFTER: &[&str] = &[
    "add-header",
    "allow",
    "capture",
    "del-header",
    "replace-header",
    "replace-value",
    "sc-inc-gpc",
    "sc-inc-gpc0",
    "sc-inc-gpc1",
    "sc-set-gpt",
    "sc-set-gpt0",
    "set-header",
    "set-status",
    "set-var",
    "set-var-fmt",
    "strict-mode",
    "unset-var",
];

/// Those that HAProxy 2.6 and its successors know, and this version does not.
const NAMES: &[&str] = &[
    "cache-store",
    "cache-use",
    "do-log",
    "do-resolve",
    "ot-group",
    "pause",
    "sc-add-gpc",
    "send-spoe-group",
    "set-bandwidth-limit",
    "set-bc-mark",
    "set-bc-tos",
    "set-fc-mark",
    "set-fc-tos",
    "set-mark",
    "set-nice",
    "set-priority-class",
    "set-priority-offset",
    "set-retries",
    "set-tos",
    "use-service",
    "wait-for-handshake",
];

/// Actions that come in families.
const FAMILIES: &[&str] = &["lua."];

/// Those that are built for requests only.
const OF_RESPONSES: &[&str] = &["set-timeout", "wait-for-body"];

/// Is it the name of one that no rule has here, or no rule on responses?
fn is_haproxys(name: &str, on_requests: bool) -> bool {
    NAMES.contains(&name)
        || (!on_requests && OF_RESPONSES.contains(&name))
        || FAMILIES.iter().any(|family| name.starts_with(family))
}

/// What is wrong with the name of an action.
pub(super) fn unknown(
    name: &str,
    words: &Words<'_>,
    place: &str,
    names: &[&'static str],
) -> ConditionError {
    let span = words.last().part(0, name.len());
    if is_haproxys(name, place == "on requests") {
        return ConditionError::new(span, format!("`{name}` is HAProxy's, and not built yet"));
    }
    let error = ConditionError::new(span, format!("there is no action `{name}` {place}"));
    let elsewhere = REQUEST.contains(&name) || RESPONSE.contains(&name);
    match elsewhere {
        true if REQUEST.contains(&name) && !RESPONSE.contains(&name) => {
            error.help("it is one of rules on requests")
        }
        true => error.help("it is one of rules on responses"),
        false => error.suggest(name, names.iter().copied()),
    }
}
