//! The statistics of a real `lb`: its CSV against HAProxy's, its page, and the form that changes servers.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod browser;
#[path = "../common/mod.rs"]
mod common;
mod form;
mod haproxy;
mod look;
mod page;
mod table;
mod typed;

use std::net::SocketAddr;

use common::{message::Message, site::get, wire::Wire};

/// `user:secret`
pub(crate) const USER: &str = "Authorization: Basic dXNlcjpzZWNyZXQ=\r\n";

/// The answer to a GET with these fields.
pub(crate) async fn fetch(front: SocketAddr, target: &str, fields: &str) -> Message {
    Wire::send_to(front, get(target, fields))
        .await
        .response()
        .await
}

pub(crate) fn text(message: Message) -> String {
    String::from_utf8(message.body).unwrap()
}
