//! Pings between two network namespaces. Needs root and iproute2.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::fs::File;
use std::net::IpAddr;
use std::os::fd::AsFd as _;
use std::process::Command;
use std::time::Duration;

use lb_vrrp::witness::{Event, Mode, Watch, Witness};
use rustix::thread::{
    CapabilitySet, LinkNameSpaceType, capabilities, move_into_link_name_space, set_capabilities,
};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(60);

/// Two hosts on one cable; the near one has another, which leads nowhere. Gone when dropped.
struct Hosts {
    near: String,
    far: String,
}

impl Hosts {
    fn new(test: &str) -> Self {
        let name = |end| format!("lbwit{}{test}{end}", std::process::id());
        let hosts = Self {
            near: name("n"),
            far: name("f"),
        };
        let (near, far) = (&hosts.near, &hosts.far);
        for line in [
            format!("netns add {near}"),
            format!("netns add {far}"),
            format!("-n {near} link add eth0 type veth peer name eth0 netns {far}"),
            format!("-n {near} link add eth1 type veth peer name eth2"),
        ] {
            ip(&line);
        }
        for link in ["eth0", "eth1", "eth2"] {
            ip(&format!("-n {near} link set {link} up"));
        }
        hosts.far_up();
        for (host, last) in [(near, 1), (far, 2)] {
            ip(&format!("-n {host} address add 192.0.2.{last}/24 dev eth0"));
        }
        for address in ["2001:db8::1", "fe80::1"] {
            ip(&format!(
                "-n {near} address add {address}/64 dev eth0 nodad"
            ));
        }
        hosts
    }

    /// With its IPv6 addresses, which a link that goes down loses.
    fn far_up(&self) {
        ip(&format!("-n {} link set eth0 up", self.far));
        for address in ["2001:db8::2", "fe80::2"] {
            ip(&format!(
                "-n {} address replace {address}/64 dev eth0 nodad",
                self.far
            ));
        }
    }

    fn far_down(&self) {
        ip(&format!("-n {} link set eth0 down", self.far));
    }

    /// Runs `test` on a thread of its own in the near host.
    fn enter<F: Future<Output = ()>>(&self, test: impl FnOnce() -> F + Send) {
        let namespace = File::open(format!("/run/netns/{}", self.near)).unwrap();
        let body = move || {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))
                .expect("only root may enter a network namespace");
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(test());
        };
        let ended = std::thread::scope(|scope| scope.spawn(body).join());
        if let Err(panic) = ended {
            std::panic::resume_unwind(panic);
        }
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        for host in [&self.near, &self.far] {
            let _ = Command::new("ip").args(["netns", "del", host]).status();
        }
    }
}

fn ip(line: &str) {
    let done = Command::new("ip").args(line.split(' ')).output();
    let done = done.expect("ip is missing: apt-get install iproute2");
    assert!(done.status.success(), "ip {line}: {done:?}");
}

fn watch(interface: &str, target: &str) -> Watch {
    let target: IpAddr = target.parse().unwrap();
    let witness = Witness::builder()
        .target(target)
        .mode(Mode::Ping)
        .interval(Duration::from_millis(500));
    witness.build().unwrap().watch(interface)
}

/// Waits until it is `reachable` or not; says why.
async fn until(watch: &mut Watch, reachable: bool) -> String {
    loop {
        let (now, reason) = changed(watch).await;
        if now == reachable {
            return reason;
        }
    }
}

/// Whether it becomes reachable, and why.
async fn changed(watch: &mut Watch) -> (bool, String) {
    match timeout(PATIENCE, watch.next()).await.unwrap() {
        Event::Changed(change) => (change.reachable, change.reason),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_target_is_missed_when_it_is_gone_and_known_when_it_is_back() {
    let hosts = Hosts::new("a");
    hosts.enter(async || {
        for target in ["192.0.2.2", "2001:db8::2", "fe80::2"] {
            let mut watch = watch("eth0", target);
            let up = format!("witness: answered by {target}");
            assert_eq!(until(&mut watch, true).await, up);
            hosts.far_down();
            let reason = until(&mut watch, false).await;
            let expected = format!("witness: none of {target} answers");
            assert!(reason.starts_with(&expected), "{reason}");
            hosts.far_up();
            assert_eq!(until(&mut watch, true).await, up);
        }
    });
}

#[test]
fn what_answers_on_another_interface_is_no_witness() {
    let hosts = Hosts::new("b");
    hosts.enter(async || {
        for target in ["192.0.2.2", "2001:db8::2"] {
            until(&mut watch("eth0", target), true).await;
            assert!(!changed(&mut watch("eth1", target)).await.0);
        }
    });
}

#[test]
fn without_raw_sockets_the_unprivileged_ones_do() {
    let hosts = Hosts::new("c");
    let range = |range| {
        let line = format!("echo {range} > /proc/sys/net/ipv4/ping_group_range");
        let mut shell = Command::new("ip");
        shell.args(["netns", "exec", &hosts.near, "sh", "-c", &line]);
        assert!(shell.status().unwrap().success());
    };
    range("1 0");
    hosts.enter(async || {
        let mut sets = capabilities(None).unwrap();
        sets.effective.remove(CapabilitySet::NET_RAW);
        set_capabilities(None, sets).unwrap();
        let (reachable, reason) = changed(&mut watch("eth0", "192.0.2.2")).await;
        assert!(!reachable, "no socket can be had");
        assert!(reason.contains("cannot ask through eth0: "), "{reason}");
        range("0 0");
        for target in ["192.0.2.2", "2001:db8::2", "fe80::2"] {
            until(&mut watch("eth0", target), true).await;
        }
    });
}
