//! A backup beyond the table: what else moves its timer.

use super::*;

#[test]
fn down_timer_adverts_counts_in_place_of_three() {
    let mut node = Node::started(&v2(128).down_timer_adverts(5));
    assert_eq!(node.until_it_changes().0, ms(5500));
    let mut node = Node::started(&v2(128).down_timer_adverts(1));
    assert_eq!(node.until_it_changes().0, ms(1500));
}

#[test]
fn version_2_drops_another_interval() {
    let mut node = Node::started(&v2(128));
    let mut packet = node.advertisement(200);
    packet.interval = Interval::from_centiseconds(Version::V2, 200).unwrap();
    node.pass(ms(3000));
    let actions = node.hears_packet(20, &packet);
    let differs = Alarm::IntervalDiffers {
        source: peer(20),
        theirs: packet.interval,
        own: Interval::DEFAULT,
    };
    assert_eq!(alarms(&actions), [differs]);
    assert_eq!(node.until_it_changes().0, ms(500), "as if nothing came");
    // A master does not give way to it either.
    node.hears_packet(20, &packet);
    assert_eq!(node.state(), State::Master);
    assert_eq!(node.machine.statistics().interval_errors, 2);
}

#[test]
fn version_3_learns_another_interval() {
    let mut node = Node::started(&v3(128, 100));
    let mut packet = node.advertisement(200);
    packet.interval = Interval::from_centiseconds(Version::V3, 10).unwrap();
    node.hears_packet(20, &packet);
    assert_eq!(node.until_it_changes().0, ms(350));
    // And advertises in its own.
    assert_eq!(advertised(&node.pass(ms(3000))).len(), 3);
}

#[test]
fn another_list_of_addresses_is_said_and_accepted() {
    let mut node = Node::started(&v2(100));
    let mut packet = node.advertisement(200);
    packet.addresses = vec![ip("192.0.2.200")];
    node.pass(ms(3000));
    let actions = node.hears_packet(20, &packet);
    assert_eq!(
        alarms(&actions),
        [Alarm::AddressesDiffer { source: peer(20) }]
    );
    assert_eq!(node.machine.statistics().address_list_errors, 1);
    node.pass(ms(3000));
    assert_eq!(node.state(), State::Backup);
    // In another order it is the same list.
    let two = [ip("192.0.2.100"), ip("192.0.2.101")];
    let mut node = Node::started(&v2(100).addresses(two));
    let mut packet = node.advertisement(200);
    packet.addresses.reverse();
    assert_eq!(node.hears_packet(20, &packet), []);
}

#[test]
fn a_weight_moves_the_running_timer() {
    let mut node = Node::started(&v2(128));
    node.pass(ms(1000));
    node.weigh(-64);
    // 3.5 s were waited for, and a quarter more is now; one of them is past.
    assert_eq!(node.until_it_changes().0, ms(2750));
    let mut node = Node::started(&v2(128));
    node.pass(ms(1000));
    node.weigh(64);
    assert_eq!(node.until_it_changes().0, ms(2250));
    let mut node = Node::started(&v2(128));
    for weight in [-100, 50, 253, -253, 0] {
        node.weigh(weight);
    }
    assert_eq!(node.until_it_changes().0, ms(3500), "there and back again");
}

#[test]
fn a_master_whose_priority_falls_is_succeeded_after_the_skew_time() {
    let mut node = Node::started(&v2(128));
    node.hears(20, 200);
    node.pass(ms(100));
    node.hears(20, 100);
    node.pass(ms(300));
    node.hears(20, 100);
    assert_eq!(node.until_it_changes().0, ms(200));
}

#[test]
fn a_master_whose_process_is_gone_is_succeeded_at_once_by_the_next_in_line() {
    for (next_in_line, wait) in [(true, ms(0)), (false, ms(500))] {
        let mut node = Node::started(&v2(128));
        node.hears(20, 200);
        let gone = |last| Event::PeerGone {
            source: peer(last),
            next_in_line,
        };
        node.event(gone(21));
        assert_eq!(node.state(), State::Backup, "it was not the master");
        let before = node.now;
        let mut actions = node.event(gone(20));
        if node.state() == State::Backup {
            actions = node.until_it_changes().1;
        }
        assert_eq!(node.now - before, wait);
        assert_eq!(reasons(&actions), [Reason::MasterGone(peer(20))]);
    }
}

#[test]
fn who_is_asked_takes_over_at_once() {
    let mut node = Node::started(&v2(100).probe(Probe::Hold));
    node.hears(20, 200);
    let actions = node.event(Event::TakeOver { from: peer(20) });
    assert_eq!(reasons(&actions), [Reason::Asked(peer(20))]);
    assert_eq!(node.state(), State::Master);
}

