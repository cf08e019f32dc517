//! The `lb` command as a library: from files to a running load balancer.
//!
//! | module | takes | gives |
//! |---|---|---|
//! | [`config`] | TOML in HAProxy's words | a typed [`Config`](config::Config), and every problem with its place |
//! | [`plan`] | a `Config` | a [`Plan`](plan::Plan): names resolved, conditions and algorithms compiled |
//! | [`run`] | a `Plan` | a [`System`](run::System): bound sockets, a worker for each core, checks |
//! | [`admin`] | lines on a Unix socket | answers from a `System` |
//! | [`stats`] | a `System` | HAProxy's statistics: rows, CSV, a page |
//! | [`metrics`] | a `System` | the same for Prometheus, and histograms |
//! | [`command`] | what was typed | an exit code |
//! | [`log`] | what happened | HAProxy's log lines, by way of a thread that never delays a request |
//!
//! Each step fails as a whole or not at all: a plan that exists can run, unless
//! the system refuses a socket, a file or a thread.
//!
//! ```
//! use lb_cli::{config::{Config, Source}, plan::Plan};
//!
//! let text = r#"
//!     [listen.web]
//!     bind = ["127.0.0.1:8080"]
//!     balance = "leastconn"
//!     server = [{ name = "app1", address = "127.0.0.1:9001" }]
//! "#;
//! let config = Config::parse_recoverable(vec![Source::new("lb.toml", text)], &|_| None);
//! let plan = Plan::compile(config)?;
//! assert_eq!(plan.backends[0].servers().len(), 1);
//! # Ok::<(), lb_cli::config::Diagnostics>(())
//! ```
#![forbid(unsafe_code)]

pub mod admin;
pub mod command;
pub mod config;
pub mod log;
pub mod metrics;
pub mod plan;
pub mod run;
pub mod stats;
