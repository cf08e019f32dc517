//! `lb demo`: three servers and a load balancer in one process, and a client
//! that shows what it does.
//!
//! The balancer runs from TOML like any other. The servers can be killed, to see
//! what becomes of their clients.

mod app;
mod client;
mod tour;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Weak},
    thread::{self, JoinHandle},
};

use clap::Args;

use super::Failed;
use crate::{
    config::{Config, Source},
    plan::Plan,
    run::{self, Launch, RunError, System},
};

/// The ports to try for the front door.
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
        let servers = app::start(["app1", "app2", "app3"])?;
        for port in PORTS {
            let front = (Ipv4Addr::LOCALHOST, port).into();
            match self.run_at(front, servers) {
                Ok(guide) => return guide.map_or(Ok(()), Guide::finish),
                // Somebody listens there: on to the next.
                Err(RunError::Bind(error)) if error.is_in_use() => {}
                Err(error) => return Err(error.into()),
            }
        }
        let (first, last) = (PORTS.start, PORTS.end - 1);
        let error = format!("the ports {first} to {last} are all in use");
        Err(Failed::System(error))
    }

    /// Runs with its front door there, to the end.
    fn run_at(
        &self,
        front: SocketAddr,
        servers: [SocketAddr; 3],
    ) -> Result<Option<Guide>, RunError> {
        let text = configuration(front, servers);
        let source = Source::new("demo.toml", text.as_str());
        let plan = Config::parse(vec![source], &|_| None).and_then(Plan::compile);
        let plan = plan.expect("the configuration of the demonstration is valid");
        let mut guide = None;
        let once = self.once;
        run::run(plan, Launch::default(), |system| {
            let system = Arc::downgrade(system);
            guide = Some(Guide::start(front, text, once, system));
        })?;
        Ok(guide)
    }
}

/// The thread that shows what there is to see.
struct Guide(JoinHandle<io::Result<()>>);

impl Guide {
    fn start(front: SocketAddr, text: String, once: bool, system: Weak<System>) -> Self {
        Self(thread::spawn(move || {
            let shown = tour::show(front, &text, once);
            if (once || shown.is_err())
                && let Some(system) = system.upgrade()
            {
                system.stop();
            }
            shown
        }))
    }

    fn finish(self) -> Result<(), Failed> {
        let panicked = |_| Err(io::Error::other("the demonstration panicked"));
        Ok(self.0.join().unwrap_or_else(panicked)?)
    }
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
stats = {{ uri = "/stats", refresh = "2s", admin = "if LOCALHOST" }}
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
