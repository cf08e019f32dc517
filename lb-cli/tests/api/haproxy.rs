//! The same commands on HAProxy's socket and on `lb`'s: the answers are the same, to the letter.

use std::{
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    process::{PATIENCE, Running, free},
    rig::Place,
};

/// A HAProxy with a socket, killed at the end of its scope.
pub(crate) struct Haproxy {
    child: Child,
    file: PathBuf,
    pub(crate) place: Place,
}

impl Haproxy {
    pub(crate) fn start(text: &str) -> Self {
        let place = Place::new();
        let text = format!("global\n stats socket {} level admin\n{text}", place.path());
        let file = PathBuf::from(format!("{}.cfg", place.path()));
        std::fs::write(&file, text).expect("a writable directory");
        let mut haproxy = Command::new("haproxy");
        haproxy
            .args(["-db", "-q", "-f"])
            .arg(&file)
            .stderr(Stdio::null());
        let child = haproxy
            .spawn()
            .expect("haproxy, which the package haproxy has");
        let haproxy = Self { child, file, place };
        let deadline = Instant::now() + PATIENCE;
        while !haproxy.answers() {
            assert!(Instant::now() < deadline, "HAProxy does not answer");
            thread::sleep(Duration::from_millis(5));
        }
        haproxy
    }

    /// Its socket is there before it is listened on, and that before all else is.
    fn answers(&self) -> bool {
        let Ok(mut stream) = UnixStream::connect(self.place.path()) else {
            return false;
        };
        let mut answer = String::new();
        let _ = stream.set_read_timeout(Some(PATIENCE));
        let _ = stream.write_all(b"show info\n");
        let _ = stream.read_to_string(&mut answer);
        !answer.is_empty()
    }
}

impl Drop for Haproxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.file);
    }
}

struct Pair {
    haproxy: Haproxy,
    place: Place,
    lb: Running,
}

impl Pair {
    fn start() -> Self {
        let [web, theirs, both] = [free(), free(), free()];
        let haproxy = Haproxy::start(&format!(
            " maxconn 100\ndefaults\n mode http\n timeout connect 1s\n timeout client 5s\n timeout server 5s\n\
             frontend web\n bind {web}\n maxconn 50\n default_backend app\n\
             backend app\n balance roundrobin\n server s1 127.0.0.1:1 check inter 2s fall 1\n\
             \x20server s2 127.0.0.1:2 weight 10 maxconn 5\n server s3 127.0.0.1:3 weight 100 backup disabled\n\
             \x20server s4 127.0.0.1:4 id 40 check inter 2s port 5 addr 127.0.0.1\n\
             backend st\n balance static-rr\n server x 127.0.0.1:5 weight 2\n\
             backend ha\n balance source\n server x 127.0.0.1:5 weight 2\n\
             backend empty\n\
             listen both\n bind {theirs}\n server y 127.0.0.1:6 track app/s1\n"
        ));
        let place = Place::new();
        let (lb, _) = Running::serve(&format!(
            "[global]\nmaxconn = 100\nadmin = {{ socket = \"{}\" }}\n\
             [frontend.web]\nbind = [\"FRONT\"]\nmaxconn = 50\ndefault_backend = \"app\"\n\
             [backend.app]\nserver = [\n{{ name = \"s1\", address = \"127.0.0.1:1\", check = {{ interval = \"2s\", fall = 1 }} }},\n\
             {{ name = \"s2\", address = \"127.0.0.1:2\", weight = 10, maxconn = 5 }},\n\
             {{ name = \"s3\", address = \"127.0.0.1:3\", weight = 100, backup = true, disabled = true }},\n\
             {{ name = \"s4\", address = \"127.0.0.1:4\", id = 40, \
             check = {{ interval = \"2s\", port = 5, address = \"127.0.0.1\" }} }},\n]\n\
             [backend.st]\nbalance = \"static-rr\"\nserver = [{{ name = \"x\", address = \"127.0.0.1:5\", weight = 2 }}]\n\
             [backend.ha]\nbalance = \"source\"\nserver = [{{ name = \"x\", address = \"127.0.0.1:5\", weight = 2 }}]\n\
             [backend.empty]\n\
             [listen.both]\nbind = [\"{both}\"]\nserver = [{{ name = \"y\", address = \"127.0.0.1:6\", track = \"app/s1\" }}]\n",
            place.path()
        ));
        let pair = Self { haproxy, place, lb };
        // Both know how their checks went: the last column but those that follow is `L4CON` and `failed`.
        for at in [&pair.haproxy.place, &pair.place] {
            pair.lb.wait_until("checks are done", |_| {
                let here = std::fs::exists(at.path()).is_ok_and(|here| here);
                here && at
                    .ask("show servers state app")
                    .matches(" 8 2 0 6 ")
                    .count()
                    == 2
            });
        }
        pair
    }

