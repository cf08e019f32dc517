//! Connections to servers, and exchanges over them.
//!
//! Each worker keeps the idle connections of each server in an [`IdleSet`]
//! without a lock. A connection in use is owned by whoever uses it: there is no
//! task behind it and no channel to it. [`Exchange`] sends a request over one
//! and reads the response's head, [`Receiving`] reads the body and puts the
//! connection back when it has ended well.

mod connection;
mod exchange;
mod idle;
mod receiving;
mod request_body;

pub(crate) use connection::Connection;
pub(crate) use exchange::{Event, Exchange, ExchangeError, Sending};
pub(crate) use idle::IdleSet;
pub use receiving::BodyError;
pub(crate) use receiving::{Home, Receiving};
pub(crate) use request_body::RequestBody;
