//! What is answered, in which form, and how `lb ctl` ends.

use serde_json::Value;

use crate::{
    process::{File, Running, run},
    rig::{Rig, origin},
};

fn answers(text: &str) -> Vec<Value> {
    let lines = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    lines.collect()
}

#[test]
fn an_answer_is_json_where_that_is_wanted() {
    let rig = Rig::of(&[origin("a")]);
    let done = rig.ctl(&[
        "--json",
        "get weight app/a; set weight app/a 2; show backend",
    ]);
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    let lines: Vec<_> = done.out.lines().collect();
    assert_eq!(
        lines,
        [
            r#"{"ok":true,"result":"1 (initial 1)"}"#,
            r#"{"ok":true,"result":null}"#,
            r#"{"ok":true,"result":[{"name":"app"}]}"#,
        ]
    );
    // On the socket it is a word before the line.
    assert_eq!(
        rig.place.ask("json get weight app/a"),
        r#"{"ok":true,"result":"2 (initial 1)"}"#
    );
    let state = &rig.json("show servers state")[0];
    assert_eq!(
        (&state["srv_name"], &state["srv_uweight"]),
        (&"a".into(), &2.into())
    );
    assert_eq!(state["srv_fqdn"], Value::Null);
    assert_eq!(rig.json("show servers conn")[0]["idle_of_worker_1"], 0);
}

#[test]
fn a_refusal_has_a_code_and_an_exit_code() {
    let rig = Rig::of(&[origin("a")]);
    let commands = [
        ("set weight nope/a 1", "no-such-backend", "No such backend."),
        ("set weight app/z 1", "no-such-server", "No such server."),
        ("set weight app 1", "usage", "Require 'backend/server'."),
        (
            "disable frontend app",
            "no-such-frontend",
            "No such frontend.",
        ),
        ("show stat nope 1 -1", "no-such-proxy", "No such proxy."),
        (
            "show servers state nope",
            "no-such-backend",
            "Can't find backend.",
        ),
        (
            "set weight app/a 257",
            "invalid-value",
            "Absolute weight can only be between 0 and 256 inclusive.",
        ),
        (
            "del server app/a",
            "conflict",
            "Only servers in maintenance mode can be deleted.",
        ),
        ("show table nope", "no-such-table", "No such table"),
        (
            "set map nope a b",
            "no-such-map",
            "Unknown map identifier. Please use #<id> or <file>.",
        ),
        (
            "set rate-limit sessions global 5",
            "not-supported",
            "`set rate-limit` is not supported by this version of lb yet",
        ),
        (
            "show stat upp",
            "usage",
            "usage: show stat [<iid>|<proxy> <type> <sid>] [typed|json] [up|no-maint]",
        ),
        (
            "show backend app",
            "usage",
            "wrong number of words: it is `show backend`",
        ),
    ];
    for (command, code, message) in commands {
        let done = rig.ctl(&["--json", command]);
        let error = &answers(&done.out)[0]["error"];
        assert_eq!((done.code, &error["code"]), (1, &code.into()), "{command}");
        assert_eq!(error["message"], message, "{command}");
        assert_eq!(rig.refused(command), message);
        // As HAProxy says it, where nobody asked for more.
        assert_eq!(rig.place.ask(command), message);
        let severe = rig
            .place
            .ask(&format!("set severity-output number; {command}"));
        assert_eq!(severe, format!("\n[3]: {message}"));
    }
    let done = rig.ctl(&["--json", "xyzzy; show version"]);
    let both = answers(&done.out);
    assert_eq!(
        (done.code, &both[0]["error"]["code"]),
        (1, &"unknown-command".into())
    );
    assert_eq!(both[1]["result"], env!("CARGO_PKG_VERSION"));
    assert_eq!(run(&["ctl", "--json"]).code, 2);
    assert_eq!(
        run(&["ctl", "--json", "--socket", "/nonexistent", "show", "info"]).code,
        4
    );
}

#[test]
fn what_is_no_line_of_commands_is_refused() {
    let rig = Rig::of(&[origin("a")]);
    let long = rig.ctl(&[&"x".repeat(20_000)]);
    assert_eq!((long.code, long.out.as_str()), (2, ""));
    assert!(
        long.err.contains("a line has at most 16384 octets"),
        "{}",
        long.err
    );
    let long = rig.place.ask(&"x".repeat(20_000));
    assert_eq!(long, "a line has at most 16384 octets");
    assert_eq!(rig.place.ask("json"), "`json` stands before a command");
    let why = "one of 'none', 'number', 'string' is a required argument";
    assert_eq!(rig.place.ask("set severity-output loud"), why);
}

#[test]
fn a_level_that_looks_cannot_change() {
    let place = crate::rig::Place::new();
    let text = format!(
        "[global]\nadmin = {{ socket = \"{}\", level = \"user\" }}\n[listen.web]\nbind = [\"FRONT\"]\n\
         server = [{{ name = \"s\", address = \"{}\" }}]\n",
        place.path(),
        origin("a")
    );
    let (_lb, _) = Running::serve(&text);
    assert_eq!(place.ask("get weight web/s"), "1 (initial 1)");
    for command in [
        "set weight web/s 2",
        "disable frontend web",
        "clear counters",
        "dump-config",
    ] {
        let refused = place.ask(command);
        assert!(
            refused.starts_with("Permission denied"),
            "{command}: {refused}"
        );
    }
    assert_eq!(place.ask("get weight web/s"), "1 (initial 1)");
}

#[test]
fn the_configuration_is_dumped_with_what_was_changed() {
    let rig = Rig::of(&[origin("a"), origin("b"), origin("c")]);
    let n = origin("n");
    rig.done("set weight app/a 7; disable server app/b; set maxconn server app/a 9; set maxconn frontend web 12");
    rig.done("set server app/a addr 127.0.0.9 port 99; set server app/c state drain; set maxconn global 60");
    rig.done(&format!(
        "add server app/n {n} check inter 7s cookie nc; enable server app/n; disable frontend web"
    ));
    let dump = rig.done("dump-config");
    let mut notes = dump.lines().take_while(|line| line.starts_with('#'));
    assert_eq!(
        notes.next(),
        Some("# frontend web is disabled, which no key says")
    );
    assert_eq!(
        notes.next(),
        Some("# server app/c is in drain: its weight of 1 is written as 0")
    );
    let file = File::new(&dump);
    let check = run(&["check", file.path(), "--print"]);
    assert_eq!(check.code, 0, "{}", check.err);
    let read: toml::Table = check.out.parse().expect("TOML");
    let servers = read["backend"]["app"]["server"]
        .as_array()
        .expect("servers");
    assert_eq!(servers.len(), 4);
    let of = |at: usize, key: &str| servers[at][key].clone();
    assert_eq!((of(0, "weight"), of(0, "maxconn")), (7.into(), 9.into()));
    assert_eq!(of(0, "address"), "127.0.0.9:99".into());
    assert_eq!(
        (of(1, "disabled"), of(2, "weight")),
        (true.into(), 0.into())
    );
    assert_eq!(
        (of(3, "name"), of(3, "cookie"), of(3, "disabled")),
        ("n".into(), "nc".into(), false.into())
    );
    assert_eq!(of(3, "check")["interval"], "7s".into());
    assert_eq!(read["frontend"]["web"]["maxconn"], 12.into());
    assert_eq!(read["global"]["maxconn"], 60.into());
}
