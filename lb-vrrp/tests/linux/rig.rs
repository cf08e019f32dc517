//! Two namespaces, `a` and `b`, and a veth pair between them: `e0` in each.

use std::fs::File;
use std::future::poll_fn;
use std::io::Read as _;
use std::net::IpAddr;
use std::os::fd::AsFd as _;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use lb_vrrp::linux::{LinuxNetwork, LinuxNetworkBuilder};
use lb_vrrp::network::{Datagram, InterfaceState, Network, NetworkEvent};
use lb_vrrp::{Family, VirtualAddress, VirtualRouterId};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::time::{Instant, timeout};

/// For one event, on a machine that has much else to do.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// The namespaces, removed when this is dropped.
pub(crate) struct Rig {
    prefix: String,
}

impl Rig {
    /// Runs `test` in namespace `a`, on a thread and a runtime of its own: a namespace is a
    /// thread's.
    pub(crate) fn run(test: impl AsyncFnOnce(&Rig) + Send + 'static) {
        assert!(
            rustix::process::geteuid().is_root(),
            "this test makes network namespaces: run it as root"
        );
        let result = std::thread::spawn(|| {
            let rig = Rig::new();
            rig.enter("a");
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                rig.until_ready().await;
                test(&rig).await;
            });
        });
        if let Err(panic) = result.join() {
            std::panic::resume_unwind(panic);
        }
    }

    fn new() -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let rig = Self {
            prefix: format!("lbl{}-{number}", std::process::id()),
        };
        for side in ["a", "b"] {
            command("ip", &["netns", "add", &rig.namespace(side)]);
            rig.ip(side, "link set lo up");
        }
        let b = rig.namespace("b");
        rig.ip(
            "a",
            &format!("link add e0 type veth peer name e0 netns {b}"),
        );
        for (side, last) in [("a", 1), ("b", 2)] {
            rig.ip(side, &format!("address add 10.9.0.{last}/24 dev e0"));
            rig.ip(side, &format!("address add fd09::{last}/64 dev e0 nodad"));
            rig.ip(side, "link set e0 addrgenmode none");
            rig.ip(side, &format!("address add fe80::{last}/64 dev e0 nodad"));
            rig.ip(side, "link set e0 up");
        }
        rig
    }

    /// Adds the pair `late`, with an address in each namespace.
    pub(crate) fn late(&self) {
        let b = self.namespace("b");
        self.ip(
            "a",
            &format!("link add late type veth peer name late netns {b}"),
        );
        for (side, last) in [("b", 2), ("a", 1)] {
            self.ip(side, &format!("address add 10.8.0.{last}/24 dev late"));
            self.ip(side, "link set late up");
        }
    }

    fn namespace(&self, side: &str) -> String {
        format!("{}{side}", self.prefix)
    }

    /// Moves this thread, and what it opens from now on.
    pub(crate) fn enter(&self, side: &str) {
        let file = File::open(format!("/run/netns/{}", self.namespace(side))).unwrap();
        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
    }

    /// What `open` opens in namespace `b`.
    pub(crate) fn in_b<T>(&self, open: impl FnOnce() -> T) -> T {
        self.enter("b");
        let result = open();
        self.enter("a");
        result
    }

    /// `ip` in a namespace, with the words of `arguments`; what it wrote.
    pub(crate) fn ip(&self, side: &str, arguments: &str) -> String {
        let namespace = self.namespace(side);
        let mut all = vec!["-n", &namespace];
        all.extend(arguments.split_whitespace());
        command("ip", &all)
    }

    /// Any command in a namespace, to be started.
    pub(crate) fn command(&self, side: &str, line: &str) -> tokio::process::Command {
        let mut command = tokio::process::Command::new("ip");
        command.args(["netns", "exec", &self.namespace(side)]);
        command.args(line.split_whitespace()).kill_on_drop(true);
        command
    }

    /// Waits until both sides hear each other, multicast as well: the kernel brings a link up in
    /// its own time, and for IPv6 later still.
    async fn until_ready(&self) {
        let start = Instant::now();
        for (side, other) in [("a", "10.9.0.2"), ("b", "10.9.0.1")] {
            while !(self.ping(side, other).await && self.ping(side, "ff02::1%e0").await) {
                assert!(
                    start.elapsed() < DEADLINE,
                    "the namespaces are not connected"
                );
            }
        }
        for side in ["a", "b"] {
            self.ip(side, "neigh flush all");
        }
    }

    /// Whether `address` answers a ping from `b`.
    pub(crate) async fn is_reached(&self, address: &str) -> bool {
        self.ping("b", address).await
    }

    async fn ping(&self, side: &str, address: &str) -> bool {
        let line = format!("ping -n -c 1 -W 2 {address}");
        let output = self.command(side, &line).output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("exec of"), "{said}");
        output.status.success()
    }

    /// The hardware address of `e0`.
    pub(crate) fn mac(&self, side: &str) -> String {
        let text = self.ip(side, "-o link show dev e0");
        let mut words = text
            .split_whitespace()
            .skip_while(|word| *word != "link/ether");
        words.nth(1).unwrap().to_owned()
    }

    /// Waits until `b` has `mac` for `address`.
    pub(crate) async fn until_b_knows(&self, address: &str, mac: &str) {
        self.until_b_says(&format!("neigh show {address} dev e0"), mac)
            .await;
    }

    /// Waits until `ip` says `word` in `b`.
    pub(crate) async fn until_b_says(&self, arguments: &str, word: &str) {
        let start = Instant::now();
        loop {
            let said = self.ip("b", arguments);
            if said.contains(word) {
                return;
            }
            assert!(
                start.elapsed() < DEADLINE,
                "no {word} in {arguments}: {said}"
            );
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        for side in ["a", "b"] {
            let namespace = self.namespace(side);
            let _best_effort = Command::new("ip")
                .args(["netns", "delete", &namespace])
                .output();
        }
    }
}

