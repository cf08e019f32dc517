//! The future of a [`StickyService`](super::StickyService).

use std::{
    fmt,
    future::Future,
    hash::Hash,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use tokio::time::Instant;

use super::Table;
use crate::{balance::Steered, server::ServerUid};

pin_project! {
    /// The inner response; once it is there, the table knows who gave it.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F, K> {
        #[pin]
        inner: F,
        table: Arc<Table<K, ServerUid>>,
        key: Option<K>,
        known: Option<ServerUid>,
    }
}

impl<F, K> ResponseFuture<F, K> {
    pub(super) fn new(
        inner: F,
        table: Arc<Table<K, ServerUid>>,
        key: Option<K>,
        known: Option<ServerUid>,
    ) -> Self {
        Self {
            inner,
            table,
            key,
            known,
        }
    }
}

impl<F, K, Res, E> Future for ResponseFuture<F, K>
where
    F: Future<Output = Result<Res, E>> + Steered,
    K: Hash + Eq + 'static,
{
    type Output = Result<Res, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let response = ready!(this.inner.as_mut().poll(cx))?;
        // An error leaves the table as it is: as a rule the client comes again,
        // and by then health checks know more.
        if let Some(server) = this.inner.server()
            && *this.known != Some(server)
            && let Some(key) = this.key.take()
        {
            this.table.learn(Instant::now(), key, server);
        }
        Poll::Ready(Ok(response))
    }
}

impl<F: Steered, K> Steered for ResponseFuture<F, K> {
    fn server(&self) -> Option<ServerUid> {
        self.inner.server()
    }
}

impl<F: fmt::Debug, K> fmt::Debug for ResponseFuture<F, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("inner", &self.inner)
            .field("known", &self.known)
            .finish_non_exhaustive()
    }
}
