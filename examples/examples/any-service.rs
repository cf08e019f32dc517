//! A balancer over plain tower services, with an algorithm of one's own.
//!
//! Jobs go to three workers. [`Pack`] fills one worker before it uses the next,
//! so that idle ones could be switched off; what finds all of them busy waits in
//! the queue.
//!
//! ```text
//! cargo run -p lb-examples --example any-service
//! ```

use std::{convert::Infallible, sync::Arc, time::Duration};

use lb_core::{
    Balancer, Policy, Server,
    policy::{Choice, Query},
};
use tokio::{task::JoinSet, time::sleep};
use tower::{ServiceExt, service_fn};

/// Of the workers that have room, the busiest.
struct Pack;

impl Policy for Pack {
    type Index = ();

    fn index<T>(&self, _: &[Arc<Server<T>>], _: Option<&()>) {}

    fn pick<T>(&self, (): &(), servers: &[Arc<Server<T>>], query: &mut Query<'_>) -> Choice {
        let open = (0..servers.len()).filter(|&at| query.may_take(&servers[at]));
        // The first one among equals.
        let busiest = open.rev().max_by_key(|&at| servers[at].in_flight());
        busiest.map_or(Choice::Saturated, Choice::Any)
    }
}

/// Has so many jobs done at once; returns how many each worker did.
pub(crate) async fn work_off(jobs: u32) -> Vec<(String, u64)> {
    // Any service will do, and any request: here a number to square.
    let worker = service_fn(async |job: u32| {
        sleep(Duration::from_millis(10)).await;
        Ok::<_, Infallible>(job * job)
    });
    let balancer = Balancer::builder(Pack)
        .server(Server::new("large", worker).max_conn(4))
        .server(Server::new("medium", worker).max_conn(2))
        .server(Server::new("small", worker).max_conn(1))
        .build()
        .expect("three different names");

    let mut running = JoinSet::new();
    for job in 1..=jobs {
        running.spawn(balancer.clone().oneshot(job));
    }
    while let Some(done) = running.join_next().await {
        let square = done.expect("no worker panics");
        square.expect("all are done within the queue's time-out");
    }
    let snapshot = balancer.pool().snapshot();
    let done = |server: &Arc<Server<_>>| {
        let jobs = server.counters().totals().selected;
        (server.name().to_owned(), jobs)
    };
    snapshot.all().iter().map(done).collect()
}

#[tokio::main]
async fn main() {
    for jobs in [3, 5, 7, 70] {
        println!("{jobs} jobs at once: {:?}", work_off(jobs).await);
    }
}
