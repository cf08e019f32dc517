//! `show errors`: the last bytes of each section that were no request, or no response.

use std::fmt::Write as _;

use lb_http::server::{fault_of_request, fault_of_response};
use serde_json::{Value, json};

use super::reply::{Content, Reply};
use crate::{
    log::LocalClock,
    run::{Captured, Refusal, Side, System},
    stats,
};

/// Characters of a line of bytes, as in HAProxy.
const WIDTH: usize = 70;

/// `show errors [all sections: -1 | ID | PROXY] [request|response]`
pub(super) fn show(system: &System, words: &[String]) -> Result<Reply, Refusal> {
    let names = stats::numbered_names(system);
    let numbered = |name: &str| {
        let found = names.iter().find(|(_, known)| *known == name);
        found.map_or(-1, |(id, _)| i64::try_from(*id).unwrap_or(-1))
    };
    let (section, side) = match words {
        [] => (None, None),
        [section] => (Some(section), None),
        [section, side] => {
            let side = match side.as_str() {
                "request" => Side::Request,
                "response" => Side::Response,
                // HAProxy takes any word.
                _ => {
                    return Err(Refusal::Words(
                        "usage: show errors [<px>] [request|response]",
                    ));
                }
            };
            (Some(section), Some(side))
        }
        _ => {
            return Err(Refusal::Words(
                "usage: show errors [<px>] [request|response]",
            ));
        }
    };
    let section = match section.map(String::as_str) {
        None | Some("-1") => None,
        Some(word) => {
            let id = word.parse::<u64>().ok();
            let mut names = names.iter();
            let found = names.find(|(known, name)| *name == word || Some(*known) == id);
            Some(found.ok_or(Refusal::NoProxy)?.1)
        }
    };
    let (total, kept) = system.refusals().all();
    let wanted = kept.into_iter().filter(|((_, of), captured)| {
        // Either end will do, as in HAProxy.
        let ends = [Some(&*captured.frontend), captured.backend.as_deref()];
        section.is_none_or(|section| ends.contains(&Some(section)))
            && side.is_none_or(|side| side == *of)
    });
    let mut shown: Vec<_> = wanted
        .map(|((_, side), captured)| Shown {
            frontend: numbered(&captured.frontend),
            backend: captured.backend.as_deref().map_or(-1, numbered),
            position: match side {
                Side::Request => fault_of_request(&captured.bytes),
                Side::Response => fault_of_response(&captured.bytes),
            },
            side,
            captured,
        })
        .collect();
    // As the sections are in the file, and not by their names.
    shown.sort_by_key(|one| (one.section(), one.side));
    Ok(Errors { total, shown }.into())
}

struct Errors {
    total: u64,
    shown: Vec<Shown>,
}

struct Shown {
    side: Side,
    /// The numbers of the sections.
    frontend: i64,
    backend: i64,
    position: usize,
    captured: std::sync::Arc<Captured>,
}

impl Shown {
    fn section(&self) -> i64 {
        match self.side {
            Side::Request => self.frontend,
            Side::Response => self.backend,
        }
    }

    fn text(&self) -> String {
        let Captured {
            number,
            at,
            frontend,
            source,
            bytes,
            ..
        } = &*self.captured;
        let at = LocalClock::text(*at);
        let (server, id) = match &self.captured.server {
            Some((name, id)) => (&**name, i64::from(*id)),
            None => ("<NONE>", -1),
        };
        let backend = self.captured.backend.as_deref().unwrap_or("<NONE>");
        let (fe, be) = (self.frontend, self.backend);
        let server = format!("server {server} (#{id}), event #{number}, src {source}");
        let head = match self.side {
            Side::Request => format!(
                "[{at}] frontend {frontend} (#{fe}): invalid request\n  backend {backend} (#{be}), {server}\n"
            ),
            Side::Response => format!(
                "[{at}] backend {backend} (#{be}): invalid response\n  frontend {frontend} (#{fe}), {server}\n"
            ),
        };
        let reason = self.captured.reason.map(|reason| format!(", {reason}"));
        let (length, position) = (bytes.len(), self.position);
        let reason = reason.unwrap_or_default();
        format!(
            " \n{head}  len {length}, error at position {position}{reason}\n  \n{}",
            lines(bytes)
        )
    }
}

/// A line for each line, longer ones with a `+` where they go on.
fn lines(bytes: &[u8]) -> String {
    let (mut text, mut line, mut start, mut mark) = (String::new(), String::new(), 0, ' ');
    for (at, byte) in bytes.iter().enumerate() {
        let shown = match byte {
            b'\n' => "\\n".to_owned(),
            b'\r' => "\\r".to_owned(),
            b'\t' => "\\t".to_owned(),
            0x1b => "\\e".to_owned(),
            b'\\' => "\\\\".to_owned(),
            b' '..=b'~' => (*byte as char).to_string(),
            byte => format!("\\x{byte:02X}"),
        };
        if line.len() + shown.len() > WIDTH {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {start:05}{mark} {line}");
            line.clear();
            (start, mark) = (at, '+');
        }
        line.push_str(&shown);
        if *byte == b'\n' {
            let _ = writeln!(text, "  {start:05}{mark} {line}");
            line.clear();
            (start, mark) = (at + 1, ' ');
        }
    }
    if !line.is_empty() {
        let _ = writeln!(text, "  {start:05}{mark} {line}");
    }
    text
}

impl Content for Errors {
    fn text(&self) -> String {
        let now = LocalClock::text(LocalClock::now());
        let mut text = format!("Total events captured on [{now}] : {}\n", self.total);
        for one in &self.shown {
            text.push_str(&one.text());
        }
        text
    }

    fn json(&self) -> Value {
        let one = |one: &Shown| {
            let captured = &*one.captured;
            json!({
                "kind": match one.side {
                    Side::Request => "request",
                    Side::Response => "response",
                },
                "time": LocalClock::text(captured.at), "event": captured.number,
                "frontend": captured.frontend, "backend": captured.backend,
                "server": captured.server.as_ref().map(|(name, _)| name),
                "source": captured.source, "reason": captured.reason, "position": one.position,
                "bytes": String::from_utf8_lossy(&captured.bytes),
            })
        };
        self.shown.iter().map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_shown_as_haproxy_shows_them() {
        let mut bytes = b"c: \x01\x1b\t\\ \"=\xc3\x7f\r\nlong: ".to_vec();
        bytes.extend([b'x'; 120]);
        bytes.extend(b"\r\nmore");
        let x = "x".repeat(64);
        let rest = "x".repeat(56);
        let expected = format!(
            "  00000  c: \\x01\\e\\t\\\\ \"=\\xC3\\x7F\\r\\n\n  00014  long: {x}\n  00084+ {rest}\\r\\n\n  00142  more\n"
        );
        assert_eq!(lines(&bytes), expected);
        assert_eq!(lines(b""), "");
    }
}
