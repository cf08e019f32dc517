//! `show table`, `set table`, `clear table`: on HAProxy's socket and on `lb`'s.

use crate::{
    haproxy::Haproxy,
    process::{Origin, Peer, Running, free},
    rig::{Place, get, origin},
};

struct Pair {
    haproxy: Haproxy,
    place: Place,
    lb: Running,
    doors: [std::net::SocketAddr; 2],
}

impl Pair {
    fn start() -> Self {
        let (door, server, place) = (free(), origin("s"), Place::new());
        // HAProxy shows the last one first.
        let haproxy = Haproxy::start(&format!(
            "defaults\n mode http\n timeout connect 1s\n timeout client 5s\n timeout server 5s\n\
             frontend web\n bind {door}\n http-request track-sc0 src table t1\n default_backend app\n\
             backend app\n server s1 {server}\n\
             backend t3\n stick-table type integer size 10 nopurge store conn_cur\n\
             backend t2\n stick-table type string len 16 size 10 store gpc(3),gpc_rate(2,10s),server_id\n\
             backend t1\n stick-table type ip size 100 expire 1h store gpc0,conn_cnt,http_req_rate(1h),gpt0\n"
        ));
        let (lb, front) = Running::serve(&format!(
            "[global]\nworkers = 1\nadmin = {{ socket = \"{}\" }}\n\
             [table.t1]\ntype = \"ip\"\nsize = 100\nexpire = \"1h\"\n\
             store = [\"gpc0\", \"conn_cnt\", \"http_req_rate(1h)\", \"gpt0\"]\n\
             [table.t2]\ntype = \"string 16\"\nsize = 10\nstore = [\"gpc(3)\", \"gpc_rate(2,10s)\", \"server_id\"]\n\
             [table.t3]\ntype = \"integer\"\nsize = 10\nnopurge = true\nstore = [\"conn_cur\"]\n\
             [frontend.web]\nbind = [\"FRONT\"]\nhttp_request = [\"track-sc0 src table t1\"]\ndefault_backend = \"app\"\n\
             [backend.app]\nserver = [{{ name = \"s1\", address = \"{server}\" }}]\n",
            place.path()
        ));
        Self {
            haproxy,
            place,
            lb,
            doors: [door, front],
        }
    }

    fn same(&self, command: &str) {
        let theirs = settled(&self.haproxy.place.ask(command));
        let ours = settled(&self.place.ask(command));
        assert_eq!(ours, theirs, "{command}");
    }
}

