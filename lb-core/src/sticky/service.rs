//! The service of a [`StickySession`](super::StickySession).

use std::{
    fmt,
    hash::Hash,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::time::Instant;
use tower_service::Service;

use super::{Table, future::ResponseFuture};
use crate::{
    balance::Steer,
    health::{Observable, Observer},
    server::ServerUid,
};

/// Asks the balancer inside for the server that a client is known to be on.
pub struct StickyService<S, F, K> {
    inner: S,
    key: F,
    table: Arc<Table<K, ServerUid>>,
}

impl<S, F, K> StickyService<S, F, K> {
    pub(super) fn new(inner: S, key: F, table: Arc<Table<K, ServerUid>>) -> Self {
        Self { inner, key, table }
    }

    /// The service inside.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service inside, to change it.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The service inside, alone.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, F, K, Req> Service<Req> for StickyService<S, F, K>
where
    S: Steer<Req>,
    F: Fn(&Req) -> Option<K>,
    K: Hash + Eq + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, K>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let key = (self.key)(&request);
        let known = key
            .as_ref()
            .and_then(|key| self.table.find(Instant::now(), key));
        let inner = match known {
            Some(server) => self.inner.steer(request, server),
            None => self.inner.call(request),
        };
        ResponseFuture::new(inner, Arc::clone(&self.table), key, known)
    }
}

impl<S: Observable, F, K> Observable for StickyService<S, F, K> {
    fn observed_by(self, observer: Observer) -> Self {
        Self {
            inner: self.inner.observed_by(observer),
            ..self
        }
    }
}

impl<S: Clone, F: Clone, K> Clone for StickyService<S, F, K> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            key: self.key.clone(),
            table: Arc::clone(&self.table),
        }
    }
}

impl<S: fmt::Debug, F, K> fmt::Debug for StickyService<S, F, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StickyService")
            .field("inner", &self.inner)
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}
