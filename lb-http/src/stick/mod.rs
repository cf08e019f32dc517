//! Clients that stay on their server by a table: HAProxy's `stick on`, `stick match`, `stick store-request`,
//! `stick store-response`.
//!
//! [`Stick`] is a layer over a proxy. Each of its rules takes a key from a request, such as the client's address or a
//! field of it, or from its response. A rule that matches asks the proxy inside for the server that the table has of this
//! key, by its number; one that stores remembers the server that has answered. Tables may be shared by several backends,
//! which then should give the same numbers to the same machines.
//!
//! A cookie ([`sticky`](crate::sticky)) that leads to a server comes first, as in HAProxy.
//!
//! ```
//! # fn app<S>(proxy: S) -> impl tower::Service<http::Request<()>>
//! # where S: tower::Service<http::Request<()>, Response = http::Response<()>> {
//! use std::{sync::Arc, time::Duration};
//! use lb_core::{condition::words, table::{KeyType, Table}};
//! use lb_http::{fetch::HttpVocabulary, stick::{Rule, Stick}};
//! use tower::ServiceBuilder;
//!
//! let table = Table::builder("clients", KeyType::Ip)
//!     .expire(Duration::from_secs(1800))
//!     .store_server()
//!     .build(tokio::time::Instant::now());
//! let word = &words("src").expect("a word")[0];
//! let client = HttpVocabulary::default().expr(word).expect("an expression");
//!
//! ServiceBuilder::new()
//!     .layer(Stick::by([Rule::on(client, Arc::new(table))]))
//!     .service(proxy)
//! # }
//! ```

mod future;
mod layer;
mod rule;
mod service;
mod visit;

pub use self::{
    future::ResponseFuture,
    layer::Stick,
    rule::{Look, Rule, Use},
    service::StickService,
};