#[test]
fn without_a_witness_nothing_is_taken() {
    let mut node = Node::started(&v2(100));
    node.event(Event::Witness { reachable: false });
    let actions = node.pass(ms(60_000));
    assert_eq!(alarms(&actions), [Alarm::Isolated]);
    assert_eq!(node.state(), State::Backup);
    node.event(Event::Witness { reachable: true });
    node.pass(ms(1000));
    assert_eq!(node.state(), State::Master);
    // A master stays: it does not take anything.
    node.event(Event::Witness { reachable: false });
    assert_eq!(node.state(), State::Master);
}

#[test]
fn start_as_master_waits_for_the_skew_time_only() {
    let mut node = Node::started(&v2(128).start_as_master(true));
    assert_eq!(node.until_it_changes().0, ms(500));
    // Who recovers from a fault does not start.
    node.event(Event::Interface {
        up: false,
        source: None,
    });
    node.event(Event::Interface {
        up: true,
        source: Some(peer(10)),
    });
    assert_eq!(node.until_it_changes().0, ms(3500));
}

#[test]
fn start_as_master_heeds_who_answers() {
    let mut node = Node::started(&v2(128).start_as_master(true));
    let asked = node.pass(ms(491));
    assert_eq!(count(&asked, &Action::Probe), 1);
    assert_eq!(alarms(&node.claimed()), []);
    node.pass(ms(3000));
    assert_eq!(node.state(), State::Backup);
    assert_eq!(node.until_it_changes().0, ms(509));
}

#[test]
fn start_as_master_heeds_a_master_that_ranks_higher() {
    let mut node = Node::started(&v2(128).start_as_master(true));
    node.hears(20, 129);
    assert_eq!(node.until_it_changes().0, ms(3500));
}

#[test]
fn a_late_priority_0_does_not_depose_the_successor() {
    let mut node = Node::started(&v3(200, 250).preempt(false));
    node.hears(20, 254);
    // The successor was quicker than its predecessor's farewell.
    node.hears(21, 220);
    node.hears(20, 0);
    node.pass(ms(2400));
    assert_eq!(node.state(), State::Backup);
    node.hears(21, 220);
    // Of the master it counts, and of anybody as long as no master is known.
    node.hears(21, 0);
    node.pass(ms(600));
    assert_eq!(node.state(), State::Master);
    let mut node = Node::started(&v2(128));
    node.hears(20, 0);
    assert_eq!(node.until_it_changes().0, ms(500));
}

#[test]
fn a_losers_last_word_leaves_the_master_known() {
    let mut node = Node::started(&v2(128));
    node.hears(20, 200);
    node.hears(21, 100);
    assert_eq!(
        node.machine.master().map(|peer| peer.source),
        Some(peer(20))
    );
    let (_, actions) = node.until_it_changes();
    let silence = Reason::Silence {
        master: Some(peer(20)),
        silent: ms(3500),
    };
    assert_eq!(reasons(&actions), [silence]);
}

#[test]
fn a_master_that_is_long_silent_is_nobodys_better() {
    // Held back by its witnesses it hears how a worse one takes over, and stops.
    let mut node = Node::started(&v2(128));
    node.hears(20, 200);
    node.event(Event::Witness { reachable: false });
    node.pass(ms(5000));
    node.hears(21, 100);
    assert_eq!(
        node.machine.master().map(|peer| peer.source),
        Some(peer(21))
    );
}

#[test]
fn a_late_wish_to_hand_over_does_not_depose_the_successor() {
    let mut node = Node::started(&v2(100));
    node.hears(20, 200);
    node.hears(21, 150);
    assert_eq!(node.event(Event::TakeOver { from: peer(20) }), []);
    assert_eq!(node.state(), State::Backup);
    // As long as no master is known it is nobody's loss.
    let mut node = Node::started(&v2(100));
    node.event(Event::TakeOver { from: peer(20) });
    assert_eq!(node.state(), State::Master);
}

#[test]
fn a_late_advertisement_of_who_is_gone_does_not_depose_its_successor() {
    let gone = |next_in_line| Event::PeerGone {
        source: peer(20),
        next_in_line,
    };
    let events = [gone(true), Event::TakeOver { from: peer(20) }, gone(false)];
    for (event, wait) in events.into_iter().zip([0, 0, 500]) {
        let mut node = Node::started(&v2(128));
        node.hears(20, 200);
        node.event(event);
        node.hears(20, 200);
        node.pass(ms(wait));
        assert_eq!(node.state(), State::Master);
        // Who comes back is heard again.
        node.pass(ms(200));
        node.hears(20, 200);
        assert_eq!(node.state(), State::Backup);
    }
}

#[test]
fn start_as_master_leaves_time_for_an_answer() {
    // The skew time is 0.1 ms.
    let mut node = Node::started(&v3(254, 1).start_as_master(true));
    assert_eq!(node.until_it_changes().0, ms(20));
}
