use std::future::poll_fn;

use super::*;
use crate::Family;
use crate::network::{Datagram, InterfaceState};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn vip() -> VirtualAddress {
    "10.0.0.100/24".parse().unwrap()
}

/// Three nodes, past their first event.
fn three() -> (Hub, [MockNetwork; 3]) {
    let hub = Hub::new();
    let mut nodes = ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map(|source| hub.attach(ip(source)));
    for node in &mut nodes {
        let state = InterfaceState {
            up: true,
            source: Some(node.source()),
            mtu: 1500,
        };
        assert_eq!(heard(node), [NetworkEvent::Interface(state)]);
    }
    (hub, nodes)
}

/// All that is there.
fn heard(node: &mut MockNetwork) -> Vec<NetworkEvent> {
    let mut cx = Context::from_waker(std::task::Waker::noop());
    let mut events = Vec::new();
    while let Poll::Ready(event) = node.poll_event(&mut cx) {
        events.push(event.unwrap());
    }
    events
}

fn message(from: &str, to: IpAddr) -> NetworkEvent {
    NetworkEvent::Received(Datagram {
        source: ip(from),
        destination: to,
        ttl: 255,
        message: b"message".to_vec(),
    })
}

#[test]
fn a_message_to_the_group_reaches_all_others_and_one_to_a_node_only_it() {
    let (_hub, [mut a, mut b, mut c]) = three();
    let group = Family::V4.group();
    a.send(group, b"message").unwrap();
    a.send(ip("10.0.0.3"), b"message").unwrap();
    assert_eq!(heard(&mut a), []);
    assert_eq!(heard(&mut b), [message("10.0.0.1", group)]);
    let both = [
        message("10.0.0.1", group),
        message("10.0.0.1", ip("10.0.0.3")),
    ];
    assert_eq!(heard(&mut c), both);
}

#[test]
fn a_probe_is_answered_by_every_holder_it_reaches() {
    let (hub, [mut a, mut b, mut c]) = three();
    let claimed = |by: &MockNetwork| NetworkEvent::Claimed {
        address: vip().ip(),
        by: hub.mac(by.source()).unwrap(),
    };
    a.probe(&vip()).unwrap();
    assert_eq!(heard(&mut a), []);
    b.add_addresses(&[vip()], None).unwrap();
    c.add_addresses(&[vip()], None).unwrap();
    a.probe(&vip()).unwrap();
    assert_eq!(heard(&mut a), [claimed(&b), claimed(&c)]);
    // The question arrives, the answer does not.
    hub.cut(b.source(), a.source());
    a.probe(&vip()).unwrap();
    assert_eq!(heard(&mut a), [claimed(&c)]);
    assert_eq!(heard(&mut b), [], "a probe tells nobody anything");
}

#[test]
fn an_announcement_is_recorded_and_a_claim_to_the_others() {
    let (hub, [mut a, mut b, mut c]) = three();
    hub.partition(a.source(), c.source());
    a.announce(&vip()).unwrap();
    assert_eq!(hub.announcements(), [(a.source(), vip().ip())]);
    assert!(matches!(heard(&mut b)[..], [NetworkEvent::Claimed { .. }]));
    assert_eq!(heard(&mut c), []);
}

#[test]
fn a_partition_holds_both_ways_until_it_is_healed() {
    let (hub, [mut a, mut b, mut c]) = three();
    let group = Family::V4.group();
    hub.partition(a.source(), b.source());
    a.send(group, b"message").unwrap();
    b.send(group, b"message").unwrap();
    assert_eq!((heard(&mut a), heard(&mut b)), (vec![], vec![]));
    assert_eq!(heard(&mut c).len(), 2);
    hub.heal();
    hub.drop_messages();
    a.send(group, b"message").unwrap();
    assert_eq!(heard(&mut b), []);
    hub.heal();
    a.send(group, b"message").unwrap();
    assert_eq!(heard(&mut b).len(), 1);
}

#[test]
fn a_node_without_link_or_address_sends_nothing() {
    let (hub, [mut a, mut b, _c]) = three();
    let group = Family::V4.group();
    hub.set_link(a.source(), false);
    hub.set_link(a.source(), false);
    let [NetworkEvent::Interface(state)] = &heard(&mut a)[..] else {
        panic!("one event");
    };
    assert!(!state.up);
    assert_eq!(
        a.send(group, b"message").unwrap_err().kind(),
        io::ErrorKind::NetworkDown
    );
    assert!(a.probe(&vip()).is_err() && a.announce(&vip()).is_err());
    b.send(group, b"message").unwrap();
    assert_eq!(heard(&mut a), []);
    hub.set_link(a.source(), true);
    hub.set_source(a.source(), false);
    assert!(a.send(group, b"message").is_err());
    let last = heard(&mut a).pop();
    assert!(matches!(last, Some(NetworkEvent::Interface(state)) if state.source.is_none()));
}

#[test]
fn who_holds_an_address_is_known_and_a_loss_is_told() {
    let (hub, [mut a, mut b, _c]) = three();
    a.add_addresses(&[vip()], None).unwrap();
    a.add_addresses(&[vip()], Some(Duration::from_secs(2)))
        .unwrap();
    b.add_addresses(&[vip()], None).unwrap();
    assert_eq!(hub.holders(vip().ip()), [a.source(), b.source()]);
    a.remove_addresses(&[vip()]).unwrap();
    assert_eq!(heard(&mut a), [], "its own removal is no loss");
    hub.lose(b.source(), vip().ip());
    assert_eq!(heard(&mut b), [NetworkEvent::Lost(vip().ip())]);
    a.add_addresses(&[vip()], None).unwrap();
    let source = a.source();
    drop(a);
    assert!(hub.holders(vip().ip()).is_empty());
    drop(hub.attach(source)); // it may come back
}

#[test]
fn routes_are_set_once_and_removed() {
    let (hub, [mut a, ..]) = three();
    let route: VirtualRoute = "192.0.2.0/24 via 10.0.0.254".parse().unwrap();
    for _ in 0..2 {
        a.add_routes(std::slice::from_ref(&route)).unwrap();
    }
    assert_eq!(hub.routes(a.source()), std::slice::from_ref(&route));
    a.remove_routes(std::slice::from_ref(&route)).unwrap();
    assert_eq!(hub.routes(a.source()), []);
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_woken() {
    let (hub, [mut a, ..]) = three();
    let source = a.source();
    let waiting = tokio::spawn(async move { poll_fn(|cx| a.poll_event(cx)).await });
    tokio::task::yield_now().await;
    hub.set_tracked(source, "eth1", false);
    let event = waiting.await.unwrap().unwrap();
    let interface = "eth1".to_owned();
    assert_eq!(
        event,
        NetworkEvent::Tracked {
            interface,
            up: false
        }
    );
}
