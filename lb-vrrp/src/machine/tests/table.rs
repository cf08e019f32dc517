//! The rows of RFC 9568 §6.4 and RFC 3768 §6.4, in their order.

use super::*;

/// Becomes master: advertises first, then has the addresses, then tells everybody.
fn promotion(priority: u8, from: State, reason: Reason) -> Vec<Action> {
    vec![
        Action::Advertise(Priority(priority)),
        Action::AddAddresses,
        Action::Announce,
        Action::Transition(Transition {
            from,
            to: State::Master,
            reason,
        }),
    ]
}

#[test]
fn initialize_startup_of_the_owner() {
    let mut node = Node::idle(&v2(255));
    node.machine.start(node.now);
    assert_eq!(
        node.actions(),
        promotion(255, State::Initialize, Reason::Owner)
    );
    assert_eq!(advertised(&node.pass(ms(3000))), [255, 255, 255]);
}

#[test]
fn initialize_startup_of_any_other() {
    let mut node = Node::idle(&v2(100).probe(Probe::Off));
    node.machine.start(node.now);
    let started = Transition {
        from: State::Initialize,
        to: State::Backup,
        reason: Reason::Started,
    };
    assert_eq!(node.actions(), [Action::Transition(started)]);
    let down = node.begin + Duration::from_nanos(3_609_375_000);
    assert_eq!(node.machine.poll_timeout(), Some(down));
}

#[test]
fn nothing_is_heard_or_due_before_the_start_and_in_fault() {
    let mut node = Node::idle(&v2(100));
    assert_eq!(node.hears(20, 0), []);
    assert_eq!(node.machine.poll_timeout(), None);
    node.machine.start(node.now);
    node.event(Event::Interface {
        up: false,
        source: None,
    });
    assert_eq!(node.state(), State::Fault);
    assert_eq!(node.hears(20, 0), []);
    assert_eq!(node.machine.poll_timeout(), None);
    assert_eq!(node.machine.statistics().received_advertisements, 0);
}

#[test]
fn backup_shutdown() {
    let mut node = Node::started(&v2(100));
    node.machine.stop(node.now);
    assert_eq!(reasons(&node.actions()), [Reason::Stopped]);
    assert!(node.machine.is_stopped());
    assert_eq!(node.machine.poll_timeout(), None);
}

#[test]
fn backup_down_timer() {
    let mut node = Node::started(&v2(100).probe(Probe::Off));
    node.pass(ms(500));
    assert_eq!(node.hears(20, 200), []);
    let (took, actions) = node.until_it_changes();
    assert_eq!(took, Duration::from_nanos(3_609_375_000));
    let silence = Reason::Silence {
        master: Some(peer(20)),
        silent: took,
    };
    assert_eq!(actions, promotion(100, State::Backup, silence));
}

#[test]
fn backup_hears_priority_0() {
    let mut node = Node::started(&v2(128));
    node.hears(20, 200);
    assert_eq!(node.hears(20, 0), []);
    let (took, actions) = node.until_it_changes();
    assert_eq!(took, ms(500));
    assert_eq!(reasons(&actions), [Reason::MasterStopped(peer(20))]);
}

#[test]
fn backup_hears_a_priority_not_below_its_own() {
    for priority in [100, 101, 255] {
        let mut node = Node::started(&v2(100));
        for _ in 0..20 {
            node.pass(ms(3000));
            node.hears(20, priority);
        }
        assert_eq!(node.state(), State::Backup, "priority {priority}");
        let (took, _) = node.until_it_changes();
        assert_eq!(took, Duration::from_nanos(3_609_375_000));
    }
}

#[test]
fn backup_discards_a_lower_priority() {
    let mut node = Node::started(&v2(100));
    node.pass(ms(3000));
    node.hears(20, 99);
    let (took, actions) = node.until_it_changes();
    assert_eq!(took, Duration::from_nanos(609_375_000));
    let preempted = Reason::Preempted {
        master: peer(20),
        theirs: Priority(99),
        own: Priority(100),
    };
    assert_eq!(reasons(&actions), [preempted]);
}

