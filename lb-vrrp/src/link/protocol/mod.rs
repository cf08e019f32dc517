//! What travels on the peer link, without sockets and without a clock.
//!
//! A connection has a *watcher*, who dialled it, and a *node*, who accepted it and speaks of
//! itself on it. Numbers are big-endian.
//!
//! ```text
//! watcher                                             node
//!   "LBPL" version nonce[32] incarnation[16]   ──>
//!            <──   0 "LBPL" version nonce[32] incarnation[16]
//!   proof[32]                                  ──>
//!            <──   0 proof[32]
//!   frames                                     <─>   frames
//! ```
//!
//! In the place of the 0 may stand a reason to refuse, followed by the node's version. It is not
//! authenticated, so it is good for a message to a human and for nothing else.
//!
//! A proof is the HMAC-SHA256 of both first messages under a key that is derived from the shared
//! one and differs for the two sides, so that nobody can be given back what he sent. The watcher
//! proves first: who has no key gets from a node nothing that he could try guesses on. Each
//! connection's frames have two more keys, derived from both nonces, one for each direction:
//!
//! ```text
//! length[2] type[1] body[length] tag[16]
//! ```
//!
//! The tag is the HMAC-SHA256 of the frame's number on its connection, its length, type and body,
//! cut to 16 octets. The number does not travel: TCP keeps the order, so a frame that was left
//! out, repeated or moved has a wrong tag. A length has 16 bits, which bounds every buffer.
//!
//! A type that is not known is skipped once its tag was verified, and so is what follows the
//! known fields of a [`RouterView`](super::RouterView): later versions may add to both.

mod error;
mod key;
mod message;
mod session;

pub use self::error::{Rejection, SendError};
pub use self::key::{Incarnation, Key, KeyTooShort, Nonce};
pub use self::message::{Malformed, Message, TooLong};
pub use self::session::{Received, Session};

/// The version of the link's protocol that this crate speaks.
pub const VERSION: u8 = 1;
