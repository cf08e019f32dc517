//! What a request wants of a pool, read from the request.

use crate::{policy::Key, pool::Priority};

/// Reads from a request what chooses its server and its place in the queue.
///
/// Made of closures by [`Builder::key`](super::Builder::key) and
/// [`Builder::priority`](super::Builder::priority); `()` wants nothing.
pub trait Aim<Req> {
    /// What a hashing policy hashes.
    fn key<'r>(&self, request: &'r Req) -> Key<'r> {
        let _ = request;
        Key::None
    }

    /// Where in the queue it stands.
    fn priority(&self, request: &Req) -> Priority {
        let _ = request;
        Priority::default()
    }
}

impl<Req> Aim<Req> for () {}

/// A closure for the key; the rest as `A` has it.
#[derive(Clone, Copy, Debug)]
pub struct Keyed<F, A = ()> {
    pub(super) key: F,
    pub(super) rest: A,
}

impl<Req, F, A> Aim<Req> for Keyed<F, A>
where
    F: Fn(&Req) -> Key<'_>,
    A: Aim<Req>,
{
    fn key<'r>(&self, request: &'r Req) -> Key<'r> {
        (self.key)(request)
    }

    fn priority(&self, request: &Req) -> Priority {
        self.rest.priority(request)
    }
}

/// A closure for the place in the queue; the rest as `A` has it.
#[derive(Clone, Copy, Debug)]
pub struct Ranked<F, A = ()> {
    pub(super) priority: F,
    pub(super) rest: A,
}

impl<Req, F, A> Aim<Req> for Ranked<F, A>
where
    F: Fn(&Req) -> Priority,
    A: Aim<Req>,
{
    fn key<'r>(&self, request: &'r Req) -> Key<'r> {
        self.rest.key(request)
    }

    fn priority(&self, request: &Req) -> Priority {
        (self.priority)(request)
    }
}
