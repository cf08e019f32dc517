use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::link::RouterState;
use crate::{Family, Priority, VirtualRouterId};

static START: LazyLock<Instant> = LazyLock::new(|| tokio::time::Instant::now().into_std());

const A: Incarnation = Incarnation([1; 16]);
const B: Incarnation = Incarnation([2; 16]);

/// A watch, its events, and the time.
struct Bench {
    watch: Watch,
    events: Events,
    now: Instant,
}

fn peer() -> SocketAddr {
    "10.0.0.2:5405".parse().unwrap()
}

fn routers() -> Vec<RouterView> {
    vec![RouterView {
        id: VirtualRouterId::new(51).unwrap(),
        family: Family::V4,
        interface: "eth0".into(),
        source: None,
        priority: Priority(150),
        state: RouterState::Master,
    }]
}

impl Bench {
    fn new() -> Self {
        let now = *START;
        Self {
            watch: Watch::new(peer(), now),
            events: Events::new(),
            now,
        }
    }

    /// Connected to A, whose view has come in.
    fn up() -> Self {
        let mut bench = Self::new();
        assert_eq!(bench.due(), Some(Due::Dial));
        bench.established(A);
        bench.watch.view(routers(), &mut bench.events);
        bench.events.clear();
        bench
    }

    fn due(&mut self) -> Option<Due> {
        self.watch.due(self.now, &mut self.events)
    }

    /// Sleeps until something falls due.
    fn wait(&mut self) -> Option<Due> {
        for _ in 0..100 {
            self.now = self.now.max(self.watch.deadline());
            if let Some(due) = self.due() {
                return Some(due);
            }
        }
        None
    }

    fn after(&mut self, passed: Duration) {
        self.now += passed;
    }

    fn established(&mut self, who: Incarnation) {
        self.watch.established(self.now, who, &mut self.events);
    }

    fn refused(&mut self) {
        self.watch.refused(self.now, &mut self.events);
    }

    fn told(&mut self) -> Vec<LinkEvent> {
        self.events.drain(..).collect()
    }
}

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn gone(how: Proof) -> LinkEvent {
    let (peer, routers) = (peer(), routers());
    LinkEvent::Gone { peer, how, routers }
}

fn lost(why: Loss) -> LinkEvent {
    LinkEvent::Lost { peer: peer(), why }
}

fn up() -> LinkEvent {
    LinkEvent::Up { peer: peer() }
}

#[test]
fn closed_and_then_refused_is_gone_at_once() {
    let mut bench = Bench::up();
    bench.watch.closed(bench.now);
    assert_eq!(bench.due(), Some(Due::Dial));
    assert_eq!(bench.told(), []);
    bench.refused();
    assert_eq!(bench.told(), [gone(Proof::Refused)]);
    assert_eq!(bench.watch.state(), PeerState::Absent);
    // Only once, however often it is refused.
    assert_eq!(bench.wait(), Some(Due::Dial));
    bench.refused();
    assert_eq!(bench.told(), []);
}

#[test]
fn a_listener_that_dies_after_its_connections_is_asked_again() {
    let mut bench = Bench::up();
    let closed_at = bench.now;
    bench.watch.closed(bench.now);
    for _ in 0..10 {
        assert_eq!(bench.wait(), Some(Due::Dial));
        bench.watch.failed(bench.now);
    }
    assert_eq!(bench.now - closed_at, ms(9));
    assert_eq!(bench.wait(), Some(Due::Dial));
    bench.refused();
    assert_eq!(bench.told(), [gone(Proof::Refused)]);
}

#[test]
fn who_neither_answers_nor_refuses_is_lost_after_the_probe() {
    let mut bench = Bench::up();
    let closed_at = bench.now;
    bench.watch.closed(bench.now);
    while bench.events.is_empty() {
        assert_eq!(bench.wait(), Some(Due::Dial));
        bench.watch.failed(bench.now);
    }
    assert_eq!(bench.now - closed_at, PROBE);
    assert_eq!(bench.told(), [lost(Loss::Closed)]);
    // An attempt that hangs does not put it off.
    let mut bench = Bench::up();
    bench.watch.closed(bench.now);
    assert_eq!(bench.due(), Some(Due::Dial));
    bench.after(PROBE);
    assert_eq!(bench.due(), None);
    assert_eq!(bench.told(), [lost(Loss::Closed)]);
    assert_eq!(bench.watch.live(), None);
}

#[test]
fn the_same_process_again_is_no_event_and_another_is_two() {
    let mut bench = Bench::up();
    bench.watch.closed(bench.now);
    bench.due();
    bench.established(A);
    assert_eq!(bench.told(), []);
    assert_eq!(bench.watch.live(), Some((A, &routers()[..])));
    bench.after(PROBE);
    assert_eq!(bench.due(), None);
    bench.watch.closed(bench.now);
    bench.due();
    bench.established(B);
    assert_eq!(bench.told(), [gone(Proof::Replaced), up()]);
    assert_eq!(bench.watch.live(), Some((B, &[][..])));
}

#[test]
fn goodbye_is_gone_without_a_question() {
    let mut bench = Bench::up();
    bench.watch.goodbye(bench.now, &mut bench.events);
    assert_eq!(bench.told(), [gone(Proof::Goodbye)]);
    assert_eq!(bench.due(), None);
    assert_eq!(bench.wait(), Some(Due::Dial));
}

