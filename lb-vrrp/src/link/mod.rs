//! The peer link: an authenticated TCP connection between nodes, by which a dead process is known
//! at once. What travels on it is described in [`protocol`].

pub mod protocol;
mod view;

pub use self::protocol::{KeyTooShort, Rejection, SendError, TooLong};
pub use self::view::{RouterState, RouterView, next_in_line};
