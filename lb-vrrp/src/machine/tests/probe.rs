//! What an answered probe means.

use super::*;

/// Probes before the end of silence, and is answered.
fn answered(settings: &Builder) -> (Node, Vec<Action>) {
    let mut node = Node::started(settings);
    let actions = node.pass(ms(3491));
    assert_eq!(count(&actions, &Action::Probe), 1);
    node.claimed();
    let actions = node.pass(ms(20));
    (node, actions)
}

#[test]
fn two_probes_go_out_within_the_skew_time() {
    let mut node = Node::started(&v2(128));
    assert_eq!(count(&node.pass(ms(3489)), &Action::Probe), 0);
    assert_eq!(count(&node.pass(ms(1)), &Action::Probe), 1);
    assert_eq!(count(&node.pass(ms(5)), &Action::Probe), 1);
    let (_, actions) = node.until_it_changes();
    assert_eq!(node.now - node.begin, ms(3500), "they cost no time");
    assert_eq!(alarms(&actions), [], "nobody answered");
    let mut node = Node::started(&v2(128).probe(Probe::Off));
    assert_eq!(count(&node.pass(ms(3600)), &Action::Probe), 0);
}

#[test]
fn alarm_takes_what_answers_and_says_so() {
    let (node, actions) = answered(&v2(128).probe(Probe::Alarm));
    assert_eq!(
        alarms(&actions),
        [Alarm::OwnerAlive {
            by: MAC,
            held: false
        }]
    );
    assert_eq!(node.state(), State::Master);
}

#[test]
fn hold_waits_while_somebody_answers() {
    let (mut node, actions) = answered(&v2(128).probe(Probe::Hold));
    assert_eq!(
        alarms(&actions),
        [Alarm::OwnerAlive {
            by: MAC,
            held: true
        }]
    );
    assert_eq!(node.state(), State::Backup);
    // It asks again each interval, and takes over when nobody answers any more.
    node.pass(ms(981));
    node.claimed();
    for _ in 0..10 {
        assert!(count(&node.pass(ms(1000)), &Action::Probe) > 0);
        node.claimed();
    }
    assert_eq!(node.state(), State::Backup);
    node.pass(ms(2000));
    assert_eq!(node.state(), State::Master);
}

/// In a flood the master's advertisements are lost among what is not read.
#[test]
fn an_overrun_backup_holds_while_somebody_answers() {
    let settings = v2(128).probe(Probe::Alarm);
    let held = |node: &mut Node| {
        let actions = node.pass(ms(3491));
        assert_eq!(count(&actions, &Action::Probe), 1);
        node.claimed();
        alarms(&node.pass(ms(20)))
    };
    let mut node = Node::started(&settings);
    node.event(Event::Overrun);
    assert_eq!(
        held(&mut node),
        [Alarm::OwnerAlive {
            by: MAC,
            held: true
        }]
    );
    assert_eq!(node.state(), State::Backup);
    // The flood is over: an answer does not hold it any more.
    node.pass(ms(981));
    node.claimed();
    node.pass(ms(20));
    assert_eq!(node.state(), State::Master);

    // Nobody answers: the master is gone, flood or no flood.
    let mut node = Node::started(&settings);
    node.event(Event::Overrun);
    assert_eq!(node.until_it_changes().0, ms(3500));

    // What was lost before the last advertisement does not matter.
    let mut node = Node::started(&settings);
    node.event(Event::Overrun);
    node.hears(20, 150);
    held(&mut node);
    assert_eq!(node.state(), State::Master);
}

#[test]
fn a_claim_that_was_not_asked_for_is_no_answer() {
    let mut node = Node::started(&v2(128).probe(Probe::Hold));
    node.claimed();
    assert_eq!(node.until_it_changes().0, ms(3500));
}

#[test]
fn an_advertisement_is_more_than_an_answer() {
    let mut node = Node::started(&v2(128).probe(Probe::Hold));
    node.pass(ms(3491));
    node.claimed();
    node.hears(20, 200);
    assert_eq!(node.until_it_changes().0, ms(3500));
}

#[test]
fn hold_does_not_hold_preemption_back() {
    let mut node = Node::started(&v2(128).probe(Probe::Hold));
    for _ in 0..8 {
        node.hears(20, 100);
        node.pass(ms(494));
        // The living master answers each probe, of course.
        node.claimed();
        node.pass(ms(506));
    }
    assert_eq!(node.state(), State::Master);
}

#[test]
fn hold_does_not_hold_back_who_is_told_that_the_master_stops() {
    let mut node = Node::started(&v2(128).probe(Probe::Hold));
    node.hears(20, 200);
    node.pass(ms(3491));
    // Its timer is nearly out, so that the skew time does not shorten it.
    node.hears(20, 0);
    node.claimed();
    let (took, actions) = node.until_it_changes();
    assert_eq!(took, ms(9));
    assert_eq!(reasons(&actions), [Reason::MasterStopped(peer(20))]);
}

#[test]
fn hold_asks_before_it_takes_whatever_moved_the_timer() {
    // A weight that ends the wait at once.
    let mut node = Node::started(&v2(1).probe(Probe::Hold));
    node.pass(ms(3500));
    node.weigh(253);
    assert_eq!(count(&node.pass(ms(0)), &Action::Probe), 1);
    node.claimed();
    node.pass(ms(10));
    assert_eq!(node.state(), State::Backup);
    // A process that woke late.
    let mut node = Node::started(&v2(128).probe(Probe::Hold));
    node.now += ms(10_000);
    assert_eq!(count(&node.pass(ms(0)), &Action::Probe), 1);
    node.claimed();
    node.pass(ms(10));
    assert_eq!(node.state(), State::Backup);
    // Witnesses that are reached again.
    let mut node = Node::started(&v2(128).probe(Probe::Hold));
    node.event(Event::Witness { reachable: false });
    node.pass(ms(5000));
    let mut actions = node.event(Event::Witness { reachable: true });
    actions.extend(node.until_it_changes().1);
    assert_eq!(count(&actions, &Action::Probe), 1);
}
