//! Who floods or forges costs a bounded number of packets, and holds nothing back.

use super::*;
use crate::machine::alarms::ALARMS;

#[test]
fn a_flood_of_priority_0_does_not_hold_the_timer_back() {
    let mut node = Node::started(&v2(128));
    node.hears(20, 200);
    for _ in 0..499 {
        node.hears(20, 0);
        node.pass(ms(1));
    }
    assert_eq!(node.state(), State::Backup);
    node.hears(20, 0);
    node.pass(ms(1));
    assert_eq!(node.state(), State::Master);
}

/// The packets a master sends in a second in which this happens each millisecond.
fn flooded(settings: &Builder, mut strike: impl FnMut(&mut Node)) -> (usize, usize) {
    let mut node = Node::master(settings);
    node.pass(ms(10_000));
    let (mut sent, mut announced) = (0, 0);
    for _ in 0..1000 {
        strike(&mut node);
        let actions = node.pass(ms(1));
        sent += advertised(&actions).len();
        announced += count(&actions, &Action::Announce);
    }
    assert_eq!(node.state(), State::Master);
    (sent, announced)
}

#[test]
fn a_flood_of_lower_priorities_costs_few_packets() {
    let (sent, announced) = flooded(&v2(100), |node| drop(node.hears(20, 99)));
    assert!((10..=21).contains(&sent), "{sent}");
    assert!(announced <= 31, "{announced}");
    // Four for each of its own where the interval is short.
    let (sent, _) = flooded(&v3(100, 1), |node| drop(node.hears(20, 99)));
    assert!(sent <= 400, "{sent}");
}

#[test]
fn a_flood_of_priority_0_costs_a_master_few_packets() {
    let (sent, announced) = flooded(&v2(100), |node| drop(node.hears(20, 0)));
    assert!((10..=21).contains(&sent), "{sent}");
    assert!(announced <= 31, "{announced}");
}

#[test]
fn a_flood_of_claims_costs_few_packets() {
    let (sent, announced) = flooded(&v2(100), |node| drop(node.claimed()));
    assert_eq!(sent, 1);
    assert!((5..=10).contains(&announced), "{announced}");
}

#[test]
fn a_flapping_weight_costs_few_packets() {
    let mut weight = 0;
    let (sent, _) = flooded(&v2(100), |node| {
        weight = 1 - weight;
        node.weigh(weight);
    });
    assert!(sent <= 21, "{sent}");
}

#[test]
fn an_alarm_is_not_repeated_within_a_minute() {
    let mut node = Node::master(&v2(100));
    assert_eq!(alarms(&node.hears(20, 99)).len(), 1);
    node.pass(ms(59_000));
    assert_eq!(alarms(&node.hears(20, 99)), []);
    node.pass(ms(1000));
    assert_eq!(alarms(&node.hears(20, 99)).len(), 1);
}

#[test]
fn forged_senders_raise_a_bounded_number_of_alarms() {
    let mut node = Node::master(&v2(150));
    let mut raised = 0;
    for last in 20..=250 {
        raised += alarms(&node.hears(last, 99)).len();
    }
    assert_eq!(raised, ALARMS);
    node.pass(ms(60_000));
    assert_eq!(
        alarms(&node.hears(19, 99)).len(),
        1,
        "old ones are forgotten"
    );
}

#[test]
fn a_forged_interval_of_version_3_is_unlearned_with_the_next_advertisement() {
    let mut node = Node::started(&v3(128, 10));
    let mut packet = node.advertisement(200);
    packet.interval = Interval::from_centiseconds(Version::V3, 4095).unwrap();
    node.hears_packet(66, &packet);
    node.hears(20, 200);
    assert_eq!(node.until_it_changes().0, ms(350));
}

#[test]
fn forged_senders_do_not_crowd_out_what_only_this_node_can_know() {
    let mut node = Node::master(&v2(150));
    for last in 20..=250 {
        node.hears(last, 99);
    }
    node.event(Event::HandOver);
    assert_eq!(alarms(&node.pass(ms(1300))), [Alarm::NoSuccessor]);
}
