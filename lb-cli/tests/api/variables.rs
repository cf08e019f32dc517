//! `get var` and `set var`: on HAProxy's socket and on `lb`'s, and what requests see.

use crate::{
    haproxy::Haproxy,
    process::{Peer, free},
    rig::{Rig, origin},
};

fn seen(door: std::net::SocketAddr) -> String {
    let mut client = Peer::connect(door);
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    let head = client.head();
    let value = head.lines().find_map(|line| line.strip_prefix("v: "));
    value.unwrap_or_default().to_owned()
}

#[test]
fn variables_of_the_process_are_read_and_set_as_in_haproxy() {
    let door = free();
    let rule = "http-request return status 200 hdr v %[var(proc.v)]";
    let haproxy = Haproxy::start(&format!(
        "defaults\n mode http\n timeout connect 1s\n timeout client 9s\n timeout server 9s\n\
         frontend web\n bind {door}\n {rule}\n"
    ));
    let mut rig = Rig::new(&format!(
        "[listen.web]\nbind = [\"FRONT\"]\n\
         http_request = [\"return status 200 hdr v %[var(proc.v)]\"]\n\
         server = [{{ name = \"a\", address = \"{}\" }}]\n",
        origin("a")
    ));
    // HAProxy sets variables only for those who experiment, and ends the answer to that with an empty line.
    let theirs = |command: &str| {
        let answer = haproxy
            .place
            .ask(&format!("experimental-mode on; {command}"));
        answer.trim_start_matches('\n').to_owned()
    };
    for command in [
        "get var",
        "get var proc.v",
        "get var proc.none",
        "get var txn.v",
        "get var v",
        "set var",
        "set var proc.v",
        "set var txn.v int(1)",
        "set var proc.v int(5)",
        "get var proc.v",
        "set var proc.v expr str(hello),upper",
        "get var proc.v",
        "set var proc.v bool(true)",
        "get var proc.v",
        "set var proc.v ipv4(10.0.0.1)",
        "get var proc.v",
    ] {
        assert_eq!(rig.place.ask(command), theirs(command), "{command}");
    }
    assert_eq!(seen(rig.front), "10.0.0.1");
    assert_eq!(seen(door), "10.0.0.1");
    rig.done("set var proc.v str(now)");
    assert_eq!(seen(rig.front), "now");
    let value = serde_json::json!([{ "name": "proc.v", "type": "str", "value": "now" }]);
    assert_eq!(rig.json("get var proc.v"), value);
    for wrong in [
        "proc.v path",
        "proc.v nonsense",
        "proc.v src",
        "proc.none int(1)",
        "proc.v fmt %[int(1)]",
    ] {
        rig.refused(&format!("set var {wrong}"));
        rig.lb.wait_for(&format!(": set var {wrong}: refused: "));
    }
    assert_eq!(seen(rig.front), "now");
}
