//! The same requests through HAProxy and through our layer: what the server
//! sees of the cookies, what the client gets, and what the log says must agree
//! byte by byte.
//!
//! Needs HAProxy 2.6 (`apt-get install haproxy`).
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod backends;
mod cases;
mod haproxy;
mod ours;

use std::fmt;

use backends::BACKENDS;
use cases::Case;
use haproxy::Haproxy;
use lb_http::sticky::date;

/// All that anybody notices of a request.
#[derive(PartialEq, Eq)]
struct Outcome {
    server: String,
    /// The `Cookie` fields the server saw.
    seen: Vec<String>,
    set_cookie: Vec<String>,
    cache_control: Vec<String>,
    /// The cookie characters of the termination state.
    flags: String,
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            server,
            seen,
            set_cookie,
            cache_control,
            flags,
        } = self;
        write!(
            f,
            "{server} --{flags} saw {seen:?}, set {set_cookie:?}, control {cache_control:?}"
        )
    }
}

#[tokio::test]
async fn modes_and_options() {
    agree(&cases::modes()).await;
}

#[tokio::test]
async fn rules_and_failures() {
    agree(&cases::rules()).await;
}

#[tokio::test]
async fn dates() {
    agree(&cases::dates()).await;
}

#[tokio::test]
async fn caching() {
    agree(&cases::caching()).await;
}

#[tokio::test]
async fn request_fields() {
    agree(&cases::request_fields()).await;
}

#[tokio::test]
async fn response_fields() {
    agree(&cases::response_fields()).await;
}

/// Runs every case on both sides and reports all that differ.
async fn agree(cases: &[Case]) {
    let haproxy = Haproxy::start(BACKENDS);
    let mut differing = 0;
    for case in cases {
        let now = ours::now();
        let case = case.at(now, &haproxy);
        let theirs = haproxy.run(&case).dated_from(now);
        let ours = ours::run(&case, &haproxy).await.dated_from(now);
        if theirs != ours {
            differing += 1;
            eprintln!("{case:?}\n    HAProxy {theirs:?}\n    ours    {ours:?}");
        }
    }
    assert_eq!(differing, 0, "of {} cases", cases.len());
}

impl Outcome {
    /// Puts `now` for dates around it: the two sides do not run at the very same
    /// time.
    fn dated_from(mut self, now: u64) -> Self {
        for field in &mut self.set_cookie {
            let parts = field
                .split('|')
                .map(|part| match date::decode(part.as_bytes()) {
                    Some(date) if date.abs_diff(now) <= 12 => format!("now{}", &part[5..]),
                    _ => part.to_owned(),
                });
            *field = parts.collect::<Vec<_>>().join("|");
        }
        self
    }
}
