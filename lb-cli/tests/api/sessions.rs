//! `show sess` and `shutdown session`: connections that are there, and how one ends.

use std::net::SocketAddr;

use serde_json::Value;

use crate::{
    haproxy::Haproxy,
    process::{Origin, Peer, free},
    rig::{Place, Rig},
};

const REQUEST: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

/// What is said of the only connection.
fn only(rig: &Rig) -> Value {
    let sessions = rig.json("show sess");
    assert_eq!(sessions.as_array().map(Vec::len), Some(1), "{sessions}");
    sessions[0].clone()
}

fn wait_for_state(rig: &Rig, state: &str) {
    rig.lb.wait_until(state, |_| only(rig)["state"] == state);
}

#[test]
fn a_connection_is_shown_from_its_beginning_to_its_end() {
    let server = Origin::new();
    let rig = Rig::of(&[server.address()]);
    assert_eq!(rig.done("show sess"), "");
    let mut client = Peer::connect(rig.front);
    rig.lb.wait_until("it is there", |_| {
        rig.done("show sess").contains(" reqs=0 ")
    });
    let seen = only(&rig);
    assert_eq!(
        (&seen["state"], &seen["backend"]),
        (&"idle".into(), &Value::Null)
    );

    client.send(REQUEST);
    let (mut peer, _) = server.accept();
    let seen = only(&rig);
    let names = ["frontend", "backend", "server", "state"].map(|name| seen[name].clone());
    assert_eq!(names, ["web", "app", "a", "request"].map(Value::from));
    assert_eq!(seen["requests"], 1);
    let line = rig.done("show sess");
    assert!(line.contains(" fe=web be=app srv=a age="), "{line}");
    let id = seen["id"].as_str().expect("its name");
    for long in [
        rig.done(&format!("show sess {id}")),
        rig.done("show sess all"),
    ] {
        assert!(
            long.contains("\n  frontend=web, listener=? (id=1) addr=127.0.0.1:"),
            "{long}"
        );
        assert!(long.contains("\n  backend=app\n  server=a\n"), "{long}");
    }

    peer.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    let head = client.head();
    assert_eq!(client.body(&head), "ok");
    wait_for_state(&rig, "idle");
    let seen = only(&rig);
    assert_eq!(
        (&seen["server"], &seen["requests"]),
        (&Value::Null, &1.into())
    );
    drop(client);
    rig.lb
        .wait_until("it is gone", |_| rig.done("show sess").is_empty());
}

#[test]
fn a_connection_is_ended_and_its_request_logged_as_killed() {
    let server = Origin::new();
    let mut rig = Rig::new(&format!(
        "log = [{{ to = \"stdout\" }}]\n[frontend.web]\nbind = [\"FRONT\"]\ndefault_backend = \"app\"\n\
         [backend.app]\nserver = [{{ name = \"a\", address = \"{}\" }}]\n",
        server.address()
    ));
    for (sent, flags) in [
        ("", " KH-- "),
        ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", " KD-- "),
    ] {
        let mut client = Peer::connect(rig.front);
        let mut other = Peer::connect(rig.front);
        client.send(REQUEST);
        let (mut peer, _) = server.accept();
        peer.send(sent);
        if !sent.is_empty() {
            client.head();
        }
        rig.lb.wait_until("both are there", |_| {
            rig.done("show sess").lines().count() == 2
        });
        let sessions = rig.json("show sess");
        let mut sessions = sessions.as_array().expect("an array").iter();
        let busy = sessions.find(|one| one["state"] == "request");
        let id = busy.and_then(|one| one["id"].as_str()).expect("it waits");
        rig.done(&format!("shutdown session {id}"));
        assert!(!client.rest().contains("HTTP"));
        assert_eq!(peer.rest(), "");
        let line = rig.lb.wait_for(flags);
        assert!(line.contains(" web app/a "), "{line}");
        // Nobody else has noticed.
        other.send(REQUEST);
        let (mut peer, _) = server.accept();
        peer.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        assert!(other.head().starts_with("http/1.1 200 "));
        drop(other);
        rig.lb
            .wait_until("all are gone", |_| rig.done("show sess").is_empty());
    }
    rig.refused("shutdown session 0x99");
    let line = rig.lb.wait_for("refused: ");
    assert!(
        line.contains(": shutdown session 0x99: refused: No such session"),
        "{line}"
    );
}

/// The start of HAProxy's line about the client of a frontend.
fn beginning(answer: &str) -> Vec<String> {
    let of_client = |line: &&str| line.contains(" fe=web ");
    let line = answer.lines().find(of_client).expect("a connection");
    let words = line
        .split(' ')
        .skip(1)
        .filter(|word| !word.starts_with("src=127.0.0.1:"));
    words.take(4).map(ToOwned::to_owned).collect()
}

#[test]
fn the_words_are_haproxys() {
    let (server, door) = (Origin::new(), free());
    let address: SocketAddr = server.address();
    let haproxy = Haproxy::start(&format!(
        "defaults\n mode http\n timeout connect 1s\n timeout client 9s\n timeout server 9s\n\
         frontend web\n bind {door}\n default_backend app\nbackend app\n server a {address}\n"
    ));
    let rig = Rig::of(&[address]);
    for command in [
        "show sess 0x99",
        "shutdown session",
        "shutdown session foo",
        "shutdown session 0x99",
    ] {
        assert_eq!(
            rig.place.ask(command),
            haproxy.place.ask(command),
            "{command}"
        );
    }
    let seen = |place: &Place, door| {
        let mut client = Peer::connect(door);
        client.send(REQUEST);
        let (peer, _) = server.accept();
        let answer = place.ask("show sess");
        drop(peer);
        beginning(&answer)
    };
    let theirs = seen(&haproxy.place, door);
    assert_eq!(theirs, ["proto=tcpv4", "fe=web", "be=app", "srv=a"]);
    assert_eq!(seen(&rig.place, rig.front), theirs);
}
