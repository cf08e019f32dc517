use std::{
    future::{Ready, ready},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::time::advance;
use tower::{Layer, ServiceExt, service_fn, util::ServiceFn};

use crate::{
    Balancer, Server, StickySession,
    balance::{Limits, Resend},
    policy::RoundRobin,
    pool::Pool,
    retry::Retries,
    server::{Administrative, Operational},
};

/// A request of this client, if it has a name.
#[derive(Clone, Copy)]
struct Client(Option<u32>);

type Serve = fn(Client) -> Ready<Result<&'static str, &'static str>>;
type TestPool = Pool<ServiceFn<Serve>, RoundRobin>;

fn pool() -> TestPool {
    let server = |name, serve: Serve| Server::new(name, service_fn(serve));
    Pool::builder()
        .with(server("a", |_| ready(Ok("a"))))
        .with(server("b", |_| ready(Ok("b"))))
        .with(server("c", |_| ready(Ok("c"))))
        .build(RoundRobin::new())
        .unwrap()
}

/// Sends a request of each client and returns who answered.
async fn visit<S>(service: &S, clients: &[u32]) -> Vec<&'static str>
where
    S: tower_service::Service<Client, Response = &'static str> + Clone,
    S::Error: std::fmt::Debug,
{
    let mut answers = Vec::new();
    for client in clients {
        let request = Client(Some(*client));
        answers.push(service.clone().oneshot(request).await.unwrap());
    }
    answers
}

#[tokio::test(start_paused = true)]
async fn each_client_stays_where_it_was_first_sent() {
    let session = StickySession::by(|client: &Client| client.0);
    let service = session.layer(Balancer::from_pool(pool()));
    assert_eq!(visit(&service, &[1, 2, 3]).await, ["a", "b", "c"]);
    assert_eq!(visit(&service, &[3, 1, 2, 1]).await, ["c", "a", "b", "a"]);
    assert_eq!(session.table().len(), 3);
    // Without a name, there is nothing to remember.
    for expected in ["a", "b"] {
        let answer = service.clone().oneshot(Client(None)).await;
        assert_eq!(answer, Ok(expected));
    }
    assert_eq!(session.table().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_cannot_be_used_is_replaced_and_forgotten() {
    let pool = pool();
    let service =
        StickySession::by(|client: &Client| client.0).layer(Balancer::from_pool(pool.clone()));
    let a = pool.snapshot().by_name("a").unwrap().clone();
    assert_eq!(visit(&service, &[1]).await, ["a"]);

    pool.set_administrative(&a, Administrative::Drain);
    assert_eq!(visit(&service, &[1, 2, 1]).await, ["a", "b", "a"]);
    pool.set_operational(&a, Operational::Down);
    let [new, again] = visit(&service, &[1, 1]).await[..] else {
        panic!("two answers");
    };
    assert_ne!(new, "a");
    assert_eq!(new, again);
    // It stays there when the first one comes back.
    pool.set_operational(&a, Operational::Up);
    pool.set_administrative(&a, Administrative::Ready);
    assert_eq!(visit(&service, &[1]).await, [new]);

    let new_server = pool.snapshot().by_name(new).unwrap().uid();
    pool.remove(new_server);
    let [third, again] = visit(&service, &[1, 1]).await[..] else {
        panic!("two answers");
    };
    assert_ne!(third, new);
    assert_eq!(third, again);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_fails_is_unlearnt_when_another_answers() {
    let broken = Arc::new(AtomicBool::new(false));
    let server = |name| {
        let broken = Arc::clone(&broken);
        let answer = move |_: Client| {
            let fails = name == "a" && broken.load(Relaxed);
            ready(if fails { Err("refused") } else { Ok(name) })
        };
        Server::new(name, service_fn(answer))
    };
    let limits = Limits::new(Retries::default()).pause(Duration::ZERO);
    let balancer = Balancer::builder(RoundRobin::new())
        .server(server("a"))
        .server(server("b"))
        .retry(Resend::new(limits))
        .build()
        .unwrap();
    let service = StickySession::by(|client: &Client| client.0).layer(balancer);
    assert_eq!(visit(&service, &[1]).await, ["a"]);
    broken.store(true, Relaxed);
    assert_eq!(visit(&service, &[1]).await, ["b"]);
    broken.store(false, Relaxed);
    assert_eq!(visit(&service, &[1, 1]).await, ["b", "b"]);
}

#[tokio::test(start_paused = true)]
async fn who_does_not_come_back_is_forgotten() {
    let session = StickySession::by(|client: &Client| client.0)
        .size(2)
        .expire(Duration::from_secs(60));
    let service = session.layer(Balancer::from_pool(pool()));
    assert_eq!(visit(&service, &[1]).await, ["a"]);
    advance(Duration::from_secs(60)).await;
    assert_eq!(visit(&service, &[1]).await, ["a"]);
    advance(Duration::from_secs(61)).await;
    assert_eq!(visit(&service, &[1]).await, ["b"], "its turn");
    // Three clients, two places.
    visit(&service, &[2, 3, 4]).await;
    assert_eq!(session.table().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_error_teaches_nothing() {
    let fails = service_fn(async |_: Client| Err::<(), _>("refused"));
    let balancer = Balancer::builder(RoundRobin::new())
        .server(Server::new("a", fails))
        .build()
        .unwrap();
    let session = StickySession::by(|client: &Client| client.0);
    let service = session.layer(balancer);
    assert!(service.oneshot(Client(Some(1))).await.is_err());
    assert!(session.table().is_empty());
}

#[tokio::test(start_paused = true)]
async fn two_services_of_one_layer_share_what_they_know() {
    let (pool, session) = (pool(), StickySession::by(|client: &Client| client.0));
    let one = session.layer(Balancer::from_pool(pool.clone()));
    let other = session.clone().layer(Balancer::from_pool(pool));
    assert_eq!(visit(&one, &[1, 2]).await, ["a", "b"]);
    assert_eq!(visit(&other, &[2, 1]).await, ["b", "a"]);
}
