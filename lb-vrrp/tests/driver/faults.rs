//! What keeps a node from being master, and what it says of its network.

use std::time::Duration;

use lb_vrrp::driver::Driver;
use lb_vrrp::machine::{Effect, Probe, State};
use lb_vrrp::mock::Hub;
use lb_vrrp::network::Network as _;
use lb_vrrp::packet::{Codec, Format};
use lb_vrrp::script::Script;
use lb_vrrp::{Advertisement, Family, Interval, Priority, Version, VirtualRouterId};
use tokio::time::{Instant, sleep};

use crate::support::{Node, becomes, instance, ip, settings, virtual_address};

#[tokio::test(start_paused = true)]
async fn a_link_that_is_down_is_a_fault_and_heals() {
    let hub = Hub::new();
    let a = Node::simple(&hub, ip(1), 150);
    let b = Node::simple(&hub, ip(2), 100);
    a.becomes(State::Master).await;
    hub.set_link(ip(1), false);
    a.becomes(State::Fault).await;
    b.becomes(State::Master).await;
    assert_eq!(a.said("FAULT: the interface is down"), 1);
    hub.set_link(ip(1), true);
    a.becomes(State::Master).await;
    b.becomes(State::Backup).await;
    assert_eq!(hub.holders(virtual_address().ip()), [ip(1)]);
}

#[tokio::test(start_paused = true)]
async fn what_the_process_tracks_moves_the_address_at_once() {
    let hub = Hub::new();
    let a = Node::simple(&hub, ip(1), 150);
    let b = Node::simple(&hub, ip(2), 100);
    let service = a.vrrp.tracker(Effect::Fine);
    let load = a.vrrp.tracker(Effect::Fine);
    a.becomes(State::Master).await;
    sleep(Duration::from_secs(1)).await;

    let failed = Instant::now();
    service.weigh(0, Some(false), "no server is up");
    a.becomes(State::Fault).await;
    assert!(hub.holders(virtual_address().ip()).is_empty());
    b.becomes(State::Master).await;
    assert!(
        failed.elapsed() < Duration::from_millis(100),
        "within the skew time"
    );
    assert_eq!(a.said("FAULT: no server is up"), 1);
    service.weigh(0, Some(true), "");
    a.becomes(State::Master).await;

    let fell = Instant::now();
    load.weigh(-60, Some(false), "");
    b.becomes(State::Master).await;
    assert!(
        fell.elapsed() < Duration::from_millis(300),
        "{:?}",
        fell.elapsed()
    );
    assert_eq!(a.vrrp.status().priority, Priority(90));
    assert_eq!(b.said("own priority 100 is above 90 of 192.0.2.1"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_split_brain_is_said_and_healed() {
    let hub = Hub::new();
    let a = Node::simple(&hub, ip(1), 150);
    let b = Node::simple(&hub, ip(2), 100);
    a.becomes(State::Master).await;
    hub.partition(ip(1), ip(2));
    b.becomes(State::Master).await;
    assert_eq!(hub.holders(virtual_address().ip()).len(), 2);
    let before = hub.announcements().len();
    hub.heal();
    b.becomes(State::Backup).await;
    sleep(Duration::from_millis(50)).await;
    assert_eq!(hub.holders(virtual_address().ip()), [ip(1)]);
    assert_eq!(a.said("two masters: 192.0.2.2"), 1);
    assert!(hub.announcements()[before..].contains(&(ip(1), virtual_address().ip())));
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_answers_is_said_or_left_alone() {
    for (probe, takes) in [(Probe::Alarm, true), (Probe::Hold, false)] {
        let hub = Hub::new();
        let a = Node::simple(&hub, ip(1), 150);
        let cautious = settings(1, 100).probe(probe).build().unwrap();
        let b = Node::start(instance(&hub, ip(2), cautious));
        a.becomes(State::Master).await;
        // Advertisements are lost, and nothing else.
        hub.drop_messages();
        sleep(Duration::from_secs(2)).await;
        assert_eq!(b.vrrp.is_master(), takes);
        assert_eq!(b.said("answers for its address"), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_that_somebody_removes_is_set_again() {
    let hub = Hub::new();
    let a = Node::simple(&hub, ip(1), 150);
    a.becomes(State::Master).await;
    hub.lose(ip(1), virtual_address().ip());
    sleep(Duration::from_millis(1)).await;
    assert_eq!(hub.holders(virtual_address().ip()), [ip(1)]);
}

#[tokio::test(start_paused = true)]
async fn forged_advertisements_are_refused_counted_and_said_once() {
    let hub = Hub::new();
    let a = Node::simple(&hub, ip(1), 150);
    a.becomes(State::Master).await;
    let id = VirtualRouterId::new(1).unwrap();
    let format = Format::builder(Version::V3, Family::V4, id)
        .build()
        .unwrap();
    let mut codec = Codec::new(format);
    let forged = Advertisement {
        version: Version::V3,
        id,
        priority: Priority::OWNER,
        interval: Interval::DEFAULT,
        addresses: vec![virtual_address().ip()],
    };
    let group = Family::V4.group();
    let mut bytes = Vec::new();
    let now = std::time::SystemTime::UNIX_EPOCH;
    codec
        .write(&forged, ip(66), group, now, &mut bytes)
        .unwrap();
    bytes[7] ^= 1;
    let mut forger = hub.attach(ip(66));
    for _ in 0..5000 {
        forger.send(group, &bytes).unwrap();
    }
    sleep(Duration::from_secs(1)).await;
    assert!(a.vrrp.is_master());
    let detail = a.vrrp.inspect().await.unwrap();
    assert_eq!(detail.refusals.total(), 5000);
    assert_eq!(a.said("refused"), 1);
}

#[tokio::test]
async fn a_script_that_fails_is_a_fault_in_its_words() {
    let hub = Hub::new();
    let mut driver = Driver::new();
    let vrrp = driver.add(instance(&hub, ip(1), settings(1, 100).build().unwrap()));
    let script = Script::builder("web", ["/bin/sh", "-c", "echo refused >&2; exit 7"]);
    driver.track_script(&script.build().unwrap(), [(&vrrp, 0)]);
    let run = tokio::spawn(driver.run());
    assert_eq!(vrrp.status().state, State::Initialize);
    becomes(&vrrp, State::Fault).await;
    assert_eq!(&*vrrp.status().reason, "script web: exit status 7: refused");
    vrrp.stop().await.unwrap();
    run.await.unwrap();
}
