//! Witnesses: neighbours whose answers say that this node still has a network.
//!
//! A node that hears no master may be the one that is cut off. Where a [`Witness`] is configured
//! such a node does not take the address: at least `min_up` of its targets, a gateway for
//! example, must answer. Keepalived's users write a ping script for it.
//!
//! Each interval every target is asked once, and a target that misses twice in a row is down. One
//! that hears no master asks anew ([`Watch::ask_anew`]): its interval may be far shorter. A
//! [`Watch`] asks by ICMP itself; in [`Mode::Arp`] it says whom to ask, and its owner, who has
//! the packet sockets, does so and tells it of answers.
//!
//! ```no_run
//! use lb_vrrp::witness::{Event, Witness};
//!
//! # async fn example() -> Result<(), lb_vrrp::witness::WitnessError> {
//! let witness = Witness::builder().target([192, 0, 2, 1]).build()?;
//! let mut watch = witness.watch("eth0");
//! while let Event::Changed(change) = watch.next().await {
//!     println!("{}: {}", change.reachable, change.reason);
//! }
//! # Ok(())
//! # }
//! ```

mod echo;
mod ping;
mod settings;
mod tally;
mod watch;

pub use self::settings::{Mode, Witness, WitnessBuilder, WitnessError};
pub use self::watch::{Change, Event, Watch};
