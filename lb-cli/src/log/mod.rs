//! Log lines, and their way out.
//!
//! A worker writes each line into buffers of its own thread, one for each target. Full buffers, and those that have
//! waited for a few milliseconds, go through a bounded queue to the target's own thread. A syslog server by UDP gets its
//! datagrams from the worker itself, as long as the socket takes them at once. A slow target delays neither a
//! request nor another target: when its queue is full, lines are dropped and counted, and the count is logged.
//!
//! Every line has a level of syslog: those of requests are `info` unless a rule says otherwise, those of the process
//! what HAProxy gives them. Each target takes the levels it asks for, and each of its formats is written once.

mod alias;
mod batch;
mod capture;
mod capturing;
mod clock;
mod file;
mod json;
mod layout;
mod line;
mod outlet;
mod refusal;
mod sink;
mod stream;
mod syslog;
mod target;
mod text;
mod worker;

pub use capture::{capture_request, capture_response};
pub use capturing::{Captured, Capturing};
pub use clock::LocalClock;
pub use layout::Layout;
pub use line::{Asked, Connections, Line, Termination};
pub use refusal::{Refusal, Unheard, client_text};
pub use sink::{Outlets, Sink, Writer};
pub use worker::{attach, detach, line, run_flusher};

use batch::Batch;

pub use crate::config::model::Level;
