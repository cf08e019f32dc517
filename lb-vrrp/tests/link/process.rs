//! Real processes: this test's own program, started again as a peer.

use std::io::{BufRead, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, io, thread};

use lb_vrrp::link::{LinkEvent, Loss, Proof};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::Instant;

use crate::support::{KEY, Node, address, open, up, view};

const ADDRESSES: &str = "LB_LINK_TEST_ADDRESSES";

/// The peer: its own address and its peer's in the environment, orders on standard input.
#[test]
#[ignore = "the child process of the other tests"]
fn child() {
    let Ok(addresses) = env::var(ADDRESSES) else {
        return;
    };
    let (own, peer) = addresses.split_once(' ').unwrap();
    let (own, peer): (SocketAddr, SocketAddr) = (own.parse().unwrap(), peer.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (order, mut orders) = tokio::sync::mpsc::unbounded_channel();
    thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            let _ = order.send(line.unwrap());
        }
    });
    runtime.block_on(async {
        let mut link = open(own, &[peer], KEY);
        link.set_view(view(150, own.ip())).unwrap();
        loop {
            tokio::select! {
                _ = link.next() => {}
                order = orders.recv() => {
                    // Without its parent it ends, too.
                    if order.as_deref() == Some("close") {
                        link.close();
                    }
                    std::process::exit(0);
                }
            }
        }
    });
}

struct Peer(Child);

impl Peer {
    fn start(own: SocketAddr, peer: SocketAddr) -> Self {
        Self::start_in(&[], own, peer)
    }

