use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::*;

const STATES: [RouterState; 4] = [
    RouterState::Initialize,
    RouterState::Backup,
    RouterState::Master,
    RouterState::Fault,
];

fn id(number: u8) -> VirtualRouterId {
    VirtualRouterId::new(number).unwrap()
}

fn view(number: u8, priority: u8, host: u8, state: RouterState) -> RouterView {
    RouterView {
        id: id(number),
        family: Family::V4,
        interface: "eth0".into(),
        source: Some(address(host)),
        priority: Priority(priority),
        state,
    }
}

fn address(host: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, host))
}

fn next(own: (u8, u8), live: &[&[RouterView]]) -> bool {
    let own = (Priority(own.0), address(own.1));
    next_in_line(id(51), Family::V4, own, live.iter().copied())
}

#[test]
fn the_highest_priority_is_next_and_then_the_highest_address() {
    let backup = [view(51, 100, 2, RouterState::Backup)];
    assert!(next((100, 3), &[]));
    assert!(next((101, 1), &[&backup]));
    assert!(!next((99, 3), &[&backup]));
    assert!(next((100, 3), &[&backup]));
    assert!(!next((100, 1), &[&backup]));
    // Addresses are compared as numbers, not as texts.
    let high = [view(51, 100, 10, RouterState::Backup)];
    assert!(!next((100, 9), &[&backup, &high]));
}

#[test]
fn who_cannot_be_master_is_passed_over() {
    for state in [RouterState::Fault, RouterState::Initialize] {
        assert!(next((1, 1), &[&[view(51, 254, 2, state)]]), "{state:?}");
    }
    let without_address = RouterView {
        source: None,
        ..view(51, 254, 2, RouterState::Backup)
    };
    assert!(next((1, 1), &[&[without_address]]));
}

#[test]
fn another_virtual_router_does_not_count() {
    let other_family = RouterView {
        family: Family::V6,
        ..view(51, 254, 2, RouterState::Backup)
    };
    let other = view(52, 254, 2, RouterState::Backup);
    assert!(next((1, 1), &[&[other_family, other]]));
}

proptest! {
    #[test]
    fn of_live_nodes_with_equal_knowledge_exactly_one_is_next(
        nodes in proptest::collection::vec((0u8.., 0usize..4), 1..6),
    ) {
        let views: Vec<_> = (1u8..)
            .zip(&nodes)
            .map(|(host, &(priority, state))| vec![view(51, priority, host, STATES[state])])
            .collect();
        let able = |node: &&Vec<RouterView>| {
            matches!(node[0].state, RouterState::Backup | RouterState::Master)
        };
        let next = views.iter().filter(able).filter(|own| {
            let rank = (own[0].priority, own[0].source.unwrap());
            let others = views.iter().filter(|other| other != own).map(Vec::as_slice);
            next_in_line(id(51), Family::V4, rank, others)
        });
        let expected = usize::from(views.iter().any(|node| able(&node)));
        prop_assert_eq!(next.count(), expected);
    }
}
