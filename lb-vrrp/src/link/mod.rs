//! The peer link: an authenticated TCP connection between nodes, by which a dead process is known
//! at once. Keepalived has nothing like it.
//!
//! A process that dies, however it dies, has its sockets closed by its kernel. Its successor so
//! knows within a millisecond and need not wait for three advertisements. Nodes name each other:
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use lb_vrrp::link::{LinkEvent, PeerLink};
//!
//! let mut link = PeerLink::builder()
//!     .bind("10.0.0.1:5405".parse()?)
//!     .peer("10.0.0.2:5405".parse()?)
//!     .key("at least sixteen octets")
//!     .build()?
//!     .open()?;
//! if let LinkEvent::Gone { peer, how, .. } = link.next().await {
//!     println!("{peer} is gone: {how:?}");
//! }
//! # Ok(()) }
//! ```
//!
//! # Two connections, one each way
//! Every node dials every peer, and on the connection it dialled it only watches: what comes in is
//! what that peer says of itself. So a peer is the address it was configured with, whatever
//! address it connects from; nobody has to agree which of two connections survives; and each
//! node judges by a connection that it can dial again. A second connection costs a ping a second.
//!
//! # What proves what
//! | seen | means |
//! |---|---|
//! | goodbye | [`Gone`](LinkEvent::Gone) |
//! | closed, then refused | `Gone`: the host lives, the process does not |
//! | closed, then another incarnation answers | `Gone`, then [`Up`](LinkEvent::Up) |
//! | closed, then the same incarnation answers | nothing happened |
//! | silence, no route, a handshake that hangs (a stopped process) | [`Lost`](LinkEvent::Lost): nothing is proved |
//! | lost, then refused or another incarnation | `Gone`, late |
//!
//! A refusal is the word of a kernel, which has no key. A firewall between the nodes that *rejects*
//! the link says the same; let it drop, or let the link through. So can whoever sees the packets
//! and forges answers, as he could forge advertisements. What comes of a wrong `Gone` is what comes
//! of a lost advertisement: two masters until the next one is heard.
//!
//! Who drops a [`PeerLink`] looks dead to its peers: a process that goes on keeps it open.
//!
//! What travels is described in [`protocol`].

mod builder;
mod connection;
mod door;
mod event;
mod peer;
mod peer_link;
pub mod protocol;
mod socket;
mod view;
mod watch;

pub use self::builder::{BuildError, Builder, OpenError, Settings};
pub use self::event::{LinkEvent, Loss, PeerState, Proof};
pub use self::peer_link::PeerLink;
pub use self::protocol::{KeyTooShort, Rejection, SendError, TooLong};
pub use self::view::{RouterState, RouterView, next_in_line};
