//! What a change does to traffic.

use std::{net::TcpStream, thread};

use crate::{
    process::{Origin, Peer, free},
    rig::{Rig, get, origin},
};

#[test]
fn a_state_decides_who_gets_requests() {
    let rig = Rig::of(&[origin("a"), origin("b")]);
    assert_eq!(rig.names(4), "abab");
    assert_eq!(rig.done("set server app/a state drain"), "");
    assert_eq!(rig.names(3), "bbb");
    rig.done("set server app/a state ready; disable server app/b");
    assert_eq!(rig.names(3), "aaa");
    rig.done("enable server app/b");
    let names = rig.names(4);
    assert_eq!(names.matches('b').count(), 2, "{names}");
}

#[test]
fn weights_are_followed_at_once() {
    let rig = Rig::of(&[origin("a"), origin("b")]);
    rig.done("set weight app/a 3");
    let names = rig.names(8);
    assert_eq!(names.matches('a').count(), 6, "{names}");
    // Half of 1 is nothing, as in HAProxy.
    rig.done("set server app/b weight 50%");
    assert_eq!(rig.done("get weight app/b"), "0 (initial 1)\n");
    assert_eq!(rig.names(3), "aaa");
}

#[test]
fn a_server_that_moves_takes_its_counts_along() {
    let (first, second) = (origin("a"), origin("z"));
    let rig = Rig::of(&[first]);
    // One connection that is kept open between its requests, and the server's with it.
    let mut client = Peer::connect(rig.front);
    let mut ask = || {
        client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
        let head = client.head();
        client.body(&head)
    };
    assert_eq!(ask(), "a");
    let port = second.port();
    let moved = rig.done(&format!("set server app/a addr 127.0.0.1 port {port}"));
    let said = format!(
        "no need to change the addr, port changed from '{}' to '{port}' by 'stats socket command'\n",
        first.port()
    );
    assert_eq!(moved, said);
    assert_eq!(ask(), "z");
    drop(client);
    assert_eq!(rig.stat("a", "stot"), 2);
    assert!(
        rig.done("show servers state")
            .contains(&format!(" {port} "))
    );
}

#[test]
fn a_request_under_way_ends_where_it_began_and_its_connection_with_it() {
    let (old, new) = (Origin::new(), origin("z"));
    let rig = Rig::of(&[old.address()]);
    let mut client = Peer::connect(rig.front);
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    let (mut server, _) = old.accept();
    rig.done(&format!(
        "set server app/a addr 127.0.0.1 port {}",
        new.port()
    ));
    server.send("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nold");
    let head = client.head();
    assert_eq!(client.body(&head), "old");
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    let head = client.head();
    assert_eq!(client.body(&head), "z");
    assert_eq!(server.rest(), "");
}

#[test]
fn a_server_can_be_added_and_deleted() {
    let (a, n) = (origin("a"), origin("n"));
    let rig = Rig::of(&[a]);
    let added = rig.done(&format!("add server app/n {n} weight 3 maxconn 7"));
    assert_eq!(added, "New server registered.\n");
    // In maintenance at first.
    assert_eq!(rig.names(2), "aa");
    let why = "Already exists a server with the same name in backend.";
    assert_eq!(rig.refused(&format!("add server app/n {n}")), why);
    rig.done("enable server app/n");
    let names = rig.names(8);
    assert_eq!(names.matches('n').count(), 6, "{names}");
    assert_eq!(
        (rig.stat("n", "stot"), rig.stat("n", "hrsp_2xx")),
        (6.into(), 6.into())
    );
    assert_eq!(
        (rig.stat("n", "slim"), rig.stat("n", "sid")),
        (7.into(), 2.into())
    );
    let why = "Only servers in maintenance mode can be deleted.";
    assert_eq!(rig.refused("del server app/n"), why);
    rig.done("disable server app/n");
    assert_eq!(rig.done("del server app/n"), "Server deleted.\n");
    assert_eq!(rig.refused("enable server app/n"), "No such server.");
    assert_eq!(rig.names(2), "aa");
    // One of the same name begins anew.
    rig.done(&format!("add server app/n {n}; enable server app/n"));
    assert_eq!(rig.stat("n", "stot"), 0);
    rig.names(2);
    assert_eq!(rig.stat("n", "stot"), 1);
}

