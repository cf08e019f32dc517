//! The process in two lines, and what states mean.

use serde_json::Value;

use super::{
    column::{age, figure, shown},
    feed::Picture,
};

/// What a text means; the screen has a colour for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    /// What matters most.
    Strong,
    /// What matters least.
    Faint,
    Good,
    /// On the way to another state, or at its limit.
    Uncertain,
    /// By somebody's wish without new clients.
    Away,
    Bad,
}

/// That of a state.
pub(super) fn tone(status: &str) -> Tone {
    let (word, counts) = status.split_once(' ').unwrap_or((status, ""));
    match word {
        "UP" | "DOWN" if counts.contains('/') => Tone::Uncertain,
        "FULL" => Tone::Uncertain,
        "UP" | "OPEN" => Tone::Good,
        "DOWN" | "STOP" => Tone::Bad,
        "MAINT" | "DRAIN" | "NOLB" | "PAUSED" => Tone::Away,
        _ => Tone::Plain,
    }
}

/// Texts with what they mean.
pub(super) type Said = Vec<(Tone, String)>;

/// Who it is, and how much it does.
pub(super) fn head(picture: &Picture) -> [Said; 2] {
    let info = &picture.info;
    let value = |key: &str| shown(&info[key]);
    let mut who = vec![(Tone::Strong, format!("lb {}", value("Version")))];
    if !value("node").is_empty() {
        who.push((Tone::Strong, value("node")));
    }
    who.push((Tone::Plain, format!("pid {}", value("Pid"))));
    let uptime = info["Uptime_sec"].as_u64().unwrap_or_default();
    who.push((Tone::Plain, format!("up {}", age(uptime))));
    let is = |row: &&Value, name: &str| row["svname"] == name;
    let frontends = picture.rows.iter().filter(|row| is(row, "FRONTEND"));
    let rates = frontends.filter_map(|row| figure(row, "rate").as_u64());
    let requests = format!(
        "{} requests/s, {} in all",
        rates.sum::<u64>(),
        value("CumReq")
    );
    who.push((Tone::Plain, requests));
    if info["Stopping"] == 1 {
        who.push((Tone::Uncertain, "stopping".to_owned()));
    }
    let connections = format!("{} of {} connections", value("CurrConns"), value("Maxconn"));
    let mut what = vec![(Tone::Plain, connections)];
    servers(picture, &mut what);
    [who, what]
}

/// How many of the servers are in which state.
fn servers(picture: &Picture, said: &mut Said) {
    let states = picture.rows.iter().filter_map(|row| {
        let name = row["svname"].as_str()?;
        let is_server = name != "FRONTEND" && name != "BACKEND";
        row["status"].as_str().filter(|_| is_server)
    });
    let of = |words: &[&str]| {
        let is = |state: &&str| words.iter().any(|word| state.starts_with(word));
        states.clone().filter(is).count()
    };
    let all = states.clone().count();
    let up = of(&["UP", "no check"]);
    said.push((Tone::Plain, format!("{up} of {all} servers up")));
    for (count, word, tone) in [
        (of(&["DOWN"]), "down", Tone::Bad),
        (of(&["MAINT"]), "in maintenance", Tone::Away),
        (of(&["DRAIN", "NOLB"]), "draining", Tone::Away),
    ] {
        if count > 0 {
            said.push((tone, format!("{count} {word}")));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_process_is_two_lines() {
        let row = |proxy: &str, name: &str, status: &str| json!({ "pxname": proxy, "svname": name, "status": status, "req_rate": 7, "rate": 1 });
        let picture = Picture {
            info: json!({ "Version": "1", "Pid": 7, "Uptime_sec": 61, "CurrConns": 2, "Maxconn": 9, "CumReq": 4, "node": "n", "Stopping": 1 }),
            rows: vec![
                row("web", "FRONTEND", "OPEN"),
                row("app", "a", "UP 1/2"),
                row("app", "b", "DOWN"),
                row("app", "c", "no check"),
                row("app", "BACKEND", "UP"),
            ],
        };
        let [who, what] = head(&picture).map(|said| {
            let texts: Vec<_> = said.into_iter().map(|(_, text)| text).collect();
            texts.join("|")
        });
        assert_eq!(who, "lb 1|n|pid 7|up 1m1s|7 requests/s, 4 in all|stopping");
        assert_eq!(what, "2 of 9 connections|2 of 3 servers up|1 down");
    }

    #[test]
    fn states_have_tones() {
        for (status, is) in [
            ("OPEN", Tone::Good),
            ("UP", Tone::Good),
            ("UP 2/3", Tone::Uncertain),
            ("DOWN 1/2", Tone::Uncertain),
            ("DOWN (agent)", Tone::Bad),
            ("DRAIN", Tone::Away),
            ("MAINT (via app/s2)", Tone::Away),
            ("NOLB 1/3", Tone::Away),
            ("no check", Tone::Plain),
        ] {
            assert_eq!(tone(status), is, "{status}");
        }
    }
}
