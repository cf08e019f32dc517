//! A witness is asked once a second, and counts as lost after two rounds. A node that was cut off
//! with a shorter interval took the address before it knew.

use std::time::Duration;

use lb_vrrp::machine::State;
use lb_vrrp::mock::Hub;
use lb_vrrp::network::Network as _;
use lb_vrrp::witness::Witness;
use tokio::time::{Instant, sleep};

use crate::support::{Node, instance, ip, settings, virtual_address};

fn with_witness(hub: &Hub, last: u8, priority: u8) -> Node {
    let witness = Witness::builder().target(ip(254)).build().unwrap();
    let settings = settings(1, priority).build().unwrap();
    Node::start(instance(hub, ip(last), settings).witness(witness))
}

#[tokio::test(start_paused = true)]
async fn who_is_cut_off_does_not_take_over() {
    let hub = Hub::new();
    let mut gateway = hub.attach(ip(254));
    let own = "192.0.2.254".parse().unwrap();
    gateway.add_addresses(&[own], None).unwrap();
    let a = with_witness(&hub, 1, 150);
    let b = with_witness(&hub, 2, 100);
    a.becomes(State::Master).await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(a.said("no witness is reached"), 0);
    for other in [1, 254] {
        hub.partition(ip(other), ip(2));
    }
    sleep(Duration::from_secs(5)).await;
    assert_eq!(hub.holders(virtual_address().ip()), [ip(1)]);
    assert_eq!(b.said("no witness is reached"), 1);

    // It reaches the witness again, and only that: now it is its turn.
    let healed = Instant::now();
    hub.heal();
    hub.partition(ip(1), ip(2));
    b.becomes(State::Master).await;
    assert!(healed.elapsed() < Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn who_starts_cut_off_does_not_take_over() {
    let hub = Hub::new();
    let a = with_witness(&hub, 1, 255);
    let b = with_witness(&hub, 2, 100);
    sleep(Duration::from_secs(5)).await;
    assert!(hub.holders(virtual_address().ip()).is_empty());
    assert!(!a.vrrp.is_master() && !b.vrrp.is_master());
}

#[tokio::test(start_paused = true)]
async fn a_witness_that_answers_costs_no_time() {
    let hub = Hub::new();
    let mut gateway = hub.attach(ip(254));
    let own = "192.0.2.254".parse().unwrap();
    gateway.add_addresses(&[own], None).unwrap();
    let a = with_witness(&hub, 1, 150);
    let b = with_witness(&hub, 2, 100);
    a.becomes(State::Master).await;
    sleep(Duration::from_secs(5)).await;
    let died = Instant::now();
    hub.partition(ip(1), ip(2));
    b.becomes(State::Master).await;
    assert!(
        died.elapsed() < Duration::from_millis(375),
        "{:?}",
        died.elapsed()
    );
    assert_eq!(b.said("no witness is reached"), 0);
    assert_eq!(
        b.said("witness: answered by"),
        1,
        "once, and not at each question"
    );
}