/// Without places in memory and the time that is left.
fn settled(answer: &str) -> String {
    let word = |word: &str| match word.split_once('=') {
        Some(("exp", left)) => format!("exp={}", if left == "0" { "0" } else { "_" }),
        _ if word.starts_with("0x") => "0x:".to_owned(),
        _ => word.to_owned(),
    };
    let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
    answer.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn tables_are_shown_and_changed_as_in_haproxy() {
    let pair = Pair::start();
    for door in pair.doors {
        assert_eq!(get(door).as_deref(), Some("s"));
    }
    for command in [
        "show table",
        "show table t1",
        "show table nope",
        "show table t1 foo",
        "show table t1 data.gpc0",
        "show table t1 data.gpc0 xx 1",
        "show table t1 data.gpc0 gt",
        "show table t1 data.gpc0 gt x",
        "show table t1 data.foo gt 1",
        "show table t1 data.conn_rate gt 1",
        "show table t1 data.gpc0 gt 0 foo",
        "show table t1 key",
        "show table t1 key 192.0.2.1",
        "show table t3 key x",
        "set table",
        "set table nope",
        "set table t1 foo",
        "set table t1 key",
        "set table t1 key 192.0.2.1",
        "set table t1 key 192.0.2.2 data.gpc0",
        "set table t1 key 192.0.2.2 data.gpc0 x",
        "set table t1 key 192.0.2.2 data.foo 5",
        "set table t1 key 192.0.2.2 data.gpc1 5",
        "set table t1 key 192.0.2.2 foo",
        "set table t1 key 192.0.2.2 gpc0 6",
        "set table t1 key 192.0.2.2 data.gpc0 7 data.conn_cnt 8",
        "set table t1 key 192.0.2.2 data.http_req_rate 5",
        "show table t1 key 192.0.2.2",
        "show table t1 key 127.0.0.1",
        "show table t1 data.gpc0 gt 6",
        "show table t1 data.gpc0 ge 7",
        "show table t1 data.gpc0 gt 7",
        "show table t1 data.gpc0 lt 7",
        "show table t1 data.gpc0 ne 7",
        "show table t1 data.gpc0 gt 6 data.conn_cnt eq 9",
        "show table t1 data.gpc0 gt 6 data.conn_cnt le 8",
        "set table t2 key abc data.server_id 5",
        "set table t2 key abc data.gpc 5",
        "set table t2 key a\\ b\\\\=é data.server_id 5",
        "set table t2 key abcdefghijklmnopqrstuvwxyz data.server_id 1",
        "set table t3 key 5 data.conn_cur 3",
        "set table t3 key x data.conn_cur 3",
        "set table t3 key -1 data.conn_cur 3",
        "show table t2",
        "show table t3",
        "show table t2 key abc",
        "show table t3 key 5",
        "show table",
        "clear table",
        "clear table nope",
        "clear table t1 foo",
        "clear table t1 key",
        "clear table t1 key 192.0.2.77",
        "clear table t1 key 192.0.2.2",
        "show table t1 key 192.0.2.2",
        "clear table t1 data.gpc0 gt",
        "clear table t1 data.gpc0 gt 100",
        "clear table t2 data.server_id eq 5",
        "show table t2",
        "clear table t3",
        "show table t3",
    ] {
        pair.same(command);
    }
}

/// Where HAProxy takes any text for an address, or does half of what it is told.
#[test]
fn what_makes_no_sense_changes_nothing_and_is_logged() {
    let mut pair = Pair::start();
    for (command, why) in [
        ("set table t1 key nonsense data.gpc0 1", "Invalid key"),
        (
            "set table t1 key 192.0.2.2 data.gpc0 9 data.foo 8",
            "Unknown data type",
        ),
        ("set table t1 key 192.0.2.2 data.gpc0 -1", "valid integer"),
        ("set table t1", "Required arguments"),
        ("clear table t1 key 127.0.0.1 more", "Required arguments"),
        ("clear table t4", "No such table"),
    ] {
        assert!(pair.place.ask(command).contains(why), "{command}");
        let line = pair.lb.wait_for("refused: ");
        assert!(line.contains(&format!(": {command}: refused: ")), "{line}");
    }
    assert!(pair.place.ask("show table t1").ends_with("used:0"));
    for key in 0..10 {
        assert_eq!(
            pair.place
                .ask(&format!("set table t3 key {key} data.conn_cur 1")),
            ""
        );
    }
    let full = pair.place.ask("set table t3 key 10 data.conn_cur 1");
    assert_eq!(full, "Unable to allocate a new entry");
}

#[test]
fn rules_go_on_from_what_was_set_and_a_key_in_use_stays() {
    let server = Origin::new();
    let place = Place::new();
    let (lb, front) = Running::serve(&format!(
        "[global]\nworkers = 1\nadmin = {{ socket = \"{}\" }}\n\
         [table.t]\ntype = \"ip\"\nsize = 10\nstore = [\"gpc0\", \"conn_cur\"]\n\
         [frontend.web]\nbind = [\"FRONT\"]\ndefault_backend = \"app\"\n\
         http_request = [\"track-sc0 src table t\", \"deny if {{ sc0_get_gpc0 gt 5 }}\"]\n\
         [backend.app]\nserver = [{{ name = \"s1\", address = \"{}\" }}]\n",
        place.path(),
        server.address(),
    ));
    let mut client = Peer::connect(front);
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    let (mut peer, _) = server.accept();
    let shown = settled(&place.ask("show table t key 127.0.0.1"));
    assert!(
        shown.ends_with("key=127.0.0.1 use=1 exp=0 gpc0=0 conn_cur=1"),
        "{shown}"
    );
    let refused = place.ask("clear table t key 127.0.0.1");
    assert_eq!(refused, "Entry currently in use, cannot remove");
    assert_eq!(
        place.ask("clear table t; set table t key 127.0.0.1 data.gpc0 6"),
        ""
    );
    peer.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    let head = client.head();
    assert!(head.starts_with("http/1.1 200 "), "{head}");
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    assert!(client.head().starts_with("http/1.1 403 "));
    lb.wait_until("nobody uses the key", |_| {
        place.ask("show table t").contains(" use=0 ")
    });
    let done = crate::process::run(&[
        "ctl",
        "--socket",
        place.path(),
        "--json",
        "show table; show table t",
    ]);
    let mut lines = done.out.lines().map(|line| {
        let answer: serde_json::Value = serde_json::from_str(line).expect("JSON");
        answer["result"][0].clone()
    });
    let summary = serde_json::json!({ "table": "t", "type": "ip", "size": 10, "used": 1 });
    assert_eq!(lines.next(), Some(summary));
    let entry =
        serde_json::json!({ "key": "127.0.0.1", "use": 0, "exp": 0, "gpc0": 6, "conn_cur": 0 });
    assert_eq!(lines.next(), Some(entry));
    assert_eq!(
        place.ask("clear table t key 127.0.0.1; show table t key 127.0.0.1"),
        ""
    );
}
