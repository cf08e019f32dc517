//! A tower layer that answers `503 Service Unavailable` while this node is not master.
//!
//! Behind a virtual address it seldom has anything to do: who reaches this node reaches the
//! master. It matters where clients know a node by its own address too, or for a moment after
//! the address has moved: the `Retry-After` sends them back to the virtual one.
//!
//! ```
//! use http::{Request, Response, StatusCode};
//! use lb_vrrp::mock::Hub;
//! use lb_vrrp::Vrrp;
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let network = Hub::new().attach("192.0.2.1".parse()?);
//! let vrrp = Vrrp::builder("eth0", 90).address("192.0.2.100/24".parse()?).build_on(network)?;
//!
//! let app = service_fn(async |_: Request<()>| Ok::<_, std::convert::Infallible>(Response::new(String::new())));
//! let app = ServiceBuilder::new().layer(vrrp.gate()).service(app);
//!
//! let answer = app.oneshot(Request::new(())).await?;
//! assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
//! assert_eq!(answer.headers()["retry-after"], "4"); // when another will have taken over
//! # Ok(())
//! # }
//! ```

pub mod future;
mod layer;
mod service;

pub use self::layer::GateLayer;
pub use self::service::Gate;
