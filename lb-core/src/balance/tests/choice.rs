use tokio_test::{assert_pending, task::spawn};
use tower::ServiceExt;
use tower_service::Service;
use tower_test::mock;

use super::Log;
use crate::{
    Balancer, Pool, Server,
    balance::Steer,
    policy::{Algorithm, Key, LeastConn, RoundRobin},
    pool::Priority,
    server::{Administrative, Operational, ServerUid},
};

#[tokio::test(start_paused = true)]
async fn requests_go_where_the_policy_says() {
    let log = Log::default();
    let balancer = Balancer::builder(RoundRobin::new())
        .server(log.server("a", &[]).weight(2))
        .server(log.server("b", &[]))
        .server(log.server("spare", &[]).backup())
        .build()
        .unwrap();
    for _ in 0..3 {
        balancer.clone().oneshot("x").await.unwrap();
    }
    assert_eq!(log.take(), ["a: x", "a: x", "b: x"]);
    for server in &balancer.pool().snapshot().all()[..2] {
        balancer.pool().set_operational(server, Operational::Down);
    }
    balancer.oneshot("y").await.unwrap();
    assert_eq!(log.take(), ["spare: y"]);
}

#[tokio::test(start_paused = true)]
async fn a_key_leads_to_one_server() {
    let log = Log::default();
    let names = ["a", "b", "c", "d"];
    let policy = Algorithm::parse("uri", Some("consistent"), None).unwrap();
    let balancer = names
        .iter()
        .fold(Balancer::builder(policy), |builder, name| {
            builder.server(log.server(name, &[]))
        })
        .key(|path: &&'static str| Key::Bytes(path.as_bytes()))
        .build()
        .unwrap();
    let paths = ["/1", "/2", "/3", "/4", "/5", "/6", "/7", "/8"];
    let mut rounds = Vec::new();
    for _ in 0..3 {
        for path in paths {
            balancer.clone().oneshot(path).await.unwrap();
        }
        rounds.push(log.take());
    }
    assert_eq!(rounds[0], rounds[1]);
    assert_eq!(rounds[0], rounds[2]);
    let of_a = rounds[0].iter().filter(|line| line.starts_with("a:"));
    assert!(of_a.count() < paths.len(), "all the same server");
}

#[tokio::test(start_paused = true)]
async fn the_urgent_go_first() {
    let (service, mut handle) = mock::pair::<i16, ()>();
    let mut balancer = Balancer::builder(RoundRobin::new())
        .server(Server::new("a", service).max_conn(1))
        .priority(|urgency: &i16| Priority(-urgency))
        .key(|_: &i16| Key::None)
        .build()
        .unwrap();
    let mut responses = [0, 1, 9].map(|urgency| spawn(balancer.call(urgency)));
    for response in &mut responses {
        assert_pending!(response.poll());
    }
    for next in [0, 9, 1] {
        let (urgency, respond) = handle.next_request().await.unwrap();
        assert_eq!(urgency, next);
        respond.send_response(());
        // The one that is served, and then the one that gets its slot.
        while let Some(woken) = responses.iter_mut().find(|one| one.is_woken()) {
            let _ = woken.poll();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_pool_may_have_several_users() {
    let log = Log::default();
    let pool = Pool::builder()
        .with(log.server("a", &[]))
        .with(log.server("b", &[]))
        .build(LeastConn::new())
        .unwrap();
    let _busy = pool.acquire(Default::default()).await.unwrap();
    for balancer in [Balancer::from_pool(pool.clone()), Balancer::from_pool(pool)] {
        balancer.oneshot("x").await.unwrap();
    }
    assert_eq!(log.take(), ["b: x", "b: x"], "a is busy elsewhere");
}

#[tokio::test(start_paused = true)]
async fn a_bound_client_goes_to_its_server_while_that_takes_it() {
    let log = Log::default();
    let mut balancer = Balancer::builder(RoundRobin::new())
        .server(log.server("a", &[]))
        .server(log.server("b", &[]))
        .build()
        .unwrap();
    let pool = balancer.pool().clone();
    let b = pool.snapshot().by_name("b").unwrap().clone();
    let mut send = async |uid: ServerUid| balancer.steer("x", uid).await.unwrap().0;
    for _ in 0..3 {
        assert_eq!(send(b.uid()).await, "b");
    }
    pool.set_administrative(&b, Administrative::Drain);
    assert_eq!(send(b.uid()).await, "b");
    pool.set_operational(&b, Operational::Down);
    assert_eq!(send(b.uid()).await, "a");
    pool.set_operational(&b, Operational::Up);
    pool.remove(b.uid());
    assert_eq!(send(b.uid()).await, "a");
}
