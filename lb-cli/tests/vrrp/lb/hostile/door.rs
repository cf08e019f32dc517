//! Strangers at the port of the peer link.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use lb_benches::rig::{Fault, Host, Mode, Node, Profile, Rig};

use super::{count, quick};
use crate::lb::linked;
use crate::stage::{PATIENCE, answered_by, run, stays, turn};

/// Connections that say what they are told to, from the client's host.
fn strangers(rig: &Rig, node: Node, number: usize, said: &[u8]) -> Vec<TcpStream> {
    let port = SocketAddr::from((node.v4(), 5405));
    let connect = || -> io::Result<Vec<TcpStream>> {
        (0..number)
            .map(|_| {
                let mut stream = TcpStream::connect_timeout(&port, PATIENCE)?;
                // It may be thrown out at once.
                stream.write_all(said).ok();
                Ok(stream)
            })
            .collect()
    };
    rig.within(Host::Client, connect).expect("the port is open")
}

/// Reads until the other side has closed: it has seen all that was said to it.
fn thrown_out(mut stream: TcpStream) {
    stream
        .set_read_timeout(Some(PATIENCE))
        .expect("a positive time");
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
        Err(error) => panic!("it is not thrown out: {error}"),
    }
    assert!(
        answer.len() < 1024,
        "{} octets for a stranger",
        answer.len()
    );
}

#[test]
fn strangers_do_not_disturb_the_link() {
    let _turn = turn();
    let mut rig = quick(Profile::V2, &linked(), |setup| setup);
    let probe = run(&mut rig, Mode::Udp);
    for node in [Node::A, Node::B] {
        let daemon = rig.daemon(node).expect("it was started");
        daemon.until_logged(": linked", PATIENCE).expect("a link");
    }
    let mut slow = Vec::new();
    for node in [Node::A, Node::B] {
        let garbage = strangers(&rig, node, 50, &[0xff; 4096]);
        let http = strangers(&rig, node, 50, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        let silent = strangers(&rig, node, 50, b"");
        // A good beginning that nothing follows. More than there is room for: the oldest give way.
        slow.extend(strangers(&rig, node, 50, b"LB"));
        for stream in garbage.into_iter().chain(http).chain(silent) {
            thrown_out(stream);
        }
    }
    stays(&rig, &probe, Node::A);
    drop(slow);
    for node in [Node::A, Node::B] {
        assert_eq!(count(&rig, node, "link is lost"), 0);
        assert_eq!(count(&rig, node, "process is gone"), 0);
        // One line for each reason, and not one for each of 200 visits.
        let lines = count(&rig, node, "peer 10.77.0.254");
        assert!((1..=4).contains(&lines), "{lines} lines of strangers");
    }
    // Timers alone would need 2.6 s at the very least.
    rig.apply(Fault::Kill9, Node::A).expect("a is killed");
    answered_by(&probe, Node::B);
    let outage = probe.stop().outage().expect("both have answered");
    assert!(outage.length < Duration::from_millis(1500), "{outage:?}");
}
