//! A master beyond the table: faults, weights, lost addresses, a clock that stood still.

use super::*;

fn fault() -> Event {
    Event::Tracked {
        tracker: Tracker(2),
        effect: Effect::Fault("the disk is full".into()),
    }
}

#[test]
fn a_fault_gives_the_addresses_up_at_once() {
    let mut node = Node::master(&v2(100));
    let actions = node.event(fault());
    let lost = Transition {
        from: State::Master,
        to: State::Fault,
        reason: Reason::Fault("the disk is full".into()),
    };
    let expected = [
        Action::RemoveAddresses,
        Action::Advertise(Priority::STOP),
        Action::AskSuccessor,
        Action::Transition(lost),
    ];
    assert_eq!(actions, expected);
    assert_eq!(node.machine.poll_timeout(), None);
    let tracker = Tracker(2);
    let effect = Effect::Fine;
    let actions = node.event(Event::Tracked { tracker, effect });
    assert_eq!(reasons(&actions), [Reason::Recovered]);
    assert_eq!(node.state(), State::Backup);
}

#[test]
fn what_is_not_known_yet_holds_the_start_but_no_master() {
    let pending = || Event::Tracked {
        tracker: Tracker(1),
        effect: Effect::Pending,
    };
    let mut node = Node::idle(&v2(255));
    node.event(pending());
    node.machine.start(node.now);
    assert_eq!(node.state(), State::Initialize);
    node.weigh(0);
    assert_eq!(node.state(), State::Master);
    node.event(pending());
    assert_eq!(node.state(), State::Master);
}

#[test]
fn an_interface_without_an_address_is_a_fault() {
    let mut node = Node::started(&v2(100));
    node.event(Event::Interface {
        up: true,
        source: None,
    });
    assert_eq!(node.state(), State::Fault);
}

#[test]
fn a_weight_is_advertised_at_once() {
    let mut node = Node::master(&v2(100));
    node.pass(ms(500));
    node.weigh(-40);
    assert_eq!(advertised(&node.pass(ms(0))), [60]);
    assert_eq!(node.machine.priority(), Priority(60));
    // The owner's is beyond all weights.
    let mut owner = Node::started(&v2(255));
    owner.weigh(-40);
    assert_eq!(owner.machine.priority(), Priority::OWNER);
}

#[test]
fn lost_addresses_are_set_again_announced_and_told() {
    let mut node = Node::master(&v2(100));
    node.pass(ms(10_000));
    let address = ip("192.0.2.100");
    let told = Action::Alarm(Alarm::AddressLost { address });
    let actions = node.event(Event::Lost { address });
    assert_eq!(actions, [told, Action::AddAddresses]);
    assert_eq!(count(&node.pass(ms(100)), &Action::Announce), 3);
    // Who removes it again and again is told of once a minute.
    assert_eq!(node.event(Event::Lost { address }), [Action::AddAddresses]);
    let mut node = Node::started(&v2(100));
    assert_eq!(node.event(Event::Lost { address }), []);
}

/// Each answer sets all of them: 255 answers to 255 losses would take a second.
#[test]
fn addresses_that_went_together_are_set_once() {
    let mut node = Node::master(&v2(100));
    node.pass(ms(10_000));
    for last in 100..=200 {
        let address = format!("192.0.2.{last}").parse().unwrap();
        node.machine.handle_event(node.now, Event::Lost { address });
    }
    let actions = node.pass(ms(0));
    assert_eq!(count(&actions, &Action::AddAddresses), 1, "{actions:?}");
}

#[test]
fn the_losers_last_word_makes_the_winner_announce() {
    let mut loser = Node::master(&v2(100));
    let actions = loser.hears(20, 150);
    let kinds = [Action::RemoveAddresses, Action::Advertise(Priority(100))];
    assert_eq!(actions[..2], kinds, "the addresses are gone when it speaks");
    let mut winner = Node::master(&v2(150));
    winner.pass(ms(10_000));
    winner.hears(20, 100);
    assert!(count(&winner.pass(ms(200)), &Action::Announce) >= 3);
}

#[test]
fn announcements_follow_the_schedule_and_the_refresh() {
    let schedule = [0, 100, 300].map(ms);
    let settings = v2(255).announcements(schedule, Some(ms(1000)));
    let mut node = Node::started(&settings);
    let mut at = Vec::new();
    for _ in 0..350 {
        if count(&node.pass(ms(10)), &Action::Announce) > 0 {
            at.push((node.now - node.begin).as_millis());
        }
    }
    assert_eq!(at, [100, 300, 1300, 2300, 3300]);
}

#[test]
fn a_claim_is_answered_and_said() {
    let mut node = Node::master(&v2(100));
    node.pass(ms(10_000));
    let actions = node.claimed();
    assert_eq!(count(&actions, &Action::Announce), 1);
    let address = ip("192.0.2.100");
    assert_eq!(alarms(&actions), [Alarm::Claimed { address, by: MAC }]);
    assert_eq!(node.machine.statistics().claims, 1);
}

#[test]
fn who_overslept_gives_way_even_to_a_lower_priority() {
    let mut node = Node::master(&v2(150));
    // Nothing ran for 10 s; packets come before timers.
    node.now += ms(10_000);
    let actions = node.hears(20, 100);
    let overslept = Reason::Overslept {
        stood: ms(10_000),
        master: peer(20),
    };
    assert_eq!(reasons(&actions), [overslept]);
    assert_eq!(count(&actions, &Action::RemoveAddresses), 1);
}

#[test]
fn who_overslept_alone_sets_its_addresses_again() {
    let mut node = Node::master(&v2(150));
    node.now += ms(10_000);
    let actions = node.pass(ms(0));
    assert_eq!(
        actions[..2],
        [Action::AddAddresses, Action::Advertise(Priority(150))]
    );
    assert_eq!(count(&actions, &Action::Announce), 1);
    assert_eq!(node.state(), State::Master);
    // Missed advertisements are not caught up.
    assert_eq!(advertised(&node.pass(ms(999))), []);
}

#[test]
fn the_last_word_of_who_overslept_does_not_depose_its_successor() {
    for (own, theirs, farewell) in [(150, 100, 99), (150, 1, 0), (100, 150, 100)] {
        let mut node = Node::master(&v2(own));
        node.now += ms(10_000);
        let actions = node.hears(20, theirs);
        assert_eq!(advertised(&actions), [farewell], "after {theirs}");
    }
}

#[test]
fn who_stops_beside_a_master_makes_it_announce() {
    let mut node = Node::master(&v2(100));
    node.pass(ms(10_000));
    node.hears(20, 0);
    assert_eq!(count(&node.pass(ms(100)), &Action::Announce), 3);
}
