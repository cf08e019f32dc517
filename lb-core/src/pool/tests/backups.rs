use super::{granted, lease, server, waiter};
use crate::{
    policy::RoundRobin,
    pool::{Builder, Pool, Want},
    server::{Administrative, Operational, Server},
};

fn with_backups() -> Builder<()> {
    Pool::builder()
        .with(Server::new("main", ()).max_conn(1))
        .with(Server::new("spare1", ()).backup())
        .with(Server::new("spare2", ()).backup())
}

/// Who serves the next requests.
fn served_by(pool: &Pool<(), RoundRobin>, requests: usize) -> Vec<String> {
    let name = |_| lease(pool, Want::default()).server().name().to_owned();
    (0..requests).map(name).collect()
}

#[tokio::test(start_paused = true)]
async fn the_first_backup_serves_when_all_others_are_gone() {
    let pool = with_backups().build(RoundRobin::new()).unwrap();
    assert_eq!(served_by(&pool, 2), ["main", "main"]);
    pool.set_operational(&server(&pool, "main"), Operational::Down);
    assert_eq!(served_by(&pool, 3), ["spare1", "spare1", "spare1"]);
    pool.set_administrative(&server(&pool, "spare1"), Administrative::Drain);
    assert_eq!(served_by(&pool, 2), ["spare2", "spare2"]);
    pool.set_operational(&server(&pool, "main"), Operational::Up);
    assert_eq!(served_by(&pool, 2), ["main", "main"]);
    assert_eq!(pool.snapshot().active_and_backup(), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn all_backups_serve_if_asked_to() {
    let pool = with_backups()
        .all_backups()
        .build(RoundRobin::new())
        .unwrap();
    pool.set_operational(&server(&pool, "main"), Operational::Down);
    let mut both = served_by(&pool, 2);
    both.sort();
    assert_eq!(both, ["spare1", "spare2"]);
}

#[tokio::test(start_paused = true)]
async fn a_full_server_is_no_reason_for_a_backup() {
    let pool = with_backups().build(RoundRobin::new()).unwrap();
    let _held = lease(&pool, Want::default());
    let _waits = waiter(&pool, Want::default());
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_go_to_the_backup_when_the_last_server_goes() {
    let pool = with_backups().build(RoundRobin::new()).unwrap();
    let _held = lease(&pool, Want::default());
    let mut down = waiter(&pool, Want::default());
    pool.set_operational(&server(&pool, "main"), Operational::Down);
    let _served = granted(&mut down, "spare1");
    pool.set_operational(&server(&pool, "main"), Operational::Up);

    let mut removed = waiter(&pool, Want::default());
    pool.remove(server(&pool, "main").uid());
    let _served = granted(&mut removed, "spare1");
}
