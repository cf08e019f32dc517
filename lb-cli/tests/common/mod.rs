//! What the end-to-end tests share: the real binary and its peers as processes, origins whose every
//! answer a test decides, and both ends of a connection.
//!
//! Nothing here sleeps to let something happen: a test waits for the event, and [`PATIENCE`] is how
//! long it does so on a machine that is busy with other things.
#![allow(
    dead_code,
    clippy::disallowed_methods,
    reason = "each test uses its part; real processes run on the real clock"
)]

pub(crate) mod address;
pub(crate) mod message;
pub(crate) mod origin;
pub(crate) mod process;
pub(crate) mod rsyslog;
pub(crate) mod site;
pub(crate) mod stalled;
pub(crate) mod wire;

use std::{future::Future, time::Duration};

use tokio::time::{Instant, sleep, timeout};

/// Until a test gives up on what should happen by itself.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The outcome of what must not take for ever.
pub(crate) async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    match timeout(PATIENCE, work).await {
        Ok(outcome) => outcome,
        Err(_) => panic!("waited in vain for {what}"),
    }
}

/// Looks again and again at what tells nobody when it changes, such as a file of another process.
pub(crate) async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        sleep(Duration::from_millis(10)).await;
    }
}
