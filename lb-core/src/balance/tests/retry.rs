use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use tower::ServiceExt;

use super::{Act, Fake, Log, Refused};
use crate::{
    Balancer,
    balance::{BalanceError, Builder, Declared, Limits, NoRetry, Resend, Steer},
    policy::First,
    pool::Unavailable,
    retry::{Budget, Cause, Causes, Redispatch, Retries},
    server::Operational,
};

use Act::{Answer, NeverReady, Refuse};

type Outcome = Result<(&'static str, u16), Refused>;

/// 503 is a failure, too.
fn overload(outcome: &Outcome) -> Option<Cause> {
    match outcome {
        Ok((_, 503)) => Some(Cause::Status(503)),
        Ok(_) => None,
        Err(Refused) => Some(Cause::ConnectFailure),
    }
}

/// The first of `a` and `b` that can be had, which do as they are told.
fn two(log: &Log, a: &[Act], b: &[Act]) -> Builder<Declared<Fake, First>> {
    Balancer::builder(First::new())
        .server(log.server("a", a))
        .server(log.server("b", b))
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_twice_unless_asked_for() {
    let log = Log::default();
    let balancer = two(&log, &[Refuse], &[]).build().unwrap();
    assert_eq!(
        balancer.oneshot("x").await,
        Err(BalanceError::Inner(Refused))
    );
    assert_eq!(log.take(), ["a: x"]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_leads_to_another_server_at_once() {
    let log = Log::default();
    for failure in [Refuse, NeverReady] {
        let balancer = two(&log, &[failure], &[])
            .retry(Resend::new(Retries::default()))
            .build()
            .unwrap();
        let began = Instant::now();
        assert_eq!(balancer.clone().oneshot("x").await, Ok(("b", 200)));
        assert_eq!(began.elapsed(), Duration::ZERO);
        assert_eq!(log.take().last().unwrap(), "b: x");
        let a = balancer.pool().snapshot().all()[0].counters().totals();
        assert_eq!((a.connection_errors, a.retries, a.redispatches), (1, 1, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn the_only_server_is_tried_again_after_a_pause() {
    let log = Log::default();
    let balancer = Balancer::builder(First::new())
        .server(log.server("a", &[Refuse, Refuse]))
        .retry(Resend::new(Retries::default()))
        .build()
        .unwrap();
    let began = Instant::now();
    assert_eq!(balancer.clone().oneshot("x").await, Ok(("a", 200)));
    assert_eq!(began.elapsed().as_secs(), 2, "one second each");
    assert_eq!(log.take(), ["a: x"; 3]);
    assert_eq!(balancer.pool().load().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn a_bound_client_is_kept_until_the_last_retry() {
    let log = Log::default();
    let mut balancer = two(&log, &[], &[Refuse; 3])
        .retry(Resend::new(
            Limits::new(Retries::default()).pause(Duration::ZERO),
        ))
        .build()
        .unwrap();
    let b = balancer.pool().snapshot().all()[1].uid();
    assert_eq!(balancer.steer("x", b).await, Ok(("a", 200)));
    assert_eq!(log.take(), ["b: x", "b: x", "b: x", "a: x"]);

    let never = Retries {
        redispatch: Redispatch::Never,
        ..Retries::default()
    };
    let mut balancer = two(&log, &[], &[Refuse; 4])
        .retry(Resend::new(Limits::new(never).pause(Duration::ZERO)))
        .build()
        .unwrap();
    let b = balancer.pool().snapshot().all()[1].uid();
    assert_eq!(
        balancer.steer("x", b).await,
        Err(BalanceError::Inner(Refused))
    );
    assert_eq!(log.take(), ["b: x"; 4], "the first and three retries");
}

#[tokio::test(start_paused = true)]
async fn a_client_whose_server_is_gone_is_bound_no_more() {
    let log = Log::default();
    let mut balancer = two(&log, &[Refuse], &[Refuse])
        .server(log.server("c", &[]))
        .retry(Resend::new(Retries::default()))
        .build()
        .unwrap();
    let pool = balancer.pool().clone();
    let b = pool.snapshot().all()[1].clone();
    let began = Instant::now();
    let response = tokio::spawn(balancer.steer("x", b.uid()));
    tokio::time::sleep(Duration::from_millis(500)).await;
    pool.set_operational(&b, Operational::Down);
    assert_eq!(response.await.unwrap(), Ok(("c", 200)));
    assert_eq!(log.take(), ["b: x", "a: x", "c: x"]);
    assert_eq!(began.elapsed().as_secs(), 1, "a is not tried again");
}

#[tokio::test(start_paused = true)]
async fn the_last_failure_is_the_answer() {
    let log = Log::default();
    let retries = Retries {
        count: 1,
        causes: Causes::default().with(Cause::Status(503)),
        ..Retries::default()
    };
    let balancer = two(&log, &[Answer(503)], &[Answer(503)])
        .retry(Resend::new(retries).classify(overload))
        .build()
        .unwrap();
    assert_eq!(
        balancer.clone().oneshot("x").await,
        Ok(("b", 503)),
        "a response, though it is a failure"
    );
    assert_eq!(log.take(), ["a: x", "b: x"]);
    let totals = |at: usize| balancer.pool().snapshot().all()[at].counters().totals();
    assert_eq!((totals(0).response_errors, totals(0).retries), (1, 1));
    assert_eq!((totals(1).response_errors, totals(1).retries), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn only_the_causes_named_are_retried() {
    let log = Log::default();
    let balancer = two(&log, &[Answer(503)], &[])
        .retry(Resend::new(Retries::default()).classify(overload))
        .build()
        .unwrap();
    assert_eq!(balancer.oneshot("x").await, Ok(("a", 503)));
    let once = two(&log, &[Answer(503)], &[])
        .retry(NoRetry::classify(overload))
        .build()
        .unwrap();
    assert_eq!(once.clone().oneshot("x").await, Ok(("a", 503)));
    assert_eq!(log.take(), ["a: x", "a: x"]);
    let totals = once.pool().snapshot().all()[0].counters().totals();
    assert_eq!(totals.response_errors, 1, "it counts all the same");
}

#[tokio::test(start_paused = true)]
async fn a_budget_bounds_retries() {
    let log = Log::default();
    let budget = Arc::new(Budget::new(10, 2));
    let limits = Limits::new(Retries::default()).budget(budget);
    let balancer = two(&log, &[Refuse; 50], &[])
        .retry(Resend::new(limits))
        .build()
        .unwrap();
    let mut served = 0;
    for _ in 0..50 {
        served += usize::from(balancer.clone().oneshot("x").await.is_ok());
    }
    assert!((6..=7).contains(&served), "2, and one for ten: {served}");
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_finds_no_server_says_so() {
    let log = Log::default();
    let balancer = Balancer::builder(First::new())
        .server(log.server("a", &[Refuse]))
        .retry(Resend::new(Retries::default()))
        .build()
        .unwrap();
    let pool = balancer.pool().clone();
    let response = tokio::spawn(balancer.oneshot("x"));
    tokio::time::sleep(Duration::from_millis(500)).await;
    pool.set_operational(&pool.snapshot().all()[0], Operational::Down);
    assert_eq!(
        response.await.unwrap(),
        Err(BalanceError::Unavailable(Unavailable::NoServer))
    );
}
