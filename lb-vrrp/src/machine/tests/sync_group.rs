//! Members of a sync group move as one.

use super::*;

/// Two virtual routers of one group.
struct Group {
    router: Router,
    now: Instant,
}

const FIRST: RouterIndex = RouterIndex(0);
const SECOND: RouterIndex = RouterIndex(1);

impl Group {
    fn idle(settings: [&Builder; 2]) -> Self {
        let now = tokio::time::Instant::now().into_std();
        let mut router = Router::new();
        for (index, builder) in settings.into_iter().enumerate() {
            let index_of = router.add(format!("VI_{index}"), builder.clone().build().unwrap());
            let source = Some(peer(10));
            router.handle_event(now, index_of, Event::Interface { up: true, source });
        }
        router.group(router.indices());
        Self { router, now }
    }

    fn started(priority: u8) -> Self {
        let settings = v2(priority);
        let mut group = Self::idle([&settings, &settings]);
        group.router.start(group.now);
        group.actions();
        group
    }

    fn master(priority: u8) -> Self {
        let mut group = Self::started(priority);
        group.pass(ms(4000));
        assert_eq!(group.states(), [State::Master; 2]);
        group
    }

    fn states(&self) -> [State; 2] {
        [FIRST, SECOND].map(|index| self.router.machine(index).state())
    }

    fn actions(&mut self) -> Vec<(usize, Action)> {
        let next = || {
            self.router
                .poll_action()
                .map(|(index, action)| (index.0, action))
        };
        std::iter::from_fn(next).collect()
    }

    fn pass(&mut self, time: Duration) -> Vec<(usize, Action)> {
        let end = self.now + time;
        while let Some(due) = self.router.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.router.handle_timeout(self.now);
        }
        self.now = end;
        self.actions()
    }

    fn hears(&mut self, index: RouterIndex, from: u8, priority: u8) -> Vec<(usize, Action)> {
        let settings = self.router.machine(index).settings();
        let packet = Advertisement {
            version: settings.version(),
            id: settings.id(),
            priority: Priority(priority),
            interval: settings.interval(),
            addresses: settings.addresses().to_vec(),
        };
        self.router
            .handle_advertisement(self.now, index, peer(from), &packet);
        self.actions()
    }

    fn event(&mut self, index: RouterIndex, event: Event) -> Vec<(usize, Action)> {
        self.router.handle_event(self.now, index, event);
        self.actions()
    }
}

#[test]
fn it_is_master_only_when_every_member_wants_to_be() {
    let mut group = Group::started(100);
    for _ in 0..10 {
        group.pass(ms(1000));
        group.hears(SECOND, 20, 200);
    }
    assert_eq!(
        group.states(),
        [State::Backup; 2],
        "the second has a master"
    );
    group.pass(ms(3700));
    assert_eq!(group.states(), [State::Master; 2]);
}

#[test]
fn one_that_wants_waits_no_more_when_its_master_is_heard_again() {
    let mut group = Group::started(100);
    group.pass(ms(2000));
    group.hears(SECOND, 20, 200);
    group.pass(ms(2000));
    // The first wants; now both masters are there again, and then the second's is gone.
    group.hears(FIRST, 20, 200);
    group.hears(SECOND, 20, 200);
    group.hears(SECOND, 20, 0);
    group.pass(ms(1000));
    assert_eq!(group.states(), [State::Backup; 2]);
}

#[test]
fn when_one_gives_way_all_do() {
    let mut group = Group::master(100);
    let actions = group.hears(SECOND, 20, 200);
    assert_eq!(group.states(), [State::Backup; 2]);
    assert!(actions.contains(&(0, Action::RemoveAddresses)));
    assert!(actions.contains(&(1, Action::RemoveAddresses)));
    assert!(actions.contains(&(0, Action::Advertise(Priority::STOP))));
}

