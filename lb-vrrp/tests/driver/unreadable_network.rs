//! A network that could not be read kept its virtual router in fault until the program was
//! started again, and its addresses until the next timer.

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use lb_vrrp::machine::State;
use lb_vrrp::mock::Hub;
use lb_vrrp::network::{Network, NetworkEvent};
use lb_vrrp::packet::Format;
use lb_vrrp::{Family, Version, VirtualAddress, driver::Instance};
use tokio::time::{Instant, sleep};

use crate::support::{Node, ip, settings, virtual_address};

/// How often it still fails.
type Failures = Arc<Mutex<u32>>;

/// A network that fails when it is told to.
struct Failing<N> {
    inner: N,
    failures: Failures,
}

impl<N: Network> Network for Failing<N> {
    fn send(&mut self, destination: IpAddr, message: &[u8]) -> io::Result<()> {
        self.inner.send(destination, message)
    }

    fn add_addresses(
        &mut self,
        addresses: &[VirtualAddress],
        lifetime: Option<Duration>,
    ) -> io::Result<()> {
        self.inner.add_addresses(addresses, lifetime)
    }

    fn remove_addresses(&mut self, addresses: &[VirtualAddress]) -> io::Result<()> {
        self.inner.remove_addresses(addresses)
    }

    fn announce(&mut self, address: &VirtualAddress) -> io::Result<()> {
        self.inner.announce(address)
    }

    fn probe(&mut self, address: &VirtualAddress) -> io::Result<()> {
        self.inner.probe(address)
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<NetworkEvent>> {
        let mut failures = self.failures.lock().unwrap();
        if *failures > 0 {
            *failures -= 1;
            return Poll::Ready(Err(io::Error::from_raw_os_error(24))); // EMFILE
        }
        self.inner.poll_event(cx)
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_a_fault_at_once_and_is_read_again() {
    let hub = Hub::new();
    let failures = Failures::default();
    let settings = settings(1, 150).build().unwrap();
    let format = Format::builder(Version::V3, Family::V4, settings.id());
    let a = Node::start(Instance::new(
        "VI_1",
        "eth0",
        settings,
        format.build().unwrap(),
        vec![virtual_address()],
        Failing {
            inner: hub.attach(ip(1)),
            failures: Arc::clone(&failures),
        },
    ));
    a.becomes(State::Master).await;
    sleep(Duration::from_millis(555)).await;

    *failures.lock().unwrap() = 2;
    // It is the advertisement of another that wakes it.
    let mut other = hub.attach(ip(2));
    let began = Instant::now();
    other.announce(&virtual_address()).unwrap();
    a.becomes(State::Fault).await;
    assert!(began.elapsed() < Duration::from_millis(5), "at once");
    assert!(hub.holders(virtual_address().ip()).is_empty());
    a.becomes(State::Master).await;
    assert!(began.elapsed() > Duration::from_secs(2), "tried twice");
    assert_eq!(a.said("FAULT: the network cannot be read"), 1);
}
