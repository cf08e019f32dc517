//! The memory that an idle client connection costs: what the proxy grows by while thousands are open that have done one request each.
//!
//! It is the process's resident memory; the kernel's socket buffers are the same for every proxy and not in it.

use std::{net::SocketAddr, time::Duration};

use tokio::time::sleep;

use super::{
    bench::{Sample, SampleError},
    daemon::Daemon,
    probe::Client,
};

/// Far enough below 20,000 descriptors that a proxy could hold as many connections to its servers.
pub(super) const CONNECTIONS: u32 = 4_000;
/// A proxy may give buffers back when a connection falls idle; this is the time it has.
const SETTLE: Duration = Duration::from_secs(1);

pub(super) async fn sample(daemon: Daemon, address: SocketAddr) -> Result<Sample, SampleError> {
    let before = daemon.usage()?;
    let mut clients = Vec::with_capacity(CONNECTIONS as usize);
    let mut errors = Failures::default();
    for _ in 0..CONNECTIONS {
        let mut client = Client::connect(address).await?;
        errors.note(request(&mut client).await);
        clients.push(client);
    }
    sleep(SETTLE).await;
    let after = daemon.usage()?;
    // A proxy that closed them meanwhile holds no idle connections at all.
    for client in &mut clients {
        errors.note(request(client).await);
    }
    drop(clients);
    daemon.stop().await;
    let growth = after.rss.saturating_sub(before.rss) as f64 / 1024.0;
    let cost = growth / f64::from(CONNECTIONS);
    Ok(Sample {
        cost,
        outcome: None,
        rss: after.rss,
        errors: errors.describe(),
    })
}

async fn request(client: &mut Client) -> Result<(), String> {
    match client.get("/hello", "").await {
        Ok(reply) if reply.status == 200 => Ok(()),
        Ok(reply) => Err(format!("status {}", reply.status)),
        Err(error) => Err(error.to_string()),
    }
}

#[derive(Default)]
struct Failures {
    count: u32,
    last: String,
}

impl Failures {
    fn note(&mut self, result: Result<(), String>) {
        if let Err(error) = result {
            self.count += 1;
            self.last = error;
        }
    }

    fn describe(self) -> Vec<String> {
        let failed =
            (self.count > 0).then(|| format!("{} requests failed: {}", self.count, self.last));
        failed.into_iter().collect()
    }
}
