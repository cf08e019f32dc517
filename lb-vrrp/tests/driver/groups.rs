//! Sync groups: all of their members, or none.

use std::time::Duration;

use lb_vrrp::Vrrp;
use lb_vrrp::driver::Driver;
use lb_vrrp::machine::State;
use lb_vrrp::mock::Hub;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::support::{becomes, instance, ip, settings, virtual_address};

/// A node with a foot in two networks, whose virtual routers move together.
fn node(outside: &Hub, inside: &Hub, last: u8, priority: u8) -> ([Vrrp; 2], JoinHandle<()>) {
    let mut driver = Driver::new();
    let of = |id| settings(id, priority).build().unwrap();
    let first = driver.add(instance(outside, ip(last), of(1)));
    let second = driver.add(instance(inside, ip(last), of(2)));
    driver.group([&first, &second]);
    ([first, second], tokio::spawn(driver.run()))
}

#[tokio::test(start_paused = true)]
async fn a_fault_of_one_member_moves_both() {
    let (outside, inside) = (Hub::new(), Hub::new());
    let (a, _task_a) = node(&outside, &inside, 1, 150);
    let (b, _task_b) = node(&outside, &inside, 2, 100);
    for member in &a {
        becomes(member, State::Master).await;
    }
    outside.set_link(ip(1), false);
    for member in &b {
        becomes(member, State::Master).await;
    }
    for member in &a {
        assert_eq!(member.status().state, State::Fault);
    }
    for hub in [&outside, &inside] {
        assert_eq!(hub.holders(virtual_address().ip()), [ip(2)]);
    }
    outside.set_link(ip(1), true);
    for member in &a {
        becomes(member, State::Master).await;
    }
    sleep(Duration::from_millis(200)).await;
    for hub in [&outside, &inside] {
        assert_eq!(hub.holders(virtual_address().ip()), [ip(1)]);
    }
}

#[tokio::test(start_paused = true)]
async fn silence_on_one_network_moves_none() {
    let (outside, inside) = (Hub::new(), Hub::new());
    let (a, _task_a) = node(&outside, &inside, 1, 150);
    let (b, _task_b) = node(&outside, &inside, 2, 100);
    becomes(&a[1], State::Master).await;
    outside.partition(ip(1), ip(2));
    sleep(Duration::from_secs(5)).await;
    assert!(a.iter().all(Vrrp::is_master));
    assert!(!b.iter().any(Vrrp::is_master));
}

#[tokio::test(start_paused = true)]
async fn a_handover_of_one_member_is_one_of_all() {
    let (outside, inside) = (Hub::new(), Hub::new());
    let (a, _task_a) = node(&outside, &inside, 1, 150);
    let (b, _task_b) = node(&outside, &inside, 2, 100);
    becomes(&a[1], State::Master).await;
    sleep(Duration::from_secs(1)).await;
    a[0].hand_over().unwrap();
    for member in &b {
        becomes(member, State::Master).await;
    }
    sleep(Duration::from_secs(5)).await;
    assert!(b.iter().all(Vrrp::is_master));
    assert!(!a.iter().any(Vrrp::is_master));
}
