//! HAProxy's other actions.

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
pub(super) fn is_haproxys(name: &str, on_requests: bool) -> bool {
    NAMES.contains(&name)
        || (!on_requests && OF_RESPONSES.contains(&name))
        || FAMILIES.iter().any(|family| name.starts_with(family))
}
