//! `show info`.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use super::{reply::Content, typed::Tag};
use crate::run::{Refusal, System};

/// A fact: HAProxy's number and name for it, what kind it is, and its value.
type Fact = (u8, &'static str, Tag, Value);

/// How it is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Format {
    Plain,
    Typed,
    Json,
}

/// The process, in HAProxy's names, as far as there is something to tell.
pub(super) struct Info {
    facts: Vec<Fact>,
    format: Format,
}

impl Info {
    pub(super) fn of(system: &System, words: &[String]) -> Result<Self, Refusal> {
        let format = match words {
            [] => Format::Plain,
            [word] if word == "typed" => Format::Typed,
            [word] if word == "json" => Format::Json,
            _ => return Err(Refusal::Words("usage: show info [typed|json]")),
        };
        Ok(Self {
            facts: facts(system),
            format,
        })
    }
}

fn facts(system: &System) -> Vec<Fact> {
    let uptime = system.started().elapsed().as_secs();
    let (days, hours, minutes) = (uptime / 86_400, uptime / 3600 % 24, uptime / 60 % 60);
    let (current, _, total) = system.connections();
    let totals = (0..system.frontends().len()).map(|at| system.frontend_totals(at));
    let (requests, bytes) = totals.fold((0, 0), |(requests, bytes), of| {
        (requests + of.requests + of.refused, bytes + of.bytes_out)
    });
    let rate = |rate: fn(&crate::run::FrontendRates) -> u64| -> u64 {
        system
            .frontends()
            .iter()
            .map(|frontend| rate(frontend.rates()))
            .sum()
    };
    let listeners: usize = system
        .frontends()
        .iter()
        .map(|one| one.listening().count())
        .sum();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let (product, setting, gauge) = (Tag("POS", "str"), Tag("CLP", "u32"), Tag("MGP", "u32"));
    vec![
        (0, "Name", product, "lb".into()),
        (1, "Version", product, env!("CARGO_PKG_VERSION").into()),
        (
            3,
            "Nbthread",
            Tag("CGS", "u32"),
            system.workers().get().into(),
        ),
        (4, "Nbproc", Tag("CGS", "u32"), 1.into()),
        (5, "Process_num", Tag("KGP", "u32"), 1.into()),
        (6, "Pid", Tag("SGP", "u32"), std::process::id().into()),
        (
            7,
            "Uptime",
            Tag("MDP", "str"),
            format!("{days}d {hours}h{minutes:02}m{:02}s", uptime % 60).into(),
        ),
        (8, "Uptime_sec", Tag("MDP", "u32"), uptime.into()),
        (15, "Maxconn", setting, system.maxconn().into()),
        (16, "Hard_maxconn", setting, system.hard_maxconn().into()),
        (17, "CurrConns", gauge, current.into()),
        (18, "CumConns", Tag("MCP", "u32"), total.into()),
        (19, "CumReq", Tag("MCP", "u32"), requests.into()),
        (
            26,
            "ConnRate",
            Tag("MRP", "u32"),
            rate(|rates| rates.connections.now()).into(),
        ),
        (
            29,
            "SessRate",
            Tag("MRP", "u32"),
            rate(|rates| rates.connections.now()).into(),
        ),
        (52, "Stopping", gauge, u8::from(system.is_stopping()).into()),
        (55, "Listeners", gauge, listeners.into()),
        (61, "TotalBytesOut", Tag("MGP", "u64"), bytes.into()),
        (
            70,
            "Start_time_sec",
            Tag("MDP", "u32"),
            now.as_secs().saturating_sub(uptime).into(),
        ),
        (
            50,
            "node",
            Tag("COS", "str"),
            system.node().unwrap_or_default().into(),
        ),
    ]
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

impl Content for Info {
    fn text(&self) -> String {
        if self.format == Format::Json {
            return haproxys_json(&self.facts).to_string();
        }
        let line = |(number, name, tag, value): &Fact| {
            let value = plain(value);
            match self.format {
                Format::Typed => format!("{number}.{name}.1:{}:{value}\n", tag.text()),
                _ => format!("{}\n", format!("{name}: {value}").trim_end()),
            }
        };
        self.facts.iter().map(line).collect()
    }

    fn json(&self) -> Value {
        if self.format == Format::Json {
            return haproxys_json(&self.facts);
        }
        let facts = self.facts.iter();
        let named = facts.map(|(_, name, _, value)| ((*name).to_owned(), value.clone()));
        Value::Object(named.collect::<Map<_, _>>())
    }
}

fn haproxys_json(facts: &[Fact]) -> Value {
    let each = |(number, name, tag, value): &Fact| {
        json!({
            "field": { "pos": number, "name": name },
            "processNum": 1,
            "tags": tag.json(),
            "value": tag.value(value),
        })
    };
    facts.iter().map(each).collect()
}
