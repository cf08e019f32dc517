//! The admin socket: looking into a running process, and telling it things.
//!
//! A Unix socket that speaks as HAProxy's `stats socket` does, so that what people use with that works here: a line of
//! commands, separated by `;`, is answered and the connection closed; each answer ends with an empty line. After `prompt`
//! the connection stays open for more lines, until `quit`. A refusal is told from an answer only after `set severity-output`; after the word `json`, each answer
//! of the line is a JSON object.
//!
//! It runs on the runtime of checks and signals, never on that of a worker. Clients at a time, octets of a line and the
//! patience with both are bounded.

mod changes;
mod commands;
mod dump;
mod errors;
mod info;
mod line;
mod lists;
mod process;
mod reply;
mod servers;
mod session;
mod sessions;
mod socket;
mod statistics;
mod table;
mod tables;
mod typed;
mod unbuilt;
mod usage;
mod variables;
mod vrrp;

pub(crate) use self::{commands::table, session::LONGEST_LINE, socket::Socket};
pub use self::{
    reply::{Content, Reply},
    socket::AdminError,
    table::{Answer, CommandError, Table},
    vrrp::Vrrp,
};