fn command(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{program} is needed: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// A virtual router 88 on `e0`.
pub(crate) fn on_e0(family: Family) -> LinuxNetworkBuilder {
    LinuxNetwork::builder("e0", family, VirtualRouterId::new(88).unwrap())
}

pub(crate) fn vip(text: &str) -> VirtualAddress {
    text.parse().unwrap()
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// The next event.
pub(crate) async fn next(network: &mut LinuxNetwork) -> NetworkEvent {
    let event = timeout(DEADLINE, poll_fn(|cx| network.poll_event(cx))).await;
    event.expect("an event within the deadline").unwrap()
}

/// The next datagram, whatever else there is before.
pub(crate) async fn received(network: &mut LinuxNetwork) -> Datagram {
    loop {
        if let NetworkEvent::Received(datagram) = next(network).await {
            return datagram;
        }
    }
}

/// The next loss or claim.
pub(crate) async fn upset(network: &mut LinuxNetwork) -> NetworkEvent {
    loop {
        let event = next(network).await;
        if matches!(event, NetworkEvent::Lost(_) | NetworkEvent::Claimed { .. }) {
            return event;
        }
    }
}

/// Waits for a state of the interface that `fits`.
pub(crate) async fn until(
    network: &mut LinuxNetwork,
    fits: impl Fn(&InterfaceState) -> bool,
) -> InterfaceState {
    loop {
        if let NetworkEvent::Interface(state) = next(network).await
            && fits(&state)
        {
            return state;
        }
    }
}

/// Every frame that comes to this namespace.
pub(crate) struct Tap(Socket);

impl Tap {
    pub(crate) fn open() -> Self {
        let all = Protocol::from(i32::from(0x0003_u16.to_be())); // ETH_P_ALL
        let socket = Socket::new(Domain::PACKET, Type::RAW, Some(all)).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        Self(socket)
    }

    /// The next frame that `fits`.
    pub(crate) fn frame(&self, fits: impl Fn(&[u8]) -> bool) -> Vec<u8> {
        let mut frame = [0; 2000];
        loop {
            let length = (&self.0)
                .read(&mut frame)
                .expect("a frame within the deadline");
            if fits(&frame[..length]) {
                return frame[..length].to_vec();
            }
        }
    }

    /// The hardware address the next frame came from that `fits`.
    pub(crate) fn source(&self, fits: impl Fn(&[u8]) -> bool) -> String {
        let frame = self.frame(fits);
        let source = frame[6..12].iter().map(|octet| format!("{octet:02x}"));
        source.collect::<Vec<_>>().join(":")
    }
}

/// Whether `octets` are somewhere in `frame`.
pub(crate) fn contains(frame: &[u8], octets: &[u8]) -> bool {
    frame.windows(octets.len()).any(|part| part == octets)
}
