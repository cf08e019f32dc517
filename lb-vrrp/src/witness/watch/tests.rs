//! Rounds under a clock that stands still.

use std::time::Duration;

use tokio::time::Instant;

use super::*;

const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
const TWO: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

fn changed(event: Event) -> Change {
    match event {
        Event::Changed(change) => change,
        Event::Ask(target) => panic!("asks {target}"),
    }
}

#[tokio::test(start_paused = true)]
async fn silence_is_told_after_two_misses_and_an_answer_at_once() {
    let mut watch = Witness::builder()
        .target(ONE)
        .build()
        .unwrap()
        .watch("eth0");
    let start = Instant::now();
    assert_eq!(watch.reachable(), None);
    assert_eq!(watch.next().await, Event::Ask(ONE));
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(watch.next().await, Event::Ask(ONE));
    assert_eq!(start.elapsed().as_secs(), 1);
    let change = changed(watch.next().await);
    assert!(!change.reachable);
    assert_eq!(change.reason, "witness: none of 192.0.2.1 answers");
    assert!((1500..1600).contains(&start.elapsed().as_millis()));
    assert_eq!(watch.next().await, Event::Ask(ONE));
    watch.answered(ONE);
    let answered = start.elapsed();
    let change = changed(watch.next().await);
    assert!(change.reachable);
    assert_eq!(change.reason, "witness: answered by 192.0.2.1");
    assert_eq!(start.elapsed(), answered);
    assert_eq!(watch.reachable(), Some(true));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_late_or_a_strangers_is_none() {
    let mut watch = Witness::builder()
        .target(ONE)
        .build()
        .unwrap()
        .watch("eth0");
    for _ in 0..2 {
        assert_eq!(watch.next().await, Event::Ask(ONE));
        watch.answered(TWO);
        // The round's end passes while nobody says anything.
        let idle = tokio::time::timeout(Duration::from_millis(700), watch.next()).await;
        if let Ok(event) = idle {
            assert!(!changed(event).reachable);
            return;
        }
        watch.answered(ONE);
    }
    panic!("late answers were taken");
}

#[tokio::test(start_paused = true)]
async fn one_of_two_is_enough_unless_both_are_asked_for() {
    for (min_up, reachable) in [(1, true), (2, false)] {
        let builder = Witness::builder().target(ONE).target(TWO).min_up(min_up);
        let mut watch = builder.build().unwrap().watch("eth0");
        let change = loop {
            match watch.next().await {
                Event::Ask(TWO) => watch.answered(TWO),
                Event::Ask(_) => {}
                Event::Changed(change) => break change,
            }
        };
        assert_eq!(change.reachable, reachable, "{}", change.reason);
    }
}

/// Every answer starts no question of its own: one round each interval.
#[tokio::test(start_paused = true)]
async fn a_target_is_asked_once_each_interval() {
    let mut watch = Witness::builder()
        .target(ONE)
        .build()
        .unwrap()
        .watch("eth0");
    let start = Instant::now();
    let mut asked = 0;
    while start.elapsed() < Duration::from_millis(9500) {
        if let Ok(Event::Ask(target)) =
            tokio::time::timeout(Duration::from_millis(100), watch.next()).await
        {
            asked += 1;
            watch.answered(target);
        }
    }
    assert_eq!(asked, 10);
}

#[tokio::test]
async fn an_interface_that_is_not_there_is_named() {
    let witness = Witness::builder()
        .target(ONE)
        .mode(Mode::Ping)
        .interval(Duration::from_millis(20))
        .timeout(Duration::from_millis(10));
    let mut watch = witness.build().unwrap().watch("none0");
    let change = changed(watch.next().await);
    assert!(!change.reachable);
    let expected = "witness: none of 192.0.2.1 answers: cannot ask through none0: No such device";
    assert!(change.reason.starts_with(expected), "{}", change.reason);
}
