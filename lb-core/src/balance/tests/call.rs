use std::{error::Error, time::Duration};

use tokio_test::{assert_pending, assert_ready_err, assert_ready_ok, task::spawn};
use tower::ServiceExt;
use tower_service::Service;
use tower_test::mock::{self, Mock};

use super::{Act, Log, Refused};
use crate::{
    Balancer, Server,
    balance::{BalanceError, Steered},
    policy::RoundRobin,
    pool::{BuildError, Unavailable},
    server::Operational,
};

type MockServer = Mock<&'static str, &'static str>;

/// One mock behind a balancer, with room for one request.
fn single() -> (
    Balancer<MockServer>,
    mock::Handle<&'static str, &'static str>,
) {
    let (service, handle) = mock::pair();
    let balancer = Balancer::builder(RoundRobin::new())
        .server(Server::new("a", service).max_conn(1))
        .build()
        .unwrap();
    (balancer, handle)
}

#[tokio::test(start_paused = true)]
async fn it_is_ready_whatever_its_servers_are() {
    let (mut balancer, mut handle) = single();
    handle.allow(0);
    balancer
        .pool()
        .set_operational(&balancer.pool().snapshot().all()[0], Operational::Down);
    assert_ready_ok!(
        spawn(std::future::poll_fn(|cx| {
            Service::<&'static str>::poll_ready(&mut balancer, cx)
        }))
        .poll()
    );
}

#[tokio::test(start_paused = true)]
async fn the_clone_that_is_called_is_the_one_that_got_ready() {
    // The mock panics if a clone is called that was not polled ready itself.
    let (balancer, mut handle) = single();
    handle.allow(0);
    let mut response = spawn(balancer.oneshot("hello"));
    assert_pending!(response.poll());
    assert!(handle.poll_request().is_pending());
    handle.allow(1);
    assert!(response.is_woken());
    assert_pending!(response.poll());
    let (request, respond) = handle.next_request().await.unwrap();
    assert_eq!(request, "hello");
    respond.send_response("world");
    assert_eq!(assert_ready_ok!(response.poll()), "world");
}

#[tokio::test(start_paused = true)]
async fn the_slot_is_held_until_the_response() {
    let (mut balancer, mut handle) = single();
    let server = balancer.pool().snapshot().all()[0].clone();
    let mut first = spawn(balancer.call("first"));
    assert_pending!(first.poll());
    let mut second = spawn(balancer.call("second"));
    assert_pending!(second.poll());
    assert_eq!((server.in_flight(), balancer.pool().queued()), (1, 1));

    let (_, respond) = handle.next_request().await.unwrap();
    assert!(handle.poll_request().is_pending(), "the second one waits");
    respond.send_response("one");
    assert_eq!(assert_ready_ok!(first.poll()), "one");
    // The slot is the second one's, whether or not the first future is dropped.
    assert!(second.is_woken());
    assert_pending!(second.poll());
    let (request, _) = handle.next_request().await.unwrap();
    assert_eq!(request, "second");
    drop(second);
    assert_eq!((server.in_flight(), balancer.pool().queued()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_dropped_gives_its_slot_on() {
    let (mut balancer, mut handle) = single();
    let mut first = spawn(balancer.call("first"));
    assert_pending!(first.poll());
    let _ = handle.next_request().await.unwrap();
    let mut second = spawn(balancer.call("second"));
    assert_pending!(second.poll());
    drop(first);
    assert_pending!(second.poll());
    assert_eq!(handle.next_request().await.unwrap().0, "second");
}

#[tokio::test(start_paused = true)]
async fn waiting_has_an_end() {
    let (service, mut handle) = mock::pair::<_, &str>();
    let mut balancer = Balancer::builder(RoundRobin::new())
        .server(Server::new("a", service).max_conn(1))
        .queue_timeout(Duration::from_secs(2))
        .build()
        .unwrap();
    let mut first = spawn(balancer.call("first"));
    assert_pending!(first.poll());
    let error = balancer.call("second").await.unwrap_err();
    assert!(matches!(
        error,
        BalanceError::Unavailable(Unavailable::QueueTimeout)
    ));
    assert_eq!(handle.next_request().await.unwrap().0, "first");
    assert_eq!(balancer.pool().queued(), 0);
}

#[tokio::test(start_paused = true)]
async fn errors_keep_their_source() {
    let log = Log::default();
    let balancer = Balancer::builder(RoundRobin::new())
        .server(log.server("a", &[Act::Refuse, Act::NeverReady]))
        .build()
        .unwrap();
    for _ in 0..2 {
        let error = balancer.clone().oneshot("x").await.unwrap_err();
        assert_eq!(error, BalanceError::Inner(Refused));
        assert_eq!(error.source().unwrap().to_string(), "connection refused");
    }
    assert_eq!(
        log.take(),
        ["a: x"],
        "the second attempt found it not ready"
    );
    let totals = balancer.pool().snapshot().all()[0].counters().totals();
    assert_eq!((totals.selected, totals.connection_errors), (2, 2));

    balancer
        .pool()
        .set_operational(&balancer.pool().snapshot().all()[0], Operational::Down);
    let error = assert_ready_err!(spawn(balancer.oneshot("x")).poll());
    assert_eq!(
        error.source().unwrap().to_string(),
        "no server is available"
    );
}

#[tokio::test(start_paused = true)]
async fn the_future_tells_which_server_it_is() {
    let log = Log::default();
    let mut balancer = Balancer::builder(RoundRobin::new())
        .server(log.server("a", &[]))
        .build()
        .unwrap();
    let mut response = std::pin::pin!(balancer.call("x"));
    assert_eq!(response.server(), None);
    response.as_mut().await.unwrap();
    let uid = balancer.pool().snapshot().all()[0].uid();
    assert_eq!(response.server(), Some(uid));
}

#[test]
fn what_cannot_be_built_is_said() {
    let log = Log::default();
    let twins = Balancer::builder(RoundRobin::new())
        .server(log.server("a", &[]))
        .server(log.server("a", &[]));
    assert_eq!(
        twins.build().map(drop),
        Err(BuildError::DuplicateName("a".into()))
    );
    let none = Balancer::<super::Fake>::builder(RoundRobin::new());
    assert_eq!(none.build().map(drop), Err(BuildError::Empty));
}
