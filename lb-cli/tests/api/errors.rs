//! `show errors`: what HAProxy keeps of the same bytes, and `lb`.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    thread,
};

use crate::{
    haproxy::Haproxy,
    process::{PATIENCE, free},
    rig::{Place, Rig},
};

/// A server whose every response is this.
fn junk(response: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = [0; 4096];
            let _ = stream.read(&mut head);
            let _ = stream.write_all(response);
            if !response.is_empty() {
                // Until the other end is content.
                let _ = stream.read(&mut head);
            }
        }
    });
    address
}

/// The status of what is answered.
fn answer(door: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(door).expect("somebody listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream.write_all(request).expect("it is there");
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    answer.split(' ').nth(1).unwrap_or_default().to_owned()
}

/// What both tell: without times, ports, and what HAProxy's memory looks like.
fn settled(answer: &str) -> Vec<String> {
    let mut told = Vec::new();
    for line in answer
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
    {
        if let Some((_, rest)) = line.split_once("] : ") {
            told.push(rest.to_owned());
        } else if let Some((_, rest)) = line.split_once("] ") {
            told.push(rest.to_owned());
        } else if let Some((start, _)) = line.split_once(", src 127.0.0.1:") {
            told.push(start.to_owned());
        } else if let Some((start, rest)) = line.split_once("error at position ") {
            let length = start.split(',').next().unwrap_or_default();
            let at = rest.split(',').next().unwrap_or_default();
            told.push(format!("{length} at {at}"));
        } else if line.starts_with("  0") {
            told.push(line.to_owned());
        }
    }
    told
}

#[test]
fn the_last_of_each_section_is_kept_as_in_haproxy() {
    let door = free();
    let server = junk(b"HTTP/1.1 200 OK\r\nfoo: 1\r\nb@d h: 1\r\n\r\n");
    let haproxy = Haproxy::start(&format!(
        "defaults\n mode http\n timeout connect 1s\n timeout client 9s\n timeout server 9s\n\
         frontend web\n bind {door}\n default_backend app\nbackend app\n server s {server}\n"
    ));
    let rig = Rig::new(&format!(
        "[frontend.web]\nbind = [\"FRONT\"]\ndefault_backend = \"app\"\n\
         [backend.app]\nserver = [{{ name = \"s\", address = \"{server}\" }}]\n"
    ));
    let same = |command: &str| {
        let told = |place: &Place| settled(&place.ask(command));
        let (ours, theirs) = (told(&rig.place), told(&haproxy.place));
        assert_eq!(ours, theirs, "{command}");
        ours
    };
    assert_eq!(same("show errors"), ["0"]);
    let long = [
        b"GET / HTTP/1.1\r\nhost: a\r\nlong: ",
        &[b'x'; 120][..],
        b"\r\nb@d: 1\r\n\r\n",
    ]
    .concat();
    let requests: [&[u8]; 9] = [
        b"FOO bar\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\nb@d hdr: 1\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\nx : y\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nhost: a\r\n\r\nrest\nmore",
        b"\x16\x03\x01\x02\t\x1b\\ \r\n\r\n",
        &long,
    ];
    for request in requests {
        for door in [rig.front, door] {
            assert_eq!(answer(door, request), "400");
        }
        same("show errors");
    }
    let told = same("show errors web request");
    assert!(
        told.contains(&"frontend web (#2): invalid request".to_owned()),
        "{told:?}"
    );
    // A response is kept for the backend, beside the request of the frontend.
    for door in [rig.front, door] {
        assert_eq!(answer(door, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"), "502");
    }
    let told = same("show errors");
    assert!(
        told.contains(&"  frontend web (#2), server s (#1), event #9".to_owned()),
        "{told:?}"
    );
    for command in [
        "show errors app",
        "show errors 3",
        "show errors -1 request",
        "show errors -1 response",
        "show errors web response",
        "show errors nope",
    ] {
        same(command);
    }
    let refused = rig.refused("show errors web foo");
    assert!(refused.starts_with("usage: "), "{refused}");
    let told = rig.json("show errors -1 response");
    assert_eq!(
        (&told[0]["position"], &told[0]["server"]),
        (&26.into(), &"s".into())
    );
    assert_eq!(
        told[0]["bytes"],
        "HTTP/1.1 200 OK\r\nfoo: 1\r\nb@d h: 1\r\n\r\n"
    );
}

#[test]
fn nothing_is_kept_of_who_only_goes() {
    let rig = Rig::of(&[junk(b"")]);
    assert_eq!(answer(rig.front, b"GET / HT"), "400");
    assert_eq!(answer(rig.front, b""), "");
    assert_eq!(
        answer(rig.front, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"),
        "502"
    );
    assert!(rig.done("show errors").ends_with(" : 0\n"));
}