#[test]
fn silence_loses_and_proves_nothing_until_there_is_a_proof() {
    let mut bench = Bench::up();
    let mut pings = 0;
    while bench.wait() == Some(Due::Ping) {
        pings += 1;
    }
    assert_eq!((pings, bench.told()), (2, vec![lost(Loss::Silent)]));
    assert_eq!(bench.now - *START, SILENCE);
    assert_eq!(bench.watch.state(), PeerState::Lost);
    assert_eq!(bench.due(), Some(Due::Dial));
    // A stopped process: the kernel connects, and no handshake follows.
    assert_eq!(bench.wait(), Some(Due::HangUp));
    assert_eq!(bench.now - *START, SILENCE + ATTEMPT);
    assert_eq!(bench.told(), []);
    assert_eq!(bench.wait(), Some(Due::Dial));
    bench.refused();
    assert_eq!(bench.told(), [gone(Proof::Refused)]);
}

#[test]
fn a_lost_peer_that_comes_back_is_up_again() {
    for (who, events) in [(A, vec![up()]), (B, vec![gone(Proof::Replaced), up()])] {
        let mut bench = Bench::up();
        while bench.wait() == Some(Due::Ping) {}
        bench.told();
        bench.established(who);
        assert_eq!(bench.told(), events);
        assert_eq!(bench.watch.state(), PeerState::Up);
    }
}

#[test]
fn any_word_keeps_the_link() {
    let mut bench = Bench::up();
    for _ in 0..20 {
        assert_eq!(bench.wait(), Some(Due::Ping));
        bench.watch.heard(bench.now);
    }
    assert_eq!(bench.told(), []);
}

#[test]
fn a_process_that_slept_does_not_blame_its_peer() {
    let mut bench = Bench::up();
    bench.after(ms(60_000));
    assert_eq!(bench.due(), Some(Due::Ping));
    assert_eq!(bench.due(), None);
    assert_eq!(bench.told(), []);
    // But the peer has to answer now.
    let woken = bench.now;
    while bench.wait() == Some(Due::Ping) {}
    assert_eq!(bench.told(), [lost(Loss::Silent)]);
    assert_eq!(bench.now - woken, SILENCE);
}

#[test]
fn who_was_never_there_is_not_gone_and_is_asked_less_and_less() {
    let mut bench = Bench::new();
    let mut waits = Vec::new();
    for _ in 0..7 {
        assert_eq!(bench.wait(), Some(Due::Dial));
        let dialled = bench.now;
        bench.refused();
        waits.push(bench.watch.deadline() - dialled);
    }
    assert_eq!(waits, [50, 100, 200, 400, 800, 1000, 1000].map(ms));
    assert_eq!(bench.told(), []);
    // A sign of life shortens it, and a success begins anew.
    bench.watch.hurry(bench.now);
    assert_eq!(bench.due(), Some(Due::Dial));
    bench.established(A);
    bench.watch.goodbye(bench.now, &mut bench.events);
    assert_eq!(bench.watch.deadline() - bench.now, BACKOFF.0);
}

#[test]
fn a_view_is_told_when_it_changes() {
    let mut bench = Bench::up();
    bench.watch.view(routers(), &mut bench.events);
    assert_eq!(bench.told(), []);
    bench.watch.view(Vec::new(), &mut bench.events);
    let (peer, routers) = (peer(), Vec::new());
    assert_eq!(bench.told(), [LinkEvent::View { peer, routers }]);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Sleep(u64),
    Established(bool),
    Refused,
    Failed,
    Closed,
    Goodbye,
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0u64..6000).prop_map(Step::Sleep),
        any::<bool>().prop_map(Step::Established),
        Just(Step::Refused),
        Just(Step::Failed),
        Just(Step::Closed),
        Just(Step::Goodbye),
    ]
}

proptest! {
    /// Only a proof makes a peer gone, each life ends once, and something always falls due.
    #[test]
    fn gone_needs_a_proof_and_an_up_before_it(
        steps in proptest::collection::vec(steps(), 0..40),
    ) {
        let mut bench = Bench::new();
        let mut alive = false;
        for step in steps {
            match (step, &bench.watch.phase) {
                (Step::Sleep(passed), _) => bench.after(ms(passed)),
                (Step::Established(first), Phase::Dialling { .. }) => {
                    bench.established(if first { A } else { B });
                }
                (Step::Refused, Phase::Dialling { .. }) => bench.refused(),
                (Step::Failed, Phase::Dialling { .. }) => bench.watch.failed(bench.now),
                (Step::Closed, Phase::Up { .. }) => bench.watch.closed(bench.now),
                (Step::Goodbye, Phase::Up { .. }) => {
                    bench.watch.goodbye(bench.now, &mut bench.events);
                }
                _ => continue,
            }
            let proved = matches!(step, Step::Established(_) | Step::Refused | Step::Goodbye);
            while bench.due().is_some() {}
            prop_assert!(bench.watch.deadline() > bench.now);
            prop_assert!(bench.watch.deadline() <= bench.now + ATTEMPT);
            for event in bench.told() {
                match event {
                    LinkEvent::Up { .. } => alive = true,
                    LinkEvent::Gone { .. } => {
                        prop_assert!(alive && proved, "{step:?}");
                        alive = false;
                    }
                    LinkEvent::Lost { .. } => prop_assert!(alive),
                    _ => {}
                }
            }
            prop_assert_eq!(alive, bench.watch.state() != PeerState::Absent);
        }
    }
}
