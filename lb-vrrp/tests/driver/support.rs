//! Nodes that share an address on one hub.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lb_vrrp::driver::{Driver, Instance};
use lb_vrrp::machine::{Settings, State};
use lb_vrrp::mock::Hub;
use lb_vrrp::packet::Format;
use lb_vrrp::{Family, Interval, Priority, Version, VirtualAddress, VirtualRouterId, Vrrp};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Longer than any wait in these tests takes on a paused clock.
const DEADLINE: Duration = Duration::from_secs(120);

pub(crate) fn virtual_address() -> VirtualAddress {
    "192.0.2.100/24".parse().unwrap()
}

pub(crate) fn ip(last: u8) -> IpAddr {
    [192, 0, 2, last].into()
}

pub(crate) fn settings(id: u8, priority: u8) -> lb_vrrp::machine::Builder {
    Settings::builder(VirtualRouterId::new(id).unwrap())
        .version(Version::V3)
        .interval(Interval::from_centiseconds(Version::V3, 10).unwrap())
        .priority(Priority(priority))
        .addresses([virtual_address().ip()])
}

pub(crate) fn instance(hub: &Hub, source: IpAddr, settings: Settings) -> Instance {
    let format = Format::builder(Version::V3, Family::V4, settings.id());
    Instance::new(
        format!("VI_{}", settings.id()),
        "eth0",
        settings,
        format.build().unwrap(),
        vec![virtual_address()],
        hub.attach(source),
    )
}

/// A node with one virtual router.
pub(crate) struct Node {
    pub(crate) vrrp: Vrrp,
    pub(crate) task: JoinHandle<()>,
    said: Arc<Mutex<Vec<String>>>,
}

impl Node {
    pub(crate) fn start(instance: Instance) -> Self {
        let mut driver = Driver::new();
        let vrrp = driver.add(instance);
        let said = Arc::new(Mutex::new(Vec::new()));
        let lines = Arc::clone(&said);
        driver.observe(move |report| lines.lock().unwrap().push(report.to_string()));
        Self {
            vrrp,
            task: tokio::spawn(driver.run()),
            said,
        }
    }

    pub(crate) fn simple(hub: &Hub, source: IpAddr, priority: u8) -> Self {
        Self::start(instance(
            hub,
            source,
            settings(1, priority).build().unwrap(),
        ))
    }

    pub(crate) async fn becomes(&self, state: State) {
        becomes(&self.vrrp, state).await;
    }

    /// Ends it as kill -9 would: no packet, no clean-up by itself.
    pub(crate) async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }

    pub(crate) fn said(&self, words: &str) -> usize {
        let said = self.said.lock().unwrap();
        said.iter().filter(|line| line.contains(words)).count()
    }
}

pub(crate) async fn becomes(vrrp: &Vrrp, state: State) {
    let mut status = vrrp.watch();
    let reached = status.wait_for(|status| status.state == state);
    let reached = timeout(DEADLINE, reached).await;
    reached.expect("in time").expect("the driver runs");
}
