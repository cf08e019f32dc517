//! Why a balancer has no response.

use crate::pool::Unavailable;

/// The error of a [`Balancer`](super::Balancer) over services whose error is `E`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BalanceError<E> {
    /// No server could be had, for the first attempt or for a further one.
    #[error("the request went to no server")]
    Unavailable(#[source] Unavailable),
    /// The server's service failed.
    #[error("the server failed")]
    Inner(#[source] E),
}

impl<E> BalanceError<E> {
    /// The inner service's error, if it is one.
    pub fn into_inner(self) -> Option<E> {
        match self {
            Self::Unavailable(_) => None,
            Self::Inner(error) => Some(error),
        }
    }
}