#[test]
fn backup_without_preemption_takes_a_lower_priority_for_its_master() {
    let mut node = Node::started(&v2(100).preempt(false));
    for _ in 0..20 {
        node.pass(ms(3000));
        node.hears(20, 1);
    }
    assert_eq!(node.state(), State::Backup);
}

#[test]
fn master_shutdown() {
    let mut node = Node::master(&v2(100));
    node.machine.stop(node.now);
    assert_eq!(advertised(&node.actions()), [0]);
}

#[test]
fn master_advertises_in_its_interval() {
    for (settings, interval) in [(v2(100), ms(1000)), (v3(100, 7), ms(70))] {
        let mut node = Node::master(&settings);
        let mut due = Vec::new();
        for _ in 0..5 {
            let before = node.now;
            while advertised(&node.actions()).is_empty() {
                node.now = node.machine.poll_timeout().unwrap();
                node.machine.handle_timeout(node.now);
            }
            due.push(node.now - before);
        }
        assert_eq!(due, [interval; 5]);
    }
}

#[test]
fn master_answers_priority_0_at_once() {
    let mut node = Node::master(&v2(100));
    node.pass(ms(500));
    node.hears(20, 0);
    assert_eq!(advertised(&node.pass(ms(0))), [100]);
    // The timer began anew.
    assert_eq!(advertised(&node.pass(ms(999))), []);
    assert_eq!(advertised(&node.pass(ms(1))), [100]);
}

#[test]
fn master_gives_way_to_a_higher_priority() {
    let mut node = Node::master(&v3(100, 100));
    node.pass(ms(300));
    let mut better = node.advertisement(101);
    better.interval = Interval::from_centiseconds(Version::V3, 50).unwrap();
    let actions = node.hears_packet(5, &better);
    let outranked = Reason::Outranked {
        master: peer(5),
        theirs: Priority(101),
        own: Priority(100),
    };
    assert_eq!(reasons(&actions), [outranked]);
    assert_eq!(count(&actions, &Action::RemoveAddresses), 1);
    // The winner's interval is learned.
    let (took, _) = node.until_it_changes();
    assert_eq!(took, Duration::from_nanos(1_804_687_500));
}

#[test]
fn masters_of_one_priority_are_told_apart_by_their_addresses() {
    let mut node = Node::master(&v2(100));
    node.hears(9, 100);
    assert_eq!(node.state(), State::Master, "192.0.2.9 is below 192.0.2.10");
    node.hears(11, 100);
    assert_eq!(node.state(), State::Backup);
    // As numbers, not as text.
    let mut node = Node::master(&v2(100));
    node.hears(100, 100);
    assert_eq!(node.state(), State::Backup);
}

#[test]
fn master_answers_a_lower_priority_at_once() {
    let mut node = Node::master(&v2(100));
    node.pass(ms(500));
    let other = Alarm::OtherMaster {
        source: peer(20),
        priority: Priority(99),
    };
    let heard = node.hears(20, 99);
    assert_eq!(alarms(&heard), [other]);
    let actions = node.pass(ms(0));
    assert_eq!(advertised(&actions), [100]);
    assert_eq!(
        count(&actions, &Action::Announce),
        1,
        "clients may be misled"
    );
    assert_eq!(node.state(), State::Master);
    assert_eq!(node.machine.statistics().other_master, 1);
}

#[test]
fn its_own_advertisement_is_nobodys() {
    let mut node = Node::master(&v2(100));
    assert_eq!(node.hears(10, 255), []);
    assert_eq!(node.state(), State::Master);
    let mut node = Node::started(&v2(100));
    node.pass(ms(3600));
    node.hears(10, 255);
    node.pass(ms(10));
    assert_eq!(node.state(), State::Master);
}
