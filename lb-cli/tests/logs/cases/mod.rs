//! What can happen to a request.

use crate::{
    Case,
    common::{
        message::End,
        origin::listen,
        site::{get, post},
        wire::Wire,
        within,
    },
    stage::{
        Kind::{Listens, Refuses, Stalls},
        ok, response,
    },
};

mod answers;
mod captures;
mod clients;
mod connecting;
mod cookies;
mod exchanges;
mod requests;
mod statistics;

/// A case in which both configurations are the usual ones.
const USUAL: Case = Case {
    name: "",
    servers: &[Listens],
    lb: ["", ""],
    haproxy: ["", ""],
    lines: 1,
    differs: &[],
    play: |_| Box::pin(async {}),
};

/// Answers 503 at once: see `Stage::settle`.
pub(crate) const BELL: Case = Case {
    name: "bell",
    servers: &[],
    ..USUAL
};

/// Every case.
pub(crate) fn all() -> impl Iterator<Item = &'static Case> {
    [
        exchanges::CASES,
        connecting::CASES,
        answers::CASES,
        clients::CASES,
        requests::CASES,
        statistics::CASES,
        cookies::CASES,
        captures::CASES,
    ]
    .into_iter()
    .flatten()
}

/// A whole response in chunks.
pub(crate) const CHUNKED: &str = "HTTP/1.1 200 OK\r\nDate: Fri, 20 Nov 2026 11:00:00 GMT\r\n\
    Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