#[test]
fn a_server_that_is_added_is_checked_if_it_is_to_be() {
    let mut rig = Rig::of(&[origin("a")]);
    let nobody = free();
    rig.done(&format!(
        "add server app/n {nobody} check inter 50ms fall 1"
    ));
    assert_eq!(
        rig.refused("enable health app/a"),
        "Health check was not configured on this server, cannot enable."
    );
    rig.done("enable server app/n");
    rig.lb.wait_for("Server app/n is DOWN");
    assert_eq!(rig.stat("n", "check_status"), "L4CON");
    assert_eq!(rig.names(2), "aa");
    // Health that is set holds until the next check.
    rig.done("disable health app/n");
    rig.lb.wait_until("its checks are off", |_| {
        rig.place.ask("show servers state").contains(" 2 0 0 0 - ")
    });
}

#[test]
fn a_server_with_a_request_cannot_be_deleted() {
    let server = Origin::new();
    let rig = Rig::of(&[server.address()]);
    let mut client = Peer::connect(rig.front);
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    let (mut peer, _) = server.accept();
    rig.done("disable server app/a");
    let why = "Server still has connections attached to it, cannot remove it.";
    assert_eq!(rig.refused("del server app/a"), why);
    peer.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    let head = client.head();
    assert_eq!(client.body(&head), "ok");
    rig.lb
        .wait_until("it is idle", |_| rig.ctl(&["del server app/a"]).code == 0);
}

#[test]
fn a_frontend_is_disabled_enabled_and_shut_down() {
    let rig = Rig::of(&[origin("a")]);
    // A client that is there stays.
    let mut client = Peer::connect(rig.front);
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    let head = client.head();
    assert_eq!(client.body(&head), "a");
    for _ in 0..3 {
        assert_eq!(rig.done("disable frontend web"), "");
        assert_eq!(
            rig.done("disable frontend web"),
            "All sockets are already disabled.\n"
        );
        assert_eq!(rig.stat("FRONTEND", "status"), "PAUSED");
        rig.lb.wait_until("nobody is let in", |_| {
            TcpStream::connect(rig.front).is_err()
        });
        rig.done("enable frontend web");
        assert_eq!(rig.stat("FRONTEND", "status"), "OPEN");
        rig.lb.wait_until("clients are let in", |_| {
            get(rig.front).as_deref() == Some("a")
        });
    }
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    let head = client.head();
    assert_eq!(client.body(&head), "a");
    rig.done("shutdown frontend web");
    rig.lb.wait_until("nobody is let in", |_| {
        TcpStream::connect(rig.front).is_err()
    });
    let why = "Frontend was previously shut down, cannot enable.";
    assert_eq!(rig.refused("enable frontend web"), why);
    assert_eq!(rig.stat("FRONTEND", "status"), "STOP");
}

#[test]
fn limits_hold_from_the_next_connection_on() {
    let server = Origin::new();
    let rig = Rig::of(&[server.address()]);
    rig.done("set maxconn server app/a 1");
    let mut clients: Vec<_> = (0..2).map(|_| Peer::connect(rig.front)).collect();
    clients[0].send("GET /0 HTTP/1.1\r\nhost: a\r\n\r\n");
    let (mut first, _) = server.accept();
    clients[1].send("GET /1 HTTP/1.1\r\nhost: a\r\n\r\n");
    rig.lb
        .wait_until("the second waits", |_| rig.stat("BACKEND", "qcur") == 1);
    // A higher limit lets it go at once.
    rig.done("set maxconn server app/a 2");
    let (mut second, _) = server.accept();
    for (peer, client) in [&mut first, &mut second].into_iter().zip(&mut clients) {
        peer.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        let head = client.head();
        assert_eq!(client.body(&head), "ok");
    }
    drop(clients);
    rig.done("set maxconn frontend web 1; set maxconn global 50");
    assert_eq!(rig.stat("FRONTEND", "slim"), 1);
    assert_eq!(rig.json("show info")["Maxconn"], 50);
    assert_eq!(rig.refused("set maxconn global 101"), "Value out of range.");
    rig.done("set maxconn global 0");
    assert_eq!(rig.json("show info")["Maxconn"], 100);
}

