//! Two nodes that share one address, each with an axum app that serves only
//! while its node is master.
//!
//! ```text
//! cargo run -p lb-examples --example vrrp
//! ```
//!
//! The network is one in memory, so it runs without privileges, and both nodes
//! are in this process. On real machines, `build()` in place of `build_on(…)` is
//! all the difference; it takes CAP_NET_ADMIN and CAP_NET_RAW.

use std::net::IpAddr;

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
    routing::get,
};
use lb_vrrp::{
    BuildError, Version, Vrrp,
    machine::State,
    mock::{Hub, MockNetwork},
};
use tokio::task::JoinHandle;
use tower::ServiceExt;

const VIRTUAL: &str = "192.0.2.100/24";

/// A machine: its virtual router, its app, and the task that runs VRRP.
struct Node {
    vrrp: Vrrp,
    app: Router,
    task: JoinHandle<()>,
}

impl Node {
    fn start(name: &'static str, priority: u8, network: MockNetwork) -> Result<Self, BuildError> {
        let vrrp = Vrrp::builder("eth0", 90)
            .version(Version::V3)
            .interval(std::time::Duration::from_millis(100))
            .priority(priority)
            .address(VIRTUAL.parse().expect("an address"))
            .build_on(network)?;
        let run = vrrp.run();
        let task = tokio::spawn(async move {
            let _ = run.await;
        });
        // What is behind the gate answers on the master only; the state always.
        let app = Router::new()
            .route("/", get(move || async move { format!("{name} greets") }))
            .layer(vrrp.gate())
            .route(
                "/vrrp",
                get({
                    let vrrp = vrrp.clone();
                    move || async move { vrrp.status().to_string() }
                }),
            );
        Ok(Self { vrrp, app, task })
    }

    async fn becomes(&self, state: State) {
        let mut status = self.vrrp.watch();
        let _ = status.wait_for(|status| status.state == state).await;
    }

    async fn ask(&self, path: &str) -> (StatusCode, String) {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        let response = self.app.clone().oneshot(request).await;
        let Ok(response) = response;
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 1024).await;
        let text = String::from_utf8_lossy(&body.unwrap_or_default()).into_owned();
        (status, text)
    }
}

/// A line for each thing that happens.
pub(crate) async fn story() -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let mut lines = Vec::new();
    let hub = Hub::new();
    let (a, b): (IpAddr, IpAddr) = ("192.0.2.1".parse()?, "192.0.2.2".parse()?);
    let first = Node::start("a", 150, hub.attach(a))?;
    let second = Node::start("b", 100, hub.attach(b))?;

    first.becomes(State::Master).await;
    for node in [&first, &second] {
        let (status, text) = node.ask("/").await;
        lines.push(format!("{} {text}", status.as_u16()));
    }

    // Its process dies: no goodbye, only silence.
    first.task.abort();
    second.becomes(State::Master).await;
    lines.push(second.ask("/").await.1);
    lines.push(second.ask("/vrrp").await.1);

    // It comes back, with the higher priority, and b steps down for it.
    let first = Node::start("a", 150, hub.attach(a))?;
    second.becomes(State::Backup).await;
    lines.push(first.ask("/").await.1);
    lines.push(second.ask("/vrrp").await.1);

    // It stops as it should: b has the address before a gives it up.
    first.vrrp.stop().await?;
    lines.push(second.ask("/").await.1);
    lines.push(second.ask("/vrrp").await.1);
    Ok(lines)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    for line in story().await? {
        println!("{line}");
    }
    Ok(())
}
