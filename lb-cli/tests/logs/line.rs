//! A line of HAProxy's HTTP log format, taken apart.

use std::{fmt, time::Duration};

/// The fields that have to be the same.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) client: String,
    pub(crate) frontend: String,
    pub(crate) server: String,
    pub(crate) timers: [Timer; 5],
    pub(crate) status: String,
    pub(crate) bytes: String,
    pub(crate) captures: String,
    pub(crate) termination: String,
    pub(crate) conns: [String; 5],
    pub(crate) queues: String,
    pub(crate) request: String,
    /// Time and bytes bear a `+`.
    pub(crate) asap: bool,
}

/// A phase, as far as two programs on a busy machine agree.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timer {
    /// -1
    Never,
    /// Next to nothing.
    Short,
    /// A time-out or a pause was waited for.
    Long,
}

/// Every time-out and pause of the configurations is longer, everything else shorter.
const LONG: Duration = Duration::from_millis(350);

impl Line {
    /// `None` for a line of another kind.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let (head, request) = line.split_once(" \"")?;
        let request = request.strip_suffix('"')?.to_owned();
        // Captured fields stand in braces, and may have blanks in them.
        let (head, braces) = head.split_once(" {").unwrap_or((head, ""));
        let fields: Vec<&str> = head.split(' ').collect();
        let [
            client,
            date,
            frontend,
            server,
            timers,
            status,
            bytes,
            captures @ ..,
            termination,
            conns,
            queues,
        ] = &fields[..]
        else {
            return None;
        };
        let (client, port) = client.rsplit_once(':')?;
        let _: u16 = port.parse().ok()?;
        if !is_date(date) {
            return None;
        }
        let (timers, asap) = match timers.rsplit_once("/+") {
            Some((phases, all)) => (format!("{phases}/{all}"), true),
            None => ((*timers).to_owned(), false),
        };
        let timers = timers.as_str();
        Some(Self {
            asap: asap && bytes.starts_with('+'),
            client: client.to_owned(),
            frontend: (*frontend).to_owned(),
            server: (*server).to_owned(),
            timers: parts(timers)?.map(|timer| Timer::parse(&timer)),
            status: (*status).to_owned(),
            bytes: (*bytes).to_owned(),
            captures: format!("{} {{{braces}", captures.join(" ")),
            termination: (*termination).to_owned(),
            conns: parts(conns)?,
            queues: (*queues).to_owned(),
            request,
        })
    }

    /// Without how long phases took, where that is up to the machine.
    pub(crate) fn untimed(mut self) -> Self {
        for timer in &mut self.timers {
            if *timer == Timer::Long {
                *timer = Timer::Short;
            }
        }
        self
    }

    /// What differs: the field, our value, their value.
    pub(crate) fn differences(&self, theirs: &Self) -> Vec<(&'static str, String, String)> {
        let (ours, theirs) = (self.named(), theirs.named());
        ours.into_iter()
            .zip(theirs)
            .filter(|(ours, theirs)| ours != theirs)
            .map(|((name, ours), (_, theirs))| (name, ours, theirs))
            .collect()
    }

    fn named(&self) -> Vec<(&'static str, String)> {
        let timers = self.timers.map(|timer| timer.to_string());
        let [tr, tw, tc, ts, ta] = timers;
        let [ac, fc, bc, sc, rc] = self.conns.clone();
        vec![
            ("client", self.client.clone()),
            ("frontend", self.frontend.clone()),
            ("server", self.server.clone()),
            ("TR", tr),
            ("Tw", tw),
            ("Tc", tc),
            ("Tr", ts),
            ("Ta", ta),
            ("status", self.status.clone()),
            ("captures", self.captures.clone()),
            ("termination", self.termination.clone()),
            ("actconn", ac),
            ("feconn", fc),
            ("beconn", bc),
            ("srv_conn", sc),
            ("retries", rc),
            ("queues", self.queues.clone()),
            ("request", self.request.clone()),
            ("asap", self.asap.to_string()),
        ]
    }
}

impl Timer {
    fn parse(text: &str) -> Self {
        match text.parse::<i64>() {
            Ok(millis) if millis < 0 => Self::Never,
            Ok(millis) if u128::from(millis.unsigned_abs()) < LONG.as_millis() => Self::Short,
            _ => Self::Long,
        }
    }
}

impl fmt::Display for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Never => "-1",
            Self::Short => "short",
            Self::Long => "long",
        })
    }
}

fn parts(text: &str) -> Option<[String; 5]> {
    let parts: Vec<String> = text.split('/').map(str::to_owned).collect();
    parts.try_into().ok()
}

/// `[20/Nov/2026:08:31:07.669]`
fn is_date(text: &str) -> bool {
    text.len() == "[20/Nov/2026:08:31:07.669]".len()
        && text
            .bytes()
            .zip(*b"[00/Aaa/0000:00:00:00.000]")
            .all(|(b, like)| match like {
                b'0' => b.is_ascii_digit(),
                b'A' => b.is_ascii_uppercase(),
                b'a' => b.is_ascii_lowercase(),
                _ => b == like,
            })
}
