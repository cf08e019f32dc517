//! A request's body on its way to a server, which may have to be sent again.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame};

/// What is kept of a body so that it can be sent a second time: HAProxy keeps a
/// buffer's worth, too.
const REPLAY_LIMIT: usize = 16 * 1024;

/// A body that remembers its beginning.
pub(crate) struct RequestBody<B> {
    body: B,
    /// What has been read of it, as long as that is all and little enough.
    kept: Option<Vec<Bytes>>,
    kept_bytes: usize,
    /// How much of `kept` has been sent in this attempt.
    replayed: usize,
    /// Read before anything was sent; in a box, since that is seldom.
    ahead: Option<Box<Frame<Bytes>>>,
}

impl<B: Body<Data = Bytes> + Unpin> RequestBody<B> {
    /// Remembers what is sent only if asked to.
    pub(crate) fn new(body: B, keep: bool) -> Self {
        Self {
            body,
            kept: keep.then(Vec::new),
            kept_bytes: 0,
            replayed: 0,
            ahead: None,
        }
    }

    /// The first data, for those who must look at it before a server is chosen;
    /// nothing if there is none.
    pub(crate) fn poll_peek(&mut self, cx: &mut Context<'_>) -> Poll<Result<&[u8], B::Error>> {
        if self.ahead.is_none() && !self.body.is_end_stream() {
            let frame = ready!(Pin::new(&mut self.body).poll_frame(cx)).transpose()?;
            self.ahead = frame.map(Box::new);
        }
        let data = self.ahead.as_deref().and_then(Frame::data_ref);
        Poll::Ready(Ok(data.map_or(&[], |data| data)))
    }

    /// Back to the beginning; `false` if it can no longer be sent whole.
    pub(crate) fn rewind(&mut self) -> bool {
        self.replayed = 0;
        self.kept.is_some()
    }

    /// Would [`rewind`](Self::rewind) succeed?
    pub(crate) fn may_rewind(&self) -> bool {
        self.kept.is_some()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.body.is_end_stream()
            && self.ahead.is_none()
            && self.kept.as_ref().is_none_or(Vec::is_empty)
    }

    /// The length of the whole body, where it is known.
    pub(crate) fn exact_length(&self) -> Option<u64> {
        let rest = self.body.size_hint().exact()?;
        let ahead = self.ahead.as_deref().and_then(Frame::data_ref);
        Some(rest + (self.kept_bytes + ahead.map_or(0, Bytes::len)) as u64)
    }

    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if let Some(data) = self.kept.as_ref().and_then(|kept| kept.get(self.replayed)) {
            self.replayed += 1;
            return Poll::Ready(Some(Ok(Frame::data(data.clone()))));
        }
        let frame = match self.ahead.take() {
            Some(frame) => Some(Ok(*frame)),
            None if self.body.is_end_stream() => return Poll::Ready(None),
            None => ready!(Pin::new(&mut self.body).poll_frame(cx)),
        };
        match (&frame, &mut self.kept) {
            (Some(Ok(frame)), Some(kept)) => match frame.data_ref() {
                Some(data) if self.kept_bytes + data.len() <= REPLAY_LIMIT => {
                    self.kept_bytes += data.len();
                    self.replayed += 1;
                    kept.push(data.clone());
                }
                // Too much to keep, or trailers, which are not kept.
                _ => self.kept = None,
            },
            (Some(Err(_)), _) => self.kept = None,
            _ => {}
        }
        Poll::Ready(frame)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use http_body_util::{BodyExt, Full, StreamBody};

    use super::*;

    async fn read<B: Body<Data = Bytes> + Unpin>(body: &mut RequestBody<B>) -> Vec<u8>
    where
        B::Error: std::fmt::Debug,
    {
        let mut all = Vec::new();
        while let Some(frame) = poll_fn(|cx| body.poll_frame(cx)).await {
            all.extend(frame.unwrap().into_data().unwrap());
        }
        all
    }

    #[tokio::test]
    async fn a_small_body_can_be_sent_again_and_again() {
        let mut body = RequestBody::new(Full::new(Bytes::from("hello")), true);
        assert_eq!(body.exact_length(), Some(5));
        for _ in 0..3 {
            assert_eq!(read(&mut body).await, b"hello");
            assert!(body.rewind());
            assert_eq!(body.exact_length(), Some(5));
        }
    }

    #[tokio::test]
    async fn a_large_one_cannot() {
        let frames = (0..3).map(|_| Ok::<_, ()>(Frame::data(Bytes::from(vec![0; 8 * 1024]))));
        let body = StreamBody::new(Frames(frames.collect())).boxed();
        let mut body = RequestBody::new(body, true);
        assert_eq!(read(&mut body).await.len(), 24 * 1024);
        assert!(!body.rewind());
    }

    struct Frames(std::collections::VecDeque<Result<Frame<Bytes>, ()>>);

    impl futures_core::Stream for Frames {
        type Item = Result<Frame<Bytes>, ()>;
        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            Poll::Ready(self.0.pop_front())
        }
    }
}