    fn answers(&self, command: &str) -> (String, String) {
        (self.haproxy.place.ask(command), self.place.ask(command))
    }

    fn same(&self, command: &str) {
        let (theirs, ours) = self.answers(command);
        assert_eq!(ours, theirs, "{command}");
    }
}

/// Without the seconds since the last change, and what HAProxy counts of a server that it does not check.
fn settled(state: &str) -> Vec<String> {
    let lines = state.lines().map(|line| {
        let mut fields: Vec<_> = line.split(' ').collect();
        if fields.len() == 25 && fields[0] != "#" {
            fields[9] = "_";
            if fields[13] == "0" {
                fields[12] = "_";
            }
        }
        fields.join(" ")
    });
    lines.collect()
}

#[test]
fn refusals_and_reports_are_haproxys() {
    let pair = Pair::start();
    let targets = ["", " app", " app/", " nope/s1", " app/nope"];
    for words in [
        "set server",
        "set weight",
        "get weight",
        "set maxconn server",
        "enable server",
        "disable server",
        "enable health",
        "disable health",
        "enable agent",
        "disable agent",
        "shutdown sessions server",
        "add server",
        "del server",
    ] {
        for target in targets {
            // A server that is not there is what `add server` wants.
            if words != "add server" || target != " app/nope" {
                pair.same(&format!("{words}{target}"));
            }
        }
    }
    for words in [
        "enable frontend",
        "disable frontend",
        "shutdown frontend",
        "set maxconn frontend",
    ] {
        for name in ["", " nope", " app"] {
            pair.same(&format!("{words}{name}"));
        }
    }
    for command in [
        "show servers state nope",
        "show servers conn nope",
        "show stat nope 1 -1",
        "show stat 99 1 -1",
        "show backend",
        "set server app/s1 foo",
        "set server app/s1 state",
        "set server app/s1 state foo",
        "set server app/s1 health",
        "set server app/s1 health foo",
        "set server both/y health up",
        "set server app/s1 agent up",
        "set server app/s1 addr",
        "set server app/s1 addr foo",
        "set server app/s1 weight",
        "set weight app/s1",
        "set maxconn frontend web",
        "set maxconn frontend web -1",
        "set maxconn global",
        "set maxconn global 1000",
        "set maxconn server app/s2",
        "set maxconn server app/s2 x",
        "set maxconn server app/s2 3x",
        "enable health app/s2",
        "enable health both/y",
        "enable agent app/s1",
        "del server app/s1",
        "del server st/x",
        "add server st/n 127.0.0.1:1",
        "add server ha/n 127.0.0.1:1",
        "add server app/n#1 127.0.0.1:1",
        "add server app/s1 127.0.0.1:1",
        "add server app/n",
        "set severity-output foo",
    ] {
        pair.same(command);
    }
}

