//! Against what HAProxy was observed to do, and what it was not asked.

mod observed;
mod proptests;
mod resolve;
mod view;

use std::net::{IpAddr, SocketAddr};

use http::{Request, Version};
use lb_core::condition::{Condition, Scope};

use super::{HttpExpr, HttpVocabulary, RequestView, View};

/// Builds a request from `GET / HTTP/1.1 | name: value | …`.
fn request(line: &str) -> Request<()> {
    let mut parts = line.split(" | ");
    let mut words = parts.next().expect("a request line").split(' ');
    let mut word = || words.next().expect("three words");
    let mut builder = Request::builder()
        .method(word())
        .uri(word())
        .version(match word() {
            "HTTP/1.0" => Version::HTTP_10,
            "HTTP/2" => Version::HTTP_2,
            _ => Version::HTTP_11,
        });
    for field in parts {
        let (name, value) = field.split_once(": ").expect("a header field");
        builder = builder.header(name, value);
    }
    builder.body(()).expect("a valid request")
}

fn view(request: &Request<()>) -> View<'_> {
    View::from(head(request))
}

/// The request as HAProxy saw it: the field `x-src` is the client's address.
fn head(request: &Request<()>) -> RequestView<'_> {
    let source: IpAddr = match request.headers().get("x-src") {
        Some(value) => value.to_str().unwrap().parse().unwrap(),
        None => IpAddr::from([127, 0, 0, 1]),
    };
    RequestView::of(request).connection(
        Some(SocketAddr::new(source, 40000)),
        Some(SocketAddr::from(([127, 0, 0, 1], 27100))),
    )
}

fn condition(text: &str) -> Condition<HttpExpr> {
    let (scope, errors) = Scope::builder(HttpVocabulary::default()).build();
    assert!(errors.is_empty());
    scope
        .suffix(&format!("if {text}"))
        .unwrap_or_else(|errors| panic!("{text}: {errors:?}"))
}

fn holds(text: &str, line: &str) -> bool {
    condition(text).eval(&view(&request(line)))
}