#[test]
fn counters_are_cleared() {
    let rig = Rig::of(&[origin("a")]);
    rig.names(3);
    assert_eq!(
        (rig.stat("a", "stot"), rig.stat("FRONTEND", "req_tot")),
        (3.into(), 3.into())
    );
    rig.done("clear counters");
    assert_eq!(rig.stat("a", "stot"), 3);
    rig.lb.wait_until("all is counted", |_| {
        rig.stat("FRONTEND", "bout") != 0 && rig.stat("FRONTEND", "scur") == 0
    });
    rig.done("clear counters all");
    for (row, column) in [
        ("a", "stot"),
        ("a", "bout"),
        ("a", "lbtot"),
        ("a", "hrsp_2xx"),
        ("FRONTEND", "req_tot"),
        ("FRONTEND", "conn_tot"),
        ("FRONTEND", "bout"),
        ("FRONTEND", "smax"),
        ("BACKEND", "stot"),
        ("BACKEND", "ttime_max"),
    ] {
        assert_eq!(rig.stat(row, column), 0, "{row} {column}");
    }
    rig.names(2);
    rig.done("clear counters all");
    rig.names(1);
    assert_eq!(rig.stat("a", "stot"), 1);
}

#[test]
fn sessions_of_a_server_are_broken_off_where_that_was_prepared() {
    let server = Origin::new();
    let address = server.address();
    let rig = Rig::new(&format!(
        "[listen.web]\nbind = [\"FRONT\"]\nserver = [{{ name = \"a\", address = \"{address}\", \
         on_marked_down = \"shutdown-sessions\" }}, {{ name = \"b\", address = \"{address}\", backup = true }}]\n"
    ));
    let mut client = Peer::connect(rig.front);
    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n");
    let (mut peer, _) = server.accept();
    rig.done("shutdown sessions server web/a");
    assert_eq!(peer.rest(), "");
    assert!(
        rig.refused("shutdown sessions server web/b")
            .contains("on_marked_down")
    );
}

#[test]
fn every_change_is_logged_once_with_who_made_it() {
    let mut rig = Rig::of(&[origin("a")]);
    rig.done("show servers state");
    rig.refused("set weight app/a x");
    rig.done("set weight app/a 5");
    let uid = rustix::process::getuid().as_raw();
    let line = rig.lb.wait_for("admin socket");
    let text = format!("admin socket, uid {uid}: set weight app/a x: refused: ");
    assert!(line.contains(&text), "{line}");
    let line = rig.lb.wait_for("admin socket");
    let text = format!("admin socket, uid {uid}: set weight app/a 5");
    assert!(line.ends_with(&text), "{line}");
    rig.done("disable server app/a");
    let line = rig.lb.wait_for("admin socket");
    assert!(line.ends_with(": disable server app/a"), "{line}");
}

#[test]
fn thousands_of_commands_from_several_at_a_time_are_all_done() {
    let rig = Rig::of(&[origin("a"), origin("b")]);
    let address = origin("n");
    thread::scope(|scope| {
        for at in 0..4 {
            let place = &rig.place;
            scope.spawn(move || {
                for round in 0..25 {
                    let name = format!("app/n{at}-{round}");
                    let added = place.ask(&format!(
                        "add server {name} {address}; enable server {name}; set weight {name} 2; get weight {name}"
                    ));
                    assert!(added.ends_with("2 (initial 1)"), "{added}");
                    let line = ["set weight app/a 7;"; 100].concat();
                    assert_eq!(place.ask(&line), "");
                    let gone = place.ask(&format!("disable server {name}; del server {name}"));
                    assert!(gone.ends_with("Server deleted."), "{gone}");
                }
            });
        }
    });
    assert_eq!(rig.done("get weight app/a"), "7 (initial 1)\n");
    assert_eq!(rig.done("show servers state").lines().count(), 2 + 2);
    let names = rig.names(8);
    assert_eq!(names.matches('a').count(), 7, "{names}");
}
