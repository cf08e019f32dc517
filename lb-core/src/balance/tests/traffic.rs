//! What a balancer tells of its traffic.

use std::{convert::Infallible, time::Duration};

use tokio::time::{sleep, timeout};
use tower::{Layer, ServiceExt, service_fn};

use super::{Act, Log, Refused};
use crate::{
    Balancer, HealthChecker, Server,
    balance::NoRetry,
    health::{Observe, OnError, Probe, Rules, Status, Verdict},
    policy::{First, PeakEwma},
    retry::Cause,
    server::Operational,
};

/// Does a balancer whose first server does as told mark that DOWN, with these
/// rules and checks that always succeed?
async fn is_marked_down(observe: Observe, acts: &[Act]) -> bool {
    let log = Log::default();
    let balancer = Balancer::builder(First::new())
        .server(log.server("a", acts))
        .server(log.server("b", &[]))
        .retry(NoRetry::classify(
            |outcome: &Result<(&str, u16), Refused>| match outcome {
                Ok((_, status @ 500..)) => Some(Cause::Status(*status)),
                Ok(_) => None,
                Err(_) => Some(Cause::ConnectFailure),
            },
        ))
        .build()
        .unwrap();
    let check =
        service_fn(async |_: Probe<super::Fake>| Ok::<_, Infallible>(Verdict::new(Status::L7Ok)));
    let rules = Rules::new()
        .observe(observe)
        .error_limit(3)
        .on_error(OnError::MarkDown)
        .interval(Duration::from_secs(3600));
    let checker = HealthChecker::new(check).rules(rules);
    let balancer = checker.layer(balancer);
    let pool = balancer.pool().clone();
    let checking = tokio::spawn(checker.run(pool.clone()));
    sleep(Duration::from_millis(10)).await;

    for _ in acts {
        let _ = balancer.clone().oneshot("x").await;
    }
    sleep(Duration::from_millis(10)).await;
    checking.abort();
    let state = pool.snapshot().all()[0].operational_state();
    assert_eq!(
        balancer.oneshot("x").await.unwrap().0,
        if state == Operational::Down { "b" } else { "a" }
    );
    state == Operational::Down
}

#[tokio::test(start_paused = true)]
async fn a_checker_layered_over_it_hears_of_failures() {
    use Act::{Answer, Refuse};
    let refused = [Refuse; 3];
    let failed = [Answer(500); 3];
    let with_a_good_one = [Refuse, Refuse, Answer(200), Refuse, Refuse];
    assert!(is_marked_down(Observe::Layer4, &refused).await);
    assert!(is_marked_down(Observe::Layer7, &refused).await);
    assert!(is_marked_down(Observe::Layer7, &failed).await);
    assert!(!is_marked_down(Observe::Layer4, &failed).await);
    assert!(!is_marked_down(Observe::Layer4, &with_a_good_one).await);
    assert!(!is_marked_down(Observe::Layer7, &with_a_good_one).await);
    assert!(!is_marked_down(Observe::Off, &refused).await);
}

#[tokio::test(start_paused = true)]
async fn response_times_steer_peak_ewma() {
    let answer = |millis| {
        service_fn(move |(): ()| async move {
            sleep(Duration::from_millis(millis)).await;
            Ok::<_, Infallible>(millis)
        })
    };
    let balancer = Balancer::builder(PeakEwma::new())
        .server(Server::new("slow", answer(400)))
        .server(Server::new("fast", answer(20)))
        .build()
        .unwrap();
    let mut served = [0, 0];
    for _ in 0..50 {
        let took = timeout(Duration::from_secs(1), balancer.clone().oneshot(()))
            .await
            .unwrap()
            .unwrap();
        served[usize::from(took == 20)] += 1;
    }
    let latency = |at: usize| {
        let nanos = balancer.pool().snapshot().all()[at].latency().nanos();
        nanos / 1_000_000
    };
    assert_eq!((latency(0), latency(1)), (400, 20));
    assert!(served[1] > 45, "{served:?}");
}
