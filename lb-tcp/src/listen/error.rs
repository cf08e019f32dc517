//! Why an address cannot be listened on.

use std::error::Error;
use std::{fmt, io};

use crate::Address;

/// Why [`Listen::bind`](super::Listen::bind) failed; shown as `127.0.0.1:80: address in use`.
#[derive(Debug)]
pub struct BindError {
    address: Address,
    reason: Reason,
}

/// The cause, in the words of who configures it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Reason {
    #[error("address in use")]
    InUse(#[source] io::Error),
    #[error("not an address of this host")]
    NotLocal(#[source] io::Error),
    #[error("permission denied")]
    Denied(#[source] io::Error),
    #[error("cannot set {option}")]
    Option {
        option: &'static str,
        source: io::Error,
    },
    #[error("the path exists and is not a socket")]
    NotASocket,
    #[error("not a listening stream socket")]
    NotListening,
    #[error("a name cannot be listened on, only an address")]
    Name,
    #[error("cannot listen")]
    Other(#[source] io::Error),
}

impl From<io::Error> for Reason {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::AddrInUse => Self::InUse(error),
            io::ErrorKind::AddrNotAvailable => Self::NotLocal(error),
            io::ErrorKind::PermissionDenied => Self::Denied(error),
            _ => Self::Other(error),
        }
    }
}

impl Reason {
    /// Names the option that could not be set.
    pub(super) fn option(option: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Option { option, source }
    }

    pub(super) fn at(self, address: &Address) -> BindError {
        BindError {
            address: address.clone(),
            reason: self,
        }
    }
}

impl BindError {
    /// The address that could not be listened on.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Somebody else listens there.
    pub fn is_in_use(&self) -> bool {
        matches!(self.reason, Reason::InUse(_))
    }

    /// The process may not: a port below 1024 without `CAP_NET_BIND_SERVICE`, or a directory it
    /// cannot write to.
    pub fn is_denied(&self) -> bool {
        matches!(self.reason, Reason::Denied(_))
    }
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.address, self.reason)
    }
}

impl Error for BindError {
    /// The operating system's error; the reason is in the message already.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.reason.source()
    }
}
