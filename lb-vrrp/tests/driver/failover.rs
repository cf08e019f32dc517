//! The address moves.

use std::time::Duration;

use lb_vrrp::machine::State;
use lb_vrrp::mock::Hub;
use tokio::time::{Instant, sleep, timeout};

use crate::support::{Node, instance, ip, settings, virtual_address};

const INTERVAL: Duration = Duration::from_millis(100);

#[tokio::test(start_paused = true)]
async fn the_higher_priority_has_the_address_and_announces_it() {
    let hub = Hub::new();
    let a = Node::simple(&hub, ip(1), 150);
    let b = Node::simple(&hub, ip(2), 100);
    a.becomes(State::Master).await;
    sleep(Duration::from_secs(20)).await;
    assert_eq!(hub.holders(virtual_address().ip()), [ip(1)]);
    assert!(a.vrrp.is_master() && !b.vrrp.is_master());
    let status = b.vrrp.status();
    assert_eq!(status.master.unwrap().source, ip(1));
    // 0, 20, 60, 150, 400 ms, 1, 2 and 5 s after the takeover, and no more.
    assert_eq!(hub.announcements().len(), 8);
    let detail = b.vrrp.inspect().await.unwrap();
    assert!(detail.statistics.received_advertisements > 190);
    assert_eq!(detail.refusals.total(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_dead_master_is_succeeded_after_three_intervals_and_the_skew_time() {
    let hub = Hub::new();
    let a = Node::simple(&hub, ip(1), 150);
    let b = Node::simple(&hub, ip(2), 100);
    a.becomes(State::Master).await;
    sleep(Duration::from_secs(1)).await;
    let died = Instant::now();
    a.kill().await;
    b.becomes(State::Master).await;
    let outage = died.elapsed();
    assert!(
        outage > INTERVAL * 2 && outage <= INTERVAL * 4,
        "{outage:?}"
    );
    assert_eq!(hub.holders(virtual_address().ip()), [ip(2)]);
    assert_eq!(b.said("no advertisement from 192.0.2.1 for 0.36 s"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_master_that_stops_has_the_address_until_its_successor_has_it() {
    let hub = Hub::new();
    let a = Node::simple(&hub, ip(1), 150);
    let b = Node::simple(&hub, ip(2), 100);
    a.becomes(State::Master).await;
    sleep(Duration::from_secs(1)).await;
    let watched = hub.clone();
    let gap = tokio::spawn(async move {
        loop {
            if watched.holders(virtual_address().ip()).is_empty() {
                return;
            }
            sleep(Duration::from_millis(1)).await;
        }
    });
    a.vrrp.stop().await.unwrap();
    assert!(b.vrrp.is_master(), "it has taken over by then");
    assert!(!a.vrrp.is_master());
    assert_eq!(hub.holders(virtual_address().ip()), [ip(2)]);
    timeout(INTERVAL, a.task).await.expect("it ends").unwrap();
    sleep(INTERVAL).await;
    assert!(!gap.is_finished(), "somebody always had the address");
}

#[tokio::test(start_paused = true)]
async fn a_handover_stays_until_the_new_master_is_gone() {
    let hub = Hub::new();
    let a = Node::simple(&hub, ip(1), 150);
    let b = Node::simple(&hub, ip(2), 100);
    a.becomes(State::Master).await;
    a.vrrp.hand_over().unwrap();
    a.becomes(State::Backup).await;
    b.becomes(State::Master).await;
    sleep(Duration::from_secs(10)).await;
    assert!(
        b.vrrp.is_master(),
        "the higher priority does not take it back"
    );
    b.kill().await;
    a.becomes(State::Master).await;
    assert_eq!(hub.holders(virtual_address().ip()), [ip(1)]);
}

#[tokio::test(start_paused = true)]
async fn a_handover_that_nobody_takes_changes_nothing() {
    let hub = Hub::new();
    let a = Node::simple(&hub, ip(1), 150);
    a.becomes(State::Master).await;
    a.vrrp.hand_over().unwrap();
    sleep(Duration::from_secs(2)).await;
    assert!(a.vrrp.is_master());
    assert_eq!(hub.holders(virtual_address().ip()), [ip(1)]);
    assert_eq!(a.said("nobody took over"), 1);
}

#[tokio::test(start_paused = true)]
async fn without_preemption_who_comes_back_waits() {
    let hub = Hub::new();
    let patient = || settings(1, 150).preempt(false).build().unwrap();
    let a = Node::start(instance(&hub, ip(1), patient()));
    let b = Node::simple(&hub, ip(2), 100);
    a.becomes(State::Master).await;
    a.kill().await;
    b.becomes(State::Master).await;
    let a = Node::start(instance(&hub, ip(1), patient()));
    sleep(Duration::from_secs(10)).await;
    assert!(b.vrrp.is_master() && !a.vrrp.is_master());
    b.kill().await;
    a.becomes(State::Master).await;
}

#[tokio::test(start_paused = true)]
async fn a_driver_that_is_dropped_gives_the_addresses_up_and_says_so() {
    let hub = Hub::new();
    let a = Node::simple(&hub, ip(1), 150);
    a.becomes(State::Master).await;
    let vrrp = a.vrrp.clone();
    a.kill().await;
    assert!(hub.holders(virtual_address().ip()).is_empty());
    assert!(!vrrp.is_master());
    assert!(vrrp.hand_over().is_err() && vrrp.stop().await.is_err());
}
