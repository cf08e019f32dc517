//! Why the other end is not trusted, and why nothing can be said to it.

use std::net::SocketAddr;

use thiserror::Error;

use super::VERSION;
use super::message::TooLong;

/// Why a connection is not, or no longer, trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Rejection {
    /// It cannot prove that it has our key.
    #[error("its key differs")]
    Key,
    /// It speaks another version of the link's protocol.
    #[error("it speaks version {0} of the peer link's protocol, and this node version {VERSION}")]
    Version(u8),
    /// It is this process: an address in the list of peers leads back here, or somebody sends
    /// back what we send.
    #[error("it is this node itself")]
    Itself,
    /// It is the process that another address has already led to.
    #[error("it is the same process as peer {0}")]
    Twice(SocketAddr),
    /// It speaks something else.
    #[error("it does not speak the peer link's protocol")]
    Foreign,
    /// It connected and did not finish the handshake in time.
    #[error("it did not finish the handshake in time")]
    Slow,
    /// It gave way to a newer connection, since too many had not finished the handshake.
    #[error("too many connections have not finished the handshake")]
    Crowded,
    /// A frame was altered, left out, repeated or moved on its way.
    #[error("a frame was altered on its way")]
    Altered,
    /// A verified message that makes no sense.
    #[error("it sent a malformed message")]
    Malformed,
    /// It refused us with a code of a later version.
    #[error("it refuses with code {0}")]
    Refused(u8),
}

/// Why a message cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SendError {
    /// The handshake is not over, or the session has ended.
    #[error("the link is not up")]
    NotUp,
    /// The other end does not read.
    #[error("the peer does not read what it is sent")]
    Full,
    /// No frame can hold it.
    #[error(transparent)]
    TooLong(#[from] TooLong),
}
