//! `lb demo`: three servers and a load balancer in one process, and a client
//! that shows what it does.
//!
//! The balancer runs from TOML like any other. The servers can be killed, to see
//! what becomes of their clients.

mod app;
mod client;
mod tour;

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::{Arc, Weak},
    thread,
};

use clap::Args;

use super::{Failed, output};
use crate::{
    config::{Config, Source},
    plan::Plan,
    run::{self, System},
};

/// The first port to try for the front door, and how many.
const PORTS: std::ops::Range<u16> = 8080..8100;

/// Shows a load balancer at work: three servers, all in this process
///
/// Prints the configuration that it runs, makes some requests, and goes on until
/// Ctrl-C with its log on standard output.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// End after the requests
    #[arg(long)]
    once: bool,
}

impl Demo {
    pub(super) fn run(self) -> Result<(), Failed> {
        let system = |error: std::io::Error| Failed::System(error.to_string());
        let servers = app::start(["app1", "app2", "app3"]).map_err(system)?;
        let front = free_address().map_err(system)?;
        let text = configuration(front, servers);
        let source = Source::new("demo.toml", text.as_str());
        let plan = Plan::compile(Config::parse_recoverable(vec![source], &|_| None))?;
        output::warn(&plan.warnings);
        let mut guide = None;
        run::run(plan, |system| {
            let system = Arc::downgrade(system);
            guide = Some(thread::spawn(move || self.guide(front, &text, &system)));
        })?;
        match guide.map(thread::JoinHandle::join) {
            Some(Ok(Err(error))) => Err(Failed::System(error.to_string())),
            Some(Err(_)) => Err(Failed::System("the demonstration panicked".to_owned())),
            Some(Ok(Ok(()))) | None => Ok(()),
        }
    }

    fn guide(&self, front: SocketAddr, text: &str, system: &Weak<System>) -> std::io::Result<()> {
        let shown = tour::show(front, text, self.once);
        if (self.once || shown.is_err())
            && let Some(system) = system.upgrade()
        {
            system.stop();
        }
        shown
    }
}

/// Port 8080 or one of those after it that nobody has, else any.
fn free_address() -> std::io::Result<SocketAddr> {
    let free = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let listener = PORTS.map(free).find_map(Result::ok);
    listener.map_or_else(|| free(0), Ok)?.local_addr()
}

/// What the demonstration runs, as a user would write it. One worker, because
/// the lines of several are not in order.
fn configuration(front: SocketAddr, servers: [SocketAddr; 3]) -> String {
    let [one, two, three] = servers;
    format!(
        r#"[global]
workers = 1
log = [{{ to = "stdout" }}]

[frontend.web]
bind = ["{front}"]
forwardfor = true
default_backend = "app"

[backend.app]
balance = "roundrobin"
cookie = {{ name = "SRV", mode = "insert", indirect = true }}
check = {{ type = "http", uri = "/health", interval = "1s", rise = 2, fall = 2 }}
redispatch = 1
server = [
  {{ name = "app1", address = "{one}", cookie = "app1" }},
  {{ name = "app2", address = "{two}", cookie = "app2" }},
  {{ name = "app3", address = "{three}", cookie = "app3" }},
]
"#
    )
}
