//! A master that stops or hands over keeps its addresses until its successor is heard.

use super::*;

#[test]
fn stop_keeps_the_addresses_until_the_successor_is_heard() {
    let mut node = Node::master(&v2(150));
    node.pass(ms(300));
    node.machine.stop(node.now);
    assert_eq!(
        node.actions(),
        [Action::Advertise(Priority::STOP), Action::AskSuccessor]
    );
    assert_eq!(node.pass(ms(600)), [], "silent, and still there");
    assert_eq!(node.hears(21, 0), [], "that is no successor");
    let actions = node.hears(20, 100);
    assert_eq!(actions[0], Action::RemoveAddresses);
    assert_eq!(reasons(&actions), [Reason::Stopped]);
    assert!(node.machine.is_stopped());
}

#[test]
fn stop_without_a_successor_ends_after_the_longest_skew_time() {
    let mut node = Node::master(&v2(150));
    node.machine.stop(node.now);
    node.actions();
    let (took, actions) = node.until_it_changes();
    assert!(ms(1100) < took && took < ms(1300), "{took:?}");
    assert_eq!(actions[0], Action::RemoveAddresses);
    assert!(node.machine.is_stopped());
    assert_eq!(node.machine.poll_timeout(), None);
}

#[test]
fn hand_over_becomes_a_backup_of_the_successor() {
    let mut node = Node::master(&v2(150));
    let actions = node.event(Event::HandOver);
    assert_eq!(
        actions,
        [Action::Advertise(Priority::STOP), Action::AskSuccessor]
    );
    assert_eq!(node.event(Event::HandOver), [], "once is enough");
    let actions = node.hears(20, 100);
    assert_eq!(actions[0], Action::RemoveAddresses);
    assert_eq!(
        advertised(&actions),
        [],
        "nothing that would depose the successor"
    );
    assert_eq!(reasons(&actions), [Reason::HandedOver(peer(20))]);
    assert_eq!(node.state(), State::Backup);
}

#[test]
fn hand_over_without_a_successor_stays() {
    let mut node = Node::master(&v2(150));
    node.event(Event::HandOver);
    let actions = node.pass(ms(1300));
    assert_eq!(alarms(&actions), [Alarm::NoSuccessor]);
    assert_eq!(advertised(&actions), [150]);
    assert_eq!(count(&actions, &Action::RemoveAddresses), 0);
    assert_eq!(node.state(), State::Master);
    assert_eq!(advertised(&node.pass(ms(3000))).len(), 3);
}

#[test]
fn hand_over_concerns_a_master_only() {
    let mut node = Node::started(&v2(150));
    assert_eq!(node.event(Event::HandOver), []);
}

#[test]
fn a_stop_while_handing_over_is_a_stop() {
    let mut node = Node::master(&v2(150));
    node.event(Event::HandOver);
    node.machine.stop(node.now);
    node.hears(20, 100);
    assert!(node.machine.is_stopped());
}

#[test]
fn a_fault_while_handing_over_waits_for_nobody() {
    let mut node = Node::master(&v2(150));
    node.event(Event::HandOver);
    let actions = node.event(Event::Interface {
        up: false,
        source: None,
    });
    assert_eq!(actions[0], Action::RemoveAddresses);
    assert_eq!(node.state(), State::Fault);
}

#[test]
fn who_steps_aside_does_not_defend_the_addresses() {
    let mut node = Node::master(&v2(150));
    node.event(Event::HandOver);
    assert_eq!(node.claimed(), []);
}

#[test]
fn who_steps_aside_does_not_announce_what_it_sets_again() {
    let mut node = Node::master(&v2(150));
    node.event(Event::HandOver);
    let address = ip("192.0.2.100");
    let actions = node.event(Event::Lost { address });
    assert_eq!(count(&actions, &Action::AddAddresses), 1, "{actions:?}");
    assert_eq!(node.pass(ms(500)), []);
}