    /// `prefix` is what runs it.
    fn start_in(prefix: &[&str], own: SocketAddr, peer: SocketAddr) -> Self {
        let program = env::current_exe().unwrap();
        let mut words = prefix.iter().map(|word| (*word).into()).collect::<Vec<_>>();
        words.push(program.into_os_string());
        let child = Command::new(&words[0])
            .args(&words[1..])
            .args(["--exact", "process::child", "--ignored", "--nocapture"])
            .env(ADDRESSES, format!("{own} {peer}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.0);
        kill_process(pid, signal).unwrap();
    }

    fn order(&mut self, order: &str) {
        let stdin = self.0.stdin.as_mut().unwrap();
        stdin.write_all(order.as_bytes()).unwrap();
        stdin.flush().unwrap();
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn gone(peer: SocketAddr, how: Proof) -> LinkEvent {
    let routers = view(150, peer.ip());
    LinkEvent::Gone { peer, how, routers }
}

async fn connected(own: SocketAddr, peer: SocketAddr) -> (Node, Peer) {
    let child = Peer::start(peer, own);
    let mut node = Node::start(own, &[peer]);
    settled(&mut node, peer).await;
    (node, child)
}

/// The peer is up and its view is here.
async fn settled(node: &mut Node, peer: SocketAddr) {
    node.until(up(peer)).await;
    let routers = view(150, peer.ip());
    node.until(LinkEvent::View { peer, routers }).await;
}

#[tokio::test]
async fn a_killed_process_is_gone_within_milliseconds() {
    let peer = address();
    let mut node = Node::start(address(), &[peer]);
    let mut took = Vec::new();
    for _ in 0..10 {
        let child = Peer::start(peer, node.address);
        settled(&mut node, peer).await;
        let killed = Instant::now();
        child.signal(Signal::KILL);
        node.until(gone(peer, Proof::Refused)).await;
        took.push(killed.elapsed());
    }
    took.sort();
    // Reported and not asserted: the machine may be busy.
    eprintln!("kill -9 to Gone: median {:?}, worst {:?}", took[5], took[9]);
}

#[tokio::test]
async fn a_process_that_exits_without_a_word_is_gone() {
    let (own, peer) = (address(), address());
    let (mut node, mut child) = connected(own, peer).await;
    child.order("exit\n");
    node.until(gone(peer, Proof::Refused)).await;
}

#[tokio::test]
async fn a_process_that_ends_as_it_should_says_goodbye() {
    let (own, peer) = (address(), address());
    let (mut node, mut child) = connected(own, peer).await;
    child.order("close\n");
    assert_eq!(node.next().await, gone(peer, Proof::Goodbye));
}

#[tokio::test]
async fn a_process_that_is_replaced_at_once_is_gone_and_another_is_up() {
    let (own, peer) = (address(), address());
    let (mut node, child) = connected(own, peer).await;
    child.signal(Signal::KILL);
    let _second = Peer::start(peer, own);
    let (how, routers) = loop {
        match node.next().await {
            LinkEvent::Gone { how, routers, .. } => break (how, routers),
            // On a machine too busy to find out at once.
            LinkEvent::Lost { .. } => {}
            other => panic!("{other:?}"),
        }
    };
    assert!(matches!(how, Proof::Refused | Proof::Replaced), "{how:?}");
    assert_eq!(routers, view(150, peer.ip()));
    assert_eq!(node.next().await, up(peer));
}

#[tokio::test]
async fn a_stopped_process_is_lost_and_not_gone_until_it_is_killed() {
    let (own, peer) = (address(), address());
    let (mut node, child) = connected(own, peer).await;
    let silent = || LinkEvent::Lost {
        peer,
        why: Loss::Silent,
    };
    child.signal(Signal::STOP);
    assert_eq!(node.next().await, silent());
    child.signal(Signal::CONT);
    assert_eq!(node.next().await, up(peer));
    child.signal(Signal::STOP);
    assert_eq!(node.next().await, silent());
    child.signal(Signal::KILL);
    node.until(gone(peer, Proof::Refused)).await;
}

/// A network namespace with one end of a cable, removed with everything in it.
struct Namespace(String);

impl Namespace {
    fn new() -> Self {
        let id = std::process::id();
        let name = format!("lblink{id}");
        let made = Self(name.clone());
        // 240.0.0.0/4 is nobody's; the process id makes it this test's own.
        let [_, _, high, low] = id.to_be_bytes();
        let (near, far) = (format!("lk{id}a"), format!("lk{id}b"));
        ip(&["netns", "add", &name]);
        ip(&[
            "link", "add", &near, "type", "veth", "peer", "name", &far, "netns", &name,
        ]);
        ip(&[
            "addr",
            "add",
            &format!("240.{high}.{low}.1/24"),
            "dev",
            &near,
        ]);
        ip(&["link", "set", &near, "up"]);
        let far_address = format!("240.{high}.{low}.2/24");
        ip(&["-n", &name, "addr", "add", &far_address, "dev", &far]);
        ip(&["-n", &name, "link", "set", &far, "up"]);
        made
    }

    fn addresses() -> (SocketAddr, SocketAddr) {
        let [_, _, high, low] = std::process::id().to_be_bytes();
        let at = |host| SocketAddr::new([240, high, low, host].into(), 5405);
        (at(1), at(2))
    }

    fn set_cable(&self, state: &str) {
        let far = format!("lk{}b", std::process::id());
        ip(&["-n", &self.0, "link", "set", &far, state]);
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.0]).status();
    }
}

fn ip(words: &[&str]) {
    let status = Command::new("ip").args(words).status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "ip {words:?} failed: this test needs root and iproute2"
    );
}

#[tokio::test]
async fn a_pulled_cable_proves_nothing_even_if_the_process_dies_behind_it() {
    let namespace = Namespace::new();
    let (own, peer) = Namespace::addresses();
    let prefix = ["ip", "netns", "exec", &namespace.0];
    let child = Peer::start_in(&prefix, peer, own);
    let mut node = Node::start(own, &[peer]);
    settled(&mut node, peer).await;
    namespace.set_cable("down");
    let lost = node.next().await;
    assert!(matches!(lost, LinkEvent::Lost { .. }), "{lost:?}");
    child.signal(Signal::KILL);
    // Some attempts that cannot reach it.
    assert_eq!(
        tokio::time::timeout(Duration::from_secs(2), node.next())
            .await
            .ok(),
        None
    );
    namespace.set_cable("up");
    node.until(gone(peer, Proof::Refused)).await;
}
