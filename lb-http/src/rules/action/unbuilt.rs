//! HAProxy's other actions.

/// Those that HAProxy 2.6 and its successors know, and this version does not.
const NAMES: &[&str] = &[
    "cache-store",
    "cache-use",
    "disable-l7-retry",
    "do-log",
    "do-resolve",
    "normalize-uri",
    "ot-group",
    "pause",
    "sc-add-gpc",
    "send-spoe-group",
    "set-bandwidth-limit",
    "set-bc-mark",
    "set-bc-tos",
    "set-dst",
    "set-dst-port",
    "set-fc-mark",
    "set-fc-tos",
    "set-mark",
    "set-nice",
    "set-priority-class",
    "set-priority-offset",
    "set-retries",
    "set-src",
    "set-src-port",
    "set-timeout",
    "set-tos",
    "use-service",
    "wait-for-body",
    "wait-for-handshake",
];

/// Actions that come in families.
const FAMILIES: &[&str] = &["lua.", "sc-inc-gpc", "sc-set-gpt", "track-sc"];

/// Is it the name of one?
pub(super) fn is_haproxys(name: &str) -> bool {
    NAMES.contains(&name) || FAMILIES.iter().any(|family| name.starts_with(family))
}
