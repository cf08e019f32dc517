//! What both say of themselves and of servers.

/// What only one of them has said, without what depends on the moment.
pub(crate) fn differences(ours: &[(String, String)], theirs: &[(String, String)]) -> Vec<String> {
    // lb says which node it is, HAProxy only with `log-send-hostname`.
    let (ours, theirs) = (comparable(ours, "director1 "), comparable(theirs, ""));
    let only = |of: &[String], other: &[String], who: &str| -> Vec<String> {
        let missing = of.iter().filter(|line| !other.contains(line));
        missing.map(|line| format!("only {who}: {line}")).collect()
    };
    let mut found = only(&ours, &theirs, "lb");
    found.extend(only(&theirs, &ours, "HAProxy"));
    found
}

fn comparable(lines: &[(String, String)], node: &str) -> Vec<String> {
    let mut lines: Vec<String> = lines
        .iter()
        // HAProxy names its version and its processes at the start, lb its workers and listeners.
        .filter(|(_, text)| text.contains(" server_") || text.contains("ackend server"))
        .map(|(level, text)| {
            let text = text.strip_prefix(node);
            let mut text = text.expect("every message begins with the node").to_owned();
            if let Some(at) = text.find("check duration: ") {
                let from = at + "check duration: ".len();
                let end = text[from..].find("ms").unwrap() + from;
                text.replace_range(from..end, "N");
            }
            format!("{level} {text}")
        })
        .collect();
    lines.sort();
    lines
}