#[test]
fn changes_are_answered_and_leave_what_they_leave_in_haproxy() {
    let pair = Pair::start();
    let state = |after: &str| {
        let (theirs, ours) = pair.answers("show servers state");
        assert_eq!(settled(&ours), settled(&theirs), "after {after}");
    };
    state("nothing");
    for command in [
        "set server app/s2 weight 50%",
        "get weight app/s2",
        "set server app/s2 weight 3000%",
        "get weight app/s2",
        "set server app/s2 weight -5%",
        "set server app/s2 weight 5x",
        "set server app/s2 weight x",
        "set server app/s2 weight 257",
        "set weight app/s2 3",
        "set server app/s1 weight 50%",
        "get weight app/s1",
        "set server st/x weight 1",
        "set server st/x weight 0%",
        "get weight st/x",
        "set server st/x weight 100%",
        "set server ha/x weight 50%",
        "set server app/s2 addr 127.0.0.2",
        "set server app/s2 addr 127.0.0.2",
        "set server app/s2 addr 127.0.0.2 port 99",
        "set server app/s2 addr 127.0.0.3 port 98",
        "set server app/s2 addr ::1 port 98",
        "set server app/s2 state drain",
        "set server app/s2 state maint",
        "set server app/s2 state ready",
        "enable server app/s3",
        "disable server app/s3",
        "add server app/n1 127.0.0.1:9",
        "add server app/n1 127.0.0.1:9",
        "add server app/n2 127.0.0.1:9 id 77 weight 5 disabled",
        "add server empty/n 127.0.0.1:9",
        "enable server app/n1",
        "del server app/n1",
        "disable server app/n1",
        "del server app/n1",
        "set maxconn server app/s2 7",
        "set maxconn frontend web 10",
        "set maxconn global 50",
        "set maxconn global 0",
        "enable frontend web",
        "disable frontend web",
        "disable frontend web",
        "enable frontend web",
        "shutdown frontend both",
        "shutdown frontend both",
        "enable frontend both",
        "disable frontend both",
        "clear counters",
        "clear counters all",
    ] {
        pair.same(command);
        state(command);
    }
}

#[test]
fn typed_fields_are_of_haproxys_kinds() {
    let pair = Pair::start();
    let kinds = |text: &str| -> std::collections::BTreeMap<String, String> {
        let fields = text.lines().filter_map(|line| {
            let mut parts = line.splitn(4, ':');
            let (name, tag, kind) = (parts.next()?, parts.next()?, parts.next()?);
            Some((name.to_owned(), format!("{tag}:{kind}")))
        });
        fields.collect()
    };
    for command in [
        "show stat typed",
        "show info typed",
        "show stat app 4 1 typed",
    ] {
        let (theirs, ours) = pair.answers(command);
        let (theirs, ours) = (kinds(&theirs), kinds(&ours));
        let shared = ours.iter().filter(|(name, _)| theirs.contains_key(*name));
        let mut count = 0;
        for (name, kind) in shared {
            assert_eq!(Some(kind), theirs.get(name), "{command}: {name}");
            count += 1;
        }
        assert!(count > 15, "{command}: {ours:?}");
    }
    // The same shape of JSON, whatever the numbers are.
    for command in ["show stat app 2 -1 json", "show info json"] {
        let (theirs, ours) = pair.answers(command);
        let first = |text: &str| {
            let value: serde_json::Value = serde_json::from_str(text).expect("JSON");
            let row = if value[0].is_array() {
                &value[0][17]
            } else {
                &value[1]
            };
            let mut field = row.clone();
            field["value"]["value"] = serde_json::Value::Null;
            field["field"]["pos"] = serde_json::Value::Null;
            field
        };
        let (theirs, ours) = (first(&theirs), first(&ours));
        assert_eq!(ours["tags"].is_object(), theirs["tags"].is_object());
        let keys = |value: &serde_json::Value| {
            value
                .as_object()
                .map(|o| o.keys().cloned().collect::<Vec<_>>())
        };
        assert_eq!(keys(&ours), keys(&theirs), "{command}");
    }
}
