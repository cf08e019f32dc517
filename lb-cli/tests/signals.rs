//! How `lb serve` ends: the real process, real signals.

mod process;

use std::net::TcpStream;

use process::{Origin, Peer, Running};
use rustix::process::Signal;

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
/// Longer than any test waits: nothing is cut.
const NEVER: &str = "1h";

fn serve(origin: &Origin, hard_stop_after: &str, more: &str) -> (Running, std::net::SocketAddr) {
    Running::serve(&format!(
        "[global]\nworkers = 2\nhard_stop_after = \"{hard_stop_after}\"\nlog = [{{ to = \"stdout\" }}]\n\
         [defaults.timeout]\nhttp_keep_alive = \"1h\"\nhttp_request = \"1h\"\n\
         [listen.web]\nbind = [\"FRONT\"]\n{more}\n\
         server = [{{ name = \"s\", address = \"{}\" }}]\n",
        origin.address()
    ))
}

/// A connection that has had a response and waits for nothing.
fn idle(front: std::net::SocketAddr, origin: &Origin) -> (Peer, Peer) {
    let mut client = Peer::connect(front);
    client.send(GET);
    let (mut server, _) = origin.accept();
    server.send(OK);
    let head = client.head();
    assert!(!head.contains("connection: close"), "{head}");
    assert_eq!(client.body(&head), "ok");
    (client, server)
}

/// A connection whose request is at the server.
fn busy(front: std::net::SocketAddr, origin: &Origin) -> (Peer, Peer) {
    let mut client = Peer::connect(front);
    client.send(GET);
    let (server, _) = origin.accept();
    (client, server)
}

#[test]
fn sigterm_closes_idle_connections_and_finishes_requests() {
    let origin = Origin::new();
    let (mut lb, front) = serve(&origin, NEVER, "http_reuse = \"never\"");
    let (mut idle, _kept) = idle(front, &origin);
    let (mut client, mut server) = busy(front, &origin);
    lb.signal(Signal::TERM);
    lb.wait_for("stopping on SIGTERM");
    assert_eq!(idle.rest(), "");
    assert!(lb.is_running());
    server.send(OK);
    let head = client.head();
    assert!(head.contains("connection: close"), "{head}");
    assert_eq!(client.body(&head), "ok");
    assert_eq!(client.rest(), "");
    let (status, log) = lb.end();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("web web/s") && log.contains(" 200 "), "{log}");
    assert!(TcpStream::connect(front).is_err());
}

#[test]
fn a_body_in_progress_is_finished() {
    let origin = Origin::new();
    let (mut lb, front) = serve(&origin, NEVER, "");
    let (mut client, mut server) = busy(front, &origin);
    server.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
    let head = client.head();
    lb.signal(Signal::TERM);
    lb.wait_for("stopping on SIGTERM");
    server.send("cd");
    assert_eq!(client.body(&head), "abcd");
    assert_eq!(client.rest(), "");
    assert_eq!(lb.end().0.code(), Some(0));
}

#[test]
fn what_is_slow_is_cut_at_the_hard_stop() {
    let origin = Origin::new();
    let (mut lb, front) = serve(&origin, "200ms", "http_reuse = \"never\"");
    let (mut waiting, _silent) = busy(front, &origin);
    let (mut halfway, mut slow) = busy(front, &origin);
    slow.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
    halfway.head();
    lb.signal(Signal::TERM);
    assert_eq!(waiting.rest(), "");
    assert_eq!(halfway.rest(), "ab");
    let (status, log) = lb.end();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(
        log.contains("the time is over, connections are cut"),
        "{log}"
    );
    // As HAProxy logs them.
    assert!(log.contains(" - - KH"), "{log}");
    assert!(log.contains(" - - KD"), "{log}");
}

#[test]
fn sigint_stops_at_once() {
    let origin = Origin::new();
    let (mut lb, front) = serve(&origin, NEVER, "");
    let (mut client, _silent) = busy(front, &origin);
    lb.signal(Signal::INT);
    assert_eq!(client.rest(), "");
    let (status, log) = lb.end();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains(" - - KH"), "{log}");
}

#[test]
fn a_second_sigterm_changes_nothing_and_sigint_ends_the_drain() {
    let origin = Origin::new();
    let (mut lb, front) = serve(&origin, NEVER, "http_reuse = \"never\"");
    let (mut first, mut server) = busy(front, &origin);
    let (mut second, _silent) = busy(front, &origin);
    lb.signal(Signal::TERM);
    lb.wait_for("stopping on SIGTERM");
    lb.signal(Signal::TERM);
    server.send(OK);
    let head = first.head();
    assert_eq!(first.body(&head), "ok");
    assert!(lb.is_running());
    lb.signal(Signal::INT);
    assert_eq!(second.rest(), "");
    assert_eq!(lb.end().0.code(), Some(0));
}

#[test]
fn a_drain_begins_even_where_every_place_is_taken() {
    let origin = Origin::new();
    let (mut lb, front) = serve(&origin, NEVER, "maxconn = 1");
    let (mut idle, _server) = idle(front, &origin);
    // One is accepted by each worker and waits for a place; the rest are in the kernel's queues.
    let before = lb.descriptors();
    let waiting: Vec<_> = (0..16).map(|_| Peer::connect(front)).collect();
    lb.wait_until("both workers accept", |lb| lb.descriptors() == before + 2);
    lb.signal(Signal::TERM);
    assert_eq!(idle.rest(), "");
    for mut peer in waiting {
        assert_eq!(peer.rest(), "");
    }
    assert_eq!(lb.end().0.code(), Some(0));
}

#[test]
fn a_reload_without_its_file_does_no_harm() {
    let origin = Origin::new();
    let (mut lb, front) = serve(&origin, NEVER, "");
    for signal in [Signal::HUP, Signal::USR2] {
        lb.signal(signal);
        lb.wait_for("not reloaded: the configuration has errors:");
    }
    drop(idle(front, &origin));
    lb.signal(Signal::TERM);
    lb.wait_for("stopping on SIGTERM");
    assert_eq!(lb.end().0.code(), Some(0));
}

#[test]
fn messages_bear_the_name_of_their_node() {
    for log in ["", "log = [{ to = \"stdout\" }]"] {
        let (mut lb, _) = Running::serve(&format!(
            "[global]\nnode = \"director1\"\n{log}\n[listen.web]\nbind = [\"FRONT\"]\n\
             server = [{{ name = \"s\", address = \"127.0.0.1:1\" }}]\n"
        ));
        lb.signal(Signal::TERM);
        lb.wait_for("director1 stopping on SIGTERM");
        assert_eq!(lb.end().0.code(), Some(0));
    }
}