#[test]
fn a_fault_of_one_is_a_fault_of_all() {
    let mut group = Group::master(100);
    let down = Event::Interface {
        up: false,
        source: None,
    };
    let up = Event::Interface {
        up: true,
        source: Some(peer(10)),
    };
    group.event(SECOND, down.clone());
    assert_eq!(group.states(), [State::Fault; 2]);
    group.event(FIRST, down);
    group.event(SECOND, up.clone());
    assert_eq!(group.states(), [State::Fault; 2], "the first is still down");
    group.event(FIRST, up);
    assert_eq!(group.states(), [State::Backup; 2]);
}

#[test]
fn what_one_waits_for_all_wait_for() {
    let settings = v2(100);
    let mut group = Group::idle([&settings, &settings]);
    let tracked = |effect| Event::Tracked {
        tracker: Tracker(1),
        effect,
    };
    group.event(SECOND, tracked(Effect::Pending));
    group.router.start(group.now);
    assert_eq!(group.states(), [State::Initialize; 2]);
    group.event(SECOND, tracked(Effect::Fine));
    assert_eq!(group.states(), [State::Backup; 2]);
}

#[test]
fn the_weights_of_all_count_for_each() {
    let mut group = Group::started(100);
    for (index, weight) in [(FIRST, -10), (SECOND, -20)] {
        let effect = Effect::Weight(weight);
        group.event(
            index,
            Event::Tracked {
                tracker: Tracker(1),
                effect,
            },
        );
    }
    for index in [FIRST, SECOND] {
        assert_eq!(group.router.machine(index).priority(), Priority(70));
    }
}

#[test]
fn it_hands_over_as_one() {
    let mut group = Group::master(150);
    let actions = group.event(FIRST, Event::HandOver);
    for index in [0, 1] {
        assert!(actions.contains(&(index, Action::Advertise(Priority::STOP))));
    }
    group.hears(FIRST, 20, 100);
    group.hears(SECOND, 20, 100);
    assert_eq!(group.states(), [State::Backup; 2]);
}

#[test]
fn it_stops_as_one() {
    let mut group = Group::master(150);
    group.router.stop(group.now);
    assert!(!group.router.is_stopped());
    group.pass(ms(1300));
    assert!(group.router.is_stopped());
}

#[test]
fn a_successor_of_one_succeeds_all() {
    let mut group = Group::master(150);
    group.event(FIRST, Event::HandOver);
    // What the second's successor says is lost.
    let actions = group.hears(FIRST, 20, 100);
    assert_eq!(group.states(), [State::Backup; 2]);
    assert!(actions.contains(&(1, Action::RemoveAddresses)));
    assert!(
        !actions
            .iter()
            .any(|(_, action)| matches!(action, Action::Advertise(_)))
    );
    // Neither preempts the successor.
    for _ in 0..10 {
        group.hears(FIRST, 20, 100);
        group.hears(SECOND, 20, 100);
        group.pass(ms(1000));
    }
    assert_eq!(group.states(), [State::Backup; 2]);
}

#[test]
fn a_torn_group_is_whole_again_when_the_rest_wants_to_be_master() {
    let mut group = Group::master(150);
    group.router.stop(group.now);
    group.hears(FIRST, 20, 100);
    // Started again before the second's successor is heard; it has none.
    group.router.start(group.now);
    assert_eq!(group.states(), [State::Backup, State::Master]);
    group.pass(ms(4000));
    assert_eq!(group.states(), [State::Master; 2]);
}

#[test]
fn a_group_of_owners_is_master_at_once() {
    let mut group = Group::started(255);
    group.pass(ms(0));
    assert_eq!(group.states(), [State::Master; 2]);
}

#[test]
fn a_group_whose_witnesses_are_lost_while_it_waits_takes_nothing() {
    let mut group = Group::started(100);
    group.hears(SECOND, 20, 200);
    group.pass(ms(3605));
    let lost = Event::Witness { reachable: false };
    // The first wants already, the second not yet.
    group.pass(ms(2));
    group.hears(SECOND, 20, 200);
    group.pass(ms(100));
    group.event(FIRST, lost);
    group.pass(ms(4000));
    assert_eq!(group.states(), [State::Backup; 2]);
    group.event(FIRST, Event::Witness { reachable: true });
    group.pass(ms(1000));
    assert_eq!(group.states(), [State::Master; 2]);
}
