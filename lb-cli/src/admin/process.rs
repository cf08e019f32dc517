//! `show activity` and `show env`: the threads of the process, and its environment.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::reply::{Content, Reply};
use crate::{
    log::LocalClock,
    run::{Activity, Refusal, System},
};

/// What each worker has done.
struct Activities(Vec<Activity>);

/// `show activity`
pub(super) fn activity(system: &System, _: &[String]) -> Result<Reply, Refusal> {
    Ok(Activities(system.activity(Instant::now())).into())
}

impl Activities {
    /// In HAProxy's form: the sum, or the longest time, and each thread's part. The names are of what there is here.
    fn lines(&self) -> [(&'static str, Vec<u64>); 5] {
        let of = |part: fn(&Activity) -> u64| self.0.iter().map(part).collect();
        [
            ("requests", of(|one| one.requests)),
            ("bytes_in", of(|one| one.bytes_in)),
            ("bytes_out", of(|one| one.bytes_out)),
            ("idle_conn", of(|one| one.idle)),
            ("silent_ms", of(|one| one.silent)),
        ]
    }
}

impl Content for Activities {
    fn text(&self) -> String {
        let now = LocalClock::now();
        let mut text = format!(
            "threads: {}\ndate_now: {}.{:06}\n",
            self.0.len(),
            now.as_secs(),
            now.subsec_micros()
        );
        for (name, parts) in self.lines() {
            let all: u64 = match name {
                "silent_ms" => parts.iter().copied().max().unwrap_or_default(),
                _ => parts.iter().sum(),
            };
            // Writing to a String cannot fail.
            let _ = write!(text, "{name}: {all} [");
            for part in parts {
                let _ = write!(text, " {part}");
            }
            text.push_str(" ]\n");
        }
        text
    }

    fn json(&self) -> Value {
        let one = |one: &Activity| {
            json!({
                "requests": one.requests, "bytes_in": one.bytes_in, "bytes_out": one.bytes_out,
                "idle_conn": one.idle, "silent_ms": one.silent,
            })
        };
        self.0.iter().map(one).collect()
    }
}

/// Variables and their values.
struct Environment(Vec<(String, String)>);

/// `show env [NAME]`
pub(super) fn environment(_: &System, words: &[String]) -> Result<Reply, Refusal> {
    let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    let all = std::env::vars_os().map(|(name, value)| (text(name), text(value)));
    let chosen: Vec<_> = match words.first() {
        None => all.collect(),
        Some(wanted) => all.filter(|(name, _)| name == wanted).collect(),
    };
    if chosen.is_empty() && !words.is_empty() {
        return Err(Refusal::Unknown("no-such-variable", "Variable not found"));
    }
    Ok(Environment(chosen).into())
}

impl Content for Environment {
    fn text(&self) -> String {
        let line = |(name, value): &(String, String)| {
            // An empty line would end the answer.
            format!("{name}={}\n", value.replace('\n', "\\n"))
        };
        self.0.iter().map(line).collect()
    }

    fn json(&self) -> Value {
        let pairs = self.0.iter().cloned();
        let object: Map<_, _> = pairs.map(|(name, value)| (name, value.into())).collect();
        Value::Object(object)
    }
}
