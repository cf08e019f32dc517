//! Maps and files of patterns: the same commands on HAProxy's socket and on `lb`'s, and what requests see of them.

use std::fs;

use crate::{
    haproxy::Haproxy,
    process::{Peer, Running, free},
    rig::{Place, origin},
};

/// A map and a list of hosts, used by a HAProxy and a `lb` that share nothing else.
struct Pair {
    haproxy: Haproxy,
    place: Place,
    lb: Running,
    /// Their front doors.
    doors: [std::net::SocketAddr; 2],
    map: String,
    hosts: String,
}

impl Pair {
    fn start() -> Self {
        let place = Place::new();
        let file = |name: &str, text: &str| {
            let path = format!("{}.{name}", place.path());
            fs::write(&path, text).expect("a writable directory");
            path
        };
        let map = file("map", "/a 1\n/b 2\n# no entry\n/a\t3\n");
        let hosts = file("hosts", "bad.example\nworse.example\n");
        let numbers = file("numbers", "/a 1\n");
        let nets = file("nets", "10.0.0.0/8\n");
        let door = free();
        let server = origin("s");
        let haproxy = Haproxy::start(&format!(
            "defaults\n mode http\n timeout connect 1s\n timeout client 5s\n timeout server 5s\n\
             frontend web\n bind {door}\n http-request deny if {{ hdr(host) -i -f {hosts} }}\n\
             \x20http-request deny if {{ src -f {nets} }}\n\
             \x20http-request return status 200 hdr x %[path,map({map},none)] hdr y %[path,map_str_int({numbers},0)]\n"
        ));
        let (lb, front) = Running::serve(&format!(
            "[global]\nworkers = 1\nadmin = {{ socket = \"{}\" }}\n[listen.web]\nbind = [\"FRONT\"]\n\
             http_request = [\"deny if {{ hdr(host) -i -f {hosts} }}\", \"deny if {{ src -f {nets} }}\",\n\
             \"return status 200 hdr x %[path,map({map},none)] hdr y %[path,map_str_int({numbers},0)]\"]\n\
             server = [{{ name = \"a\", address = \"{server}\" }}]\n",
            place.path()
        ));
        Self {
            haproxy,
            place,
            lb,
            doors: [door, front],
            map,
            hosts,
        }
    }

    /// A command with the names of the files in it.
    fn named(&self, command: &str) -> String {
        let files = [("MAP", &self.map), ("HOSTS", &self.hosts)];
        files
            .iter()
            .fold(command.to_owned(), |command, (word, path)| {
                command.replace(word, path)
            })
    }

    fn same(&self, command: &str) {
        let command = self.named(command);
        let theirs = self.haproxy.place.ask(&command);
        let ours = self.place.ask(&command);
        assert_eq!(settled(&ours), settled(&theirs), "{command}");
    }

