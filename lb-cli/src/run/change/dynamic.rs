//! Servers that come and go at run time: `add server`, `del server`.
//!
//! What follows the address are HAProxy's words. They become a section of the configuration, so that a value is refused
//! here as it is in a file.

use std::{fmt::Write as _, sync::Arc};

use lb_core::server::Administrative;

use super::{Refusal, Said, weight};
use crate::{
    config::{Config, ServerAddress, Severity, Source, Spanned, model},
    plan,
    run::{RunningBackend, System},
};

/// What a word of a server's line means: its key in a file, and how its value is written there.
enum Word {
    Number(&'static str),
    Time(&'static str),
    Text(&'static str),
    Flag(&'static str, &'static str),
    /// The same, of its check.
    CheckNumber(&'static str),
    CheckTime(&'static str),
    CheckText(&'static str),
    Check,
    /// It is so in any case.
    Nothing,
}

fn word(name: &str) -> Result<Word, Refusal> {
    Ok(match name {
        "weight" => Word::Number("weight"),
        "maxconn" => Word::Number("maxconn"),
        "minconn" => Word::Number("minconn"),
        "maxqueue" => Word::Number("maxqueue"),
        "max-reuse" => Word::Number("max_reuse"),
        "error-limit" => Word::Number("error_limit"),
        "id" => Word::Number("id"),
        "slowstart" => Word::Time("slow_start"),
        "cookie" => Word::Text("cookie"),
        "redir" => Word::Text("redir"),
        "observe" => Word::Text("observe"),
        "on-error" => Word::Text("on_error"),
        "on-marked-down" => Word::Text("on_marked_down"),
        "init-state" => Word::Text("init_state"),
        "backup" => Word::Flag("backup", "true"),
        "disabled" => Word::Flag("disabled", "true"),
        "send-proxy" => Word::Flag("send_proxy", "\"v1\""),
        "send-proxy-v2" => Word::Flag("send_proxy", "\"v2\""),
        "check" => Word::Check,
        "inter" => Word::CheckTime("interval"),
        "fastinter" => Word::CheckTime("fast_interval"),
        "downinter" => Word::CheckTime("down_interval"),
        "rise" => Word::CheckNumber("rise"),
        "fall" => Word::CheckNumber("fall"),
        "port" => Word::CheckNumber("port"),
        "addr" => Word::CheckText("address"),
        "enabled" | "no-backup" | "no-check" => Word::Nothing,
        // The backups would have to be prepared for it.
        "on-marked-up" | "track" | "ssl" | "agent-check" | "proto" | "source" | "tfo"
        | "verify" => {
            let what = format!("'{name}' of a server that is added at run time");
            return Err(Refusal::Unbuilt(what));
        }
        _ => return Err(Refusal::Value(format!("unknown keyword '{name}'."))),
    })
}

/// A server's line, as keys of a file.
#[derive(Default)]
struct Line {
    own: String,
    check: String,
    is_checked: bool,
    has_id: bool,
}

impl Line {
    fn read(words: &[&str]) -> Result<Self, Refusal> {
        let mut line = Self::default();
        let mut words = words.iter();
        while let Some(name) = words.next() {
            let word = word(name)?;
            let mut value = || {
                let missing = || Refusal::Value(format!("'{name}' : missing value."));
                words.next().copied().ok_or_else(missing)
            };
            let (key, written, of_check) = match word {
                Word::Number(key) => (key, value()?.to_owned(), false),
                Word::CheckNumber(key) => (key, value()?.to_owned(), true),
                Word::Time(key) => (key, time(value()?), false),
                Word::CheckTime(key) => (key, time(value()?), true),
                Word::Text(key) => (key, quoted(value()?), false),
                Word::CheckText(key) => (key, quoted(value()?), true),
                Word::Flag(key, written) => (key, written.to_owned(), false),
                Word::Check => {
                    line.is_checked = true;
                    continue;
                }
                Word::Nothing => continue,
            };
            // What is no number would be read as something else.
            let number = matches!(word, Word::Number(_) | Word::CheckNumber(_));
            if number && (written.is_empty() || !written.bytes().all(|b| b.is_ascii_digit())) {
                return Err(Refusal::Value(format!(
                    "'{name}' : '{written}' is not a number."
                )));
            }
            line.has_id |= key == "id";
            let keys = if of_check {
                &mut line.check
            } else {
                &mut line.own
            };
            // Writing to a String cannot fail.
            let _ = write!(keys, ", {key} = {written}");
        }
        Ok(line)
    }

    fn section(&self, name: &str, address: &str) -> String {
        let mut text = format!("[backend.b]\nserver = [{{ name = {}", quoted(name));
        let _ = write!(text, ", address = {}{}", quoted(address), self.own);
        let check = match (self.is_checked, self.check.strip_prefix(", ")) {
            (true, Some(keys)) => format!("{{ {keys} }}"),
            (is_checked, _) => is_checked.to_string(),
        };
        let _ = writeln!(text, ", check = {check} }}]");
        text
    }
}

/// HAProxy's numbers without a unit are milliseconds.
fn time(text: &str) -> String {
    match text.bytes().all(|b| b.is_ascii_digit()) {
        true => quoted(&format!("{text}ms")),
        false => quoted(text),
    }
}

fn quoted(text: &str) -> String {
    crate::config::quoted(text)
}

impl System {
    /// Adds a server, in maintenance: `BACKEND/NAME ADDRESS [WORD…]`.
    pub(crate) fn add_server(&self, words: &[&str]) -> Said {
        let _one = self.shared.change();
        let (path, words) = (words.first().copied(), words.get(1..).unwrap_or_default());
        let (at, backend, name) = self.server_path(path)?;
        if let Some(c) = name.chars().find(|c| !is_of_name(*c)) {
            let why = format!("character '{c}' is not permitted in server name '{name}'.");
            return Err(Refusal::Value(why));
        }
        if weight::is_static(backend.plan().model()) {
            let why = "Backend must use a dynamic load balancing to support dynamic servers.";
            return Err(Refusal::State(why));
        }
        if backend.pool().snapshot().by_name(name).is_some() {
            let why = "Already exists a server with the same name in backend.";
            return Err(Refusal::State(why));
        }
        let Some((address, words)) = words.split_first() else {
            let why = "'server' expects <name> and <addr>[:<port>] as arguments.";
            return Err(Refusal::Words(why));
        };
        let line = Line::read(words)?;
        let mut model = server_of(&line.section(name, address))?;
        if !line.has_id {
            model.id = Spanned::built_in(0);
        }
        follow_siblings(backend, &mut model, &line);
        let address = match &*model.address {
            ServerAddress::Ip(address) => (*address).into(),
            ServerAddress::Unix(path) => lb_tcp::Address::Unix(path.clone()),
            ServerAddress::Abstract(name) => lb_tcp::Address::Abstract(name.clone()),
            ServerAddress::Name { .. } => {
                let what = "a name as the address of a server that is added at run time";
                return Err(Refusal::Unbuilt(what.to_owned()));
            }
        };
        let mut declared = plan::Server::new(address, model);
        let refused = |error: lb_core::pool::BuildError| Refusal::Conflict(error.to_string());
        let server = backend.plan().newcomer(&declared, self.workers().get());
        let server = server.map_err(refused)?.disabled();
        let uid = server.uid();
        let places = || {
            self.all_tallies()
                .iter()
                .map(|worker| &worker.backend(at).added)
        };
        // All that looks for it has to find it as soon as it is there.
        places().for_each(|place| place.add(uid));
        backend.added().insert(Arc::new(declared.clone()));
        match backend.pool().insert(server) {
            Ok(server) => {
                if !line.has_id {
                    declared.set_number(server.number());
                }
                backend.added().insert(Arc::new(declared));
                Ok("New server registered.".to_owned())
            }
            Err(error) => {
                backend.added().remove(name);
                places().for_each(|place| place.remove(uid));
                Err(refused(error))
            }
        }
    }

    /// Deletes a server that is in maintenance and has nothing to do.
    pub(crate) fn delete_server(&self, path: Option<&str>) -> Said {
        let _one = self.shared.change();
        let (at, ..) = self.server_path(path)?;
        self.with_server(path, |target| {
            let (backend, server) = (target.backend, target.server);
            let tracked = self.backends().iter().any(|other| {
                let servers = other.plan().servers().iter();
                let mut tracks = servers.filter_map(|server| server.model().track.as_ref());
                tracks.any(|track| {
                    track.backend == backend.plan().name() && track.server == server.name()
                })
            });
            if tracked {
                let why = "This server cannot be removed at runtime due to other configuration elements pointing to it.";
                return Err(Refusal::State(why));
            }
            if server.administrative_state() != Administrative::Maint {
                let why = "Only servers in maintenance mode can be deleted.";
                return Err(Refusal::State(why));
            }
            if server.in_flight() > 0 || server.queued() > 0 {
                let why = "Server still has connections attached to it, cannot remove it.";
                return Err(Refusal::State(why));
            }
            server.target().close_idle();
            backend.pool().remove(server.uid());
            backend.added().remove(server.name());
            for worker in self.all_tallies() {
                worker.backend(at).added.remove(server.uid());
            }
            Ok("Server deleted.".to_owned())
        })
    }
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.:".contains(c)
}

/// The only server of this configuration.
fn server_of(text: &str) -> Result<model::Server, Refusal> {
    let config = Config::parse(vec![Source::new("add server", text)], &|_| None);
    let mut config = config.map_err(|diagnostics| {
        let mut errors = diagnostics
            .iter()
            .filter(|one| one.severity == Severity::Error);
        let why = errors.next().map_or("", |error| error.message.as_str());
        Refusal::Value(format!("{why}."))
    })?;
    let server = config
        .backends
        .pop()
        .and_then(|mut backend| backend.server.pop());
    Ok(server.expect("what was read without an error has its server"))
}

/// A server that is checked is asked what those of the file are asked.
fn follow_siblings(backend: &RunningBackend, model: &mut model::Server, line: &Line) {
    let servers = backend.plan().servers().iter();
    let mut checks = servers.filter_map(|server| server.model().check.as_ref());
    if let (Some(check), Some(sibling)) = (&mut model.check, checks.next()) {
        check.kind = sibling.kind.clone();
        if line.check.is_empty() {
            *check = model::Check {
                port: None,
                address: None,
                send_proxy: check.send_proxy,
                ..sibling.clone()
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn read(words: &str) -> Result<model::Server, Refusal> {
        let words: Vec<_> = words.split(' ').collect();
        server_of(&Line::read(&words[1..])?.section("s", words[0]))
    }

    #[test]
    fn haproxys_words_are_read_as_keys_of_the_file() {
        let server = read("10.0.0.1:80 weight 5 maxconn 7 cookie c1 backup slowstart 3s").unwrap();
        assert_eq!(
            (server.weight, server.maxconn, server.backup),
            (5, Some(7), true)
        );
        assert_eq!(server.cookie.unwrap().as_str(), "c1");
        assert_eq!(server.slow_start, Some(Duration::from_secs(3)));
        assert!(server.check.is_none());
        let check = read("10.0.0.1:80 check inter 250 rise 4 port 81")
            .unwrap()
            .check
            .unwrap();
        assert_eq!(check.interval, Duration::from_millis(250));
        assert_eq!((check.rise, check.port), (4, Some(81)));
    }

    #[test]
    fn what_makes_no_server_is_refused() {
        for (words, why) in [
            ("10.0.0.1:80 foo 3", "unknown keyword 'foo'."),
            ("10.0.0.1:80 weight", "'weight' : missing value."),
            ("10.0.0.1:80 weight x", "'weight' : 'x' is not a number."),
            (
                "10.0.0.1:80 weight 1,backup=true",
                "'weight' : '1,backup=true' is not a number.",
            ),
            (
                "10.0.0.1:80 track a/b",
                "'track' of a server that is added at run time is not supported by this version of lb yet",
            ),
        ] {
            assert_eq!(read(words).unwrap_err().to_string(), why, "{words}");
        }
        for words in [
            "10.0.0.1 weight 300",
            "10.0.0.1:80 weight 300",
            "10.0.0.1:80 inter 3s check inter x",
            "::::",
        ] {
            assert!(matches!(read(words), Err(Refusal::Value(_))), "{words}");
        }
    }
}
