//! Compressing responses on their way: HAProxy's `compression`, with brotli and Zstandard besides gzip.
//!
//! What is compressed is what HAProxy compresses: final responses 200 to 203 to HTTP/1.1 and later, of a listed type,
//! that are not compressed already, not `multipart`, not `no-transform`, of one strong or weak `ETag` at most, to clients
//! that accept one of the codings (RFC 9110, 12.5.3). Such a response is chunked, its `ETag` becomes weak, and it says
//! `Vary: Accept-Encoding`.
//!
//! Data goes out as soon as the server pauses, so that nothing that is streamed is held back.
//!
//! ```
//! use http::{Request, Response, header};
//! use http_body_util::{BodyExt, Full};
//! use lb_http::compression::Compression;
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), std::convert::Infallible> {
//! let page = service_fn(async |_: Request<()>| {
//!     let page = Response::builder().header(header::CONTENT_TYPE, "text/plain");
//!     Ok::<_, std::convert::Infallible>(page.body(Full::from("a line, and again\n".repeat(500))).expect("valid"))
//! });
//! let service = Compression::new().gzip().brotli().layer(page);
//! let request = Request::get("/").header(header::ACCEPT_ENCODING, "gzip").body(()).expect("valid");
//! let response = service.oneshot(request).await?;
//! assert_eq!(response.headers()[header::CONTENT_ENCODING], "gzip");
//! assert!(response.into_body().collect().await.expect("it is whole").to_bytes().len() < 200);
//! # Ok(()) }
//! ```

mod body;
mod coding;
mod encoder;
mod future;
mod meter;
mod rules;
mod service;
mod settings;

#[cfg(test)]
mod tests;

pub use self::{
    body::{Body, BodyError},
    coding::Coding,
    encoder::Encoder,
    future::ResponseFuture,
    meter::{Meter, Totals},
    service::CompressionService,
    settings::Compression,
};
