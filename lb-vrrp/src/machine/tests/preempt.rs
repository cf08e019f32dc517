//! Who may take over from a living master, and when.

use super::*;

/// Hears a master of this priority each second; when it takes over, if within 30 s.
fn takes_over(node: &mut Node, priority: u8) -> Option<u128> {
    let begin = node.now;
    for _ in 0..30 {
        node.hears(20, priority);
        node.pass(ms(1000));
        if node.state() == State::Master {
            return Some((node.now - begin).as_secs().into());
        }
    }
    None
}

#[test]
fn preemption_is_the_default_and_can_be_forbidden() {
    assert_eq!(takes_over(&mut Node::started(&v2(150)), 100), Some(4));
    assert_eq!(
        takes_over(&mut Node::started(&v2(150).preempt(false)), 100),
        None
    );
    assert_eq!(takes_over(&mut Node::started(&v2(150)), 150), None);
}

#[test]
fn preempt_delay_begins_with_the_first_lower_priority() {
    let settings = v2(128).preempt_delay(ms(10_000));
    // 10 s, and then the timer that the last accepted one began.
    assert_eq!(takes_over(&mut Node::started(&settings), 100), Some(13));
    // A higher priority in between begins it anew.
    let mut node = Node::started(&settings);
    node.hears(20, 100);
    node.pass(ms(1000));
    node.hears(21, 200);
    node.pass(ms(1000));
    assert_eq!(takes_over(&mut node, 100), Some(13));
}

#[test]
fn preempt_delay_does_not_hold_where_the_master_is_gone() {
    let settings = v2(128).preempt_delay(ms(600_000));
    let mut node = Node::started(&settings);
    node.hears(20, 100);
    assert_eq!(node.until_it_changes().0, ms(3500));
    let mut node = Node::started(&settings);
    node.hears(20, 100);
    node.hears(20, 0);
    assert_eq!(node.until_it_changes().0, ms(500));
}

#[test]
fn who_handed_over_does_not_preempt_its_successor() {
    let mut node = Node::master(&v2(150));
    node.event(Event::HandOver);
    node.hears(20, 100);
    assert_eq!(node.state(), State::Backup);
    assert_eq!(takes_over(&mut node, 100), None);
    // But follows it when it is gone.
    assert!(node.until_it_changes().0 > ms(2000));
    // And preempts again after that.
    node.hears(21, 200);
    assert_eq!(node.state(), State::Backup);
    assert_eq!(takes_over(&mut node, 100), Some(4));
}

#[test]
fn the_owner_preempts_always() {
    // It stepped down for another owner; a lower priority must not keep it down.
    let settings = v2(255).preempt(false).preempt_delay(ms(600_000));
    let mut node = Node::started(&settings);
    assert_eq!(node.state(), State::Master);
    node.hears(20, 255);
    assert_eq!(node.state(), State::Backup);
    assert_eq!(takes_over(&mut node, 100), Some(1));
}

#[test]
fn the_owner_takes_nothing_without_a_witness() {
    let mut node = Node::idle(&v2(255));
    node.event(Event::Witness { reachable: false });
    node.machine.start(node.now);
    assert_eq!(alarms(&node.pass(ms(50_000))), [Alarm::Isolated]);
    assert_eq!(node.state(), State::Backup);
    node.event(Event::Witness { reachable: true });
    node.pass(ms(1000));
    assert_eq!(node.state(), State::Master);
}