    /// The status and the header `x` of a response, of HAProxy and of `lb`.
    fn seen(&self, path: &str, host: &str) -> [(String, String); 2] {
        self.doors.map(|door| {
            let mut client = Peer::connect(door);
            client.send(&format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n"));
            let head = client.head();
            let status = head.split(' ').nth(1).unwrap_or_default().to_owned();
            let x = head.lines().find_map(|line| line.strip_prefix("x: "));
            (status, x.unwrap_or_default().to_owned())
        })
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        for name in ["map", "hosts", "numbers", "nets"] {
            let _ = fs::remove_file(format!("{}.{name}", self.place.path()));
        }
    }
}

/// Without places in memory, numbers of files, and where the configuration uses them.
fn settled(answer: &str) -> String {
    let lines = answer.lines().map(|line| {
        let line = match line.split_once(" used by ") {
            Some((start, rest)) => {
                let (_, end) = rest.split_once(". ").unwrap_or_default();
                let (_, start) = start.split_once(' ').unwrap_or_default();
                format!("{start} {end}")
            }
            None => line.to_owned(),
        };
        match line.split_once(' ') {
            Some((id, rest)) if id.starts_with("0x") => format!("0x {rest}"),
            _ => line,
        }
    });
    // Patterns that are in the configuration itself have no name there.
    lines
        .filter(|line| !line.contains(" () acl "))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn maps_are_shown_and_changed_as_in_haproxy() {
    let pair = Pair::start();
    for command in [
        "show map",
        "show map MAP",
        "show map nope",
        "show map #77",
        "get map",
        "get map MAP",
        "get map MAP /a",
        "get map MAP /z",
        "get map nope /a",
        "add map",
        "add map nope",
        "add map nope a b",
        "add map MAP",
        "add map MAP /k",
        "add map MAP /k v",
        "add map MAP /k\\ k v",
        "show map MAP",
        "set map",
        "set map nope a b",
        "set map MAP /a",
        "set map MAP /a 9",
        "set map MAP /z 9",
        "set map MAP #0x9999 9",
        "set map MAP #z 9",
        "show map MAP",
        "del map",
        "del map nope a",
        "del map MAP",
        "del map MAP /z",
        "del map MAP #0x9999",
        "del map MAP /b",
        "show map MAP",
        "prepare map",
        "prepare map nope",
        "prepare map MAP",
        "add map @1 MAP /n 1",
        "add map @9 MAP /n 1",
        "show map @1 MAP",
        "show map MAP",
        "show map",
        "commit map",
        "commit map @1",
        "commit map MAP",
        "commit map @1 nope",
        "commit map @9 MAP",
        "commit map @1 MAP",
        "commit map @1 MAP",
        "show map MAP",
        "show map",
        "clear map",
        "clear map nope",
        "clear map MAP",
        "show map MAP",
        "add map MAP <<\n/p 1\n/q 2\n",
        "show map MAP",
    ] {
        pair.same(command);
    }
}

#[test]
fn files_of_patterns_are_shown_and_changed_as_in_haproxy() {
    let pair = Pair::start();
    for command in [
        "show acl",
        "show acl HOSTS",
        "show acl #0",
        "show acl nope",
        "get acl",
        "get acl HOSTS",
        "get acl HOSTS BAD.example",
        "get acl HOSTS good.example",
        "get acl nope x",
        "add acl",
        "add acl nope x",
        "add acl HOSTS",
        "add acl HOSTS z.example",
        "show acl HOSTS",
        "del acl",
        "del acl HOSTS",
        "del acl HOSTS y.example",
        "del acl HOSTS #0x9999",
        "del acl HOSTS z.example",
        "prepare acl HOSTS",
        "add acl @1 HOSTS n.example",
        "add acl @9 HOSTS n.example",
        "show acl @1 HOSTS",
        "show acl",
        "commit acl",
        "commit acl @9 HOSTS",
        "commit acl @1 HOSTS",
        "show acl HOSTS",
        "clear acl",
        "clear acl nope",
        "clear acl HOSTS",
        "show acl HOSTS",
    ] {
        pair.same(command);
    }
}

#[test]
fn requests_see_a_change_at_once_and_a_version_when_it_is_committed() {
    let pair = Pair::start();
    let both = |command: &str| {
        let command = pair.named(command);
        for place in [&pair.haproxy.place, &pair.place] {
            let answer = place.ask(&command);
            assert!(answer.is_empty() || answer.starts_with("New"), "{answer}");
        }
    };
    let saw = |path, host, status: &str, x: &str| {
        let expected = (status.to_owned(), x.to_owned());
        assert_eq!(pair.seen(path, host), [expected.clone(), expected]);
    };
    saw("/a", "bad.example", "403", "");
    saw("/a", "b.example", "200", "1");
    both("set map MAP /a 9; add acl HOSTS b.example");
    saw("/a", "b.example", "403", "");
    saw("/a", "c.example", "200", "9");
    both("prepare map MAP; prepare acl HOSTS; add map @1 MAP /a 11; add acl @1 HOSTS c.example");
    saw("/a", "c.example", "200", "9");
    both("commit map @1 MAP; commit acl @1 HOSTS");
    saw("/a", "c.example", "403", "");
    saw("/a", "bad.example", "200", "11");
    saw("/b", "bad.example", "200", "none");
    both("clear map MAP; clear acl HOSTS");
    saw("/a", "c.example", "200", "none");
}

/// Where HAProxy takes what makes no sense, or half of it.
#[test]
fn what_fits_no_use_of_a_file_changes_nothing_and_is_logged() {
    let mut pair = Pair::start();
    let (numbers, nets) = (
        pair.map.replace(".map", ".numbers"),
        pair.map.replace(".map", ".nets"),
    );
    let before = pair
        .place
        .ask(&format!("show map {numbers}; show acl {nets}"));
    for (command, why) in [
        (format!("add map {numbers} /b x"), "not a whole number"),
        (format!("set map {numbers} /a x"), "not a whole number"),
        (
            format!("add map {numbers} <<\n/b 2\n/c x\n"),
            "not a whole number",
        ),
        (format!("add map {numbers} <<\n/b 2\n/c\n"), "missing value"),
        (format!("add map {numbers} a b c"), "expects three"),
        (format!("add acl {nets} nonsense"), "nonsense"),
        (format!("add map @0x {numbers} a 1"), "Version number"),
        (format!("show map @7 {numbers}"), "out of range"),
        (format!("clear map @7 {numbers}"), "out of range"),
        (
            "set weight web/a 1 <<\n/b\n".to_owned(),
            "no lines may follow",
        ),
        ("ad map x y z".to_owned(), "Unknown command"),
        ("set wieght web/a 1".to_owned(), "Unknown command"),
    ] {
        let answer = pair.place.ask(&command);
        assert!(answer.contains(why), "{command}: {answer}");
        if !command.starts_with("show") {
            let line = pair.lb.wait_for("refused: ");
            let what = command.lines().next().unwrap_or_default();
            assert!(line.contains(&format!(": {what}: refused: ")), "{line}");
        }
    }
    let after = pair
        .place
        .ask(&format!("show map {numbers}; show acl {nets}"));
    assert_eq!(after, before);
}

#[test]
fn the_command_line_takes_lines_and_tells_programs() {
    let pair = Pair::start();
    let ctl = |words: &[&str]| {
        let socket = ["ctl", "--socket", pair.place.path()];
        let words: Vec<_> = words.iter().map(|word| pair.named(word)).collect();
        let words = words.iter().map(String::as_str);
        crate::process::run(&socket.into_iter().chain(words).collect::<Vec<_>>())
    };
    let done = ctl(&["add map MAP <<\n/m one\n/n two three"]);
    assert_eq!((done.code, &*done.err), (0, ""));
    let shown = ctl(&["--json", "show map MAP"]).out;
    let shown: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
    let last = &shown["result"][4];
    assert_eq!(
        (&last["key"], &last["value"]),
        (&"/n".into(), &"two three".into())
    );
    let reference = format!("del map MAP #{}", last["ref"].as_str().expect("its name"));
    assert_eq!(ctl(&[&reference]).code, 0);
    assert!(!ctl(&["show", "map", "MAP"]).out.contains("/n"));
    for wrong in ["show info\nshow stat", "add map MAP <<\n/a 1\n\n/b 2"] {
        assert_eq!(ctl(&[wrong]).code, 2, "{wrong}");
    }
    let refused = ctl(&["--json", "del map nope /a"]).out;
    assert!(refused.contains("\"code\":\"no-such-map\""), "{refused}");
}
