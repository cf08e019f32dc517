//! What becomes of clients when the address moves: of those that come, and of those that are there.

use std::{
    io::{self, ErrorKind, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread,
};

use lb_benches::rig::{Fault, Mode, Node, Profile, Program, Rig, VIRTUAL_V4};

use super::{lb, linked};
use crate::stage::{PATIENCE, answered_by, ctl, held_by, logged, rig, rig_with, run, turn};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n";

/// Five of the rig's clients: 500 connections a second with one request each.
#[test]
fn a_stop_under_load_loses_next_to_no_request() {
    let _turn = turn();
    let all: [(Profile, fn() -> Program); 3] =
        [(Profile::V3, lb), (Profile::V3, linked), (Profile::V2, lb)];
    for (profile, program) in all {
        let mut rig = rig(profile, [program(), program()]);
        let mut probes = vec![run(&mut rig, Mode::Http)];
        probes.extend((0..4).map(|_| rig.probe(Mode::Http).expect("a client starts")));
        answered_by(&probes[4], Node::A);
        if program() == linked() {
            logged(&mut rig, Node::A, "peer 10.77.0.2:5405: linked");
        }
        rig.apply(Fault::Term, Node::A).expect("a is told to end");
        let a = rig.daemon(Node::A).expect("a was started");
        let status = a.until_ended(PATIENCE).expect("a ends");
        assert!(status.success(), "{status}");
        held_by(&rig, &[Node::B]);
        if program() == linked() {
            // Though it may never have heard it advertise.
            logged(&mut rig, Node::B, "VI: MASTER: 10.77.0.1 hands over");
        }
        let records: Vec<_> = probes
            .into_iter()
            .map(|probe| {
                answered_by(&probe, Node::B);
                probe.stop().settled()
            })
            .collect();
        let asked: usize = records.iter().map(|record| record.asked()).sum();
        let lost: usize = records.iter().map(|record| record.lost()).sum();
        let (name, link) = (profile.name, program() == linked());
        println!("stop under load, {name}, link {link}: {lost} of {asked} requests failed");
        // 50 ms; a machine that is busy has clients that give up.
        assert!(lost <= 25, "{lost} of {asked} requests failed");
    }
}

/// They are the old node's, and their packets go to the new one, which does not know them.
#[test]
fn connections_that_are_there_are_cut_by_the_move() {
    let _turn = turn();
    thread::scope(|scope| {
        scope.spawn(|| {
            cut_by(|rig| {
                let (code, text) = ctl(rig, Node::A, "vrrp handover VI");
                assert_eq!(code, Some(0), "{text}");
            });
        });
        scope.spawn(|| cut_by(|rig| rig.apply(Fault::Term, Node::A).expect("a is told to end")));
    });
}

fn cut_by(moves: impl Fn(&mut Rig)) {
    let slow = "[frontend.slow]
bind = [\"*:81\"]
default_backend = \"slow\"
[backend.slow]
server = [{ name = \"slow\", address = \"127.0.0.1:8081\" }]";
    let mut rig = rig_with(Profile::V3, [lb(), lb()], |setup| setup.extra(slow));
    let server = rig.on(Node::A, || TcpListener::bind("127.0.0.1:8081"));
    let server = server.expect("the port is free");
    let _probe = run(&mut rig, Mode::Udp);

    let mut idle = connect(&rig, 80);
    idle.write_all(REQUEST).expect("it is open");
    assert!(
        answer(&mut idle)
            .expect("an answer")
            .starts_with("HTTP/1.1 200 ")
    );
    let mut waiting = connect(&rig, 81);
    waiting.write_all(REQUEST).expect("it is open");
    let (mut working, _) = server.accept().expect("the request is passed on");
    moves(&mut rig);
    held_by(&rig, &[Node::B]);
    working
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        .expect("lb waits for the answer");

    for stream in [&mut idle, &mut waiting] {
        // Whoever only waits hears nothing; whoever sends is told.
        let sent = stream.write_all(REQUEST).and_then(|()| answer(stream));
        assert_eq!(
            sent.map_err(|error| error.kind()),
            Err(ErrorKind::ConnectionReset)
        );
    }
    let mut anew = connect(&rig, 80);
    anew.write_all(REQUEST).expect("it is open");
    assert!(answer(&mut anew).expect("an answer").ends_with("\r\n\r\nb"));
}

fn connect(rig: &Rig, port: u16) -> TcpStream {
    let stream = rig.on_client(|| TcpStream::connect((VIRTUAL_V4, port)));
    let stream = stream.expect("the address is there");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// What has come; the answers here are shorter than a packet.
fn answer(stream: &mut TcpStream) -> io::Result<String> {
    let mut octets = [0; 1024];
    let length = stream.read(&mut octets)?;
    Ok(String::from_utf8_lossy(&octets[..length]).into_owned())
}
