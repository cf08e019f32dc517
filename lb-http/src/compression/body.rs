//! A body that is compressed while it is read.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::Encoder;

pin_project! {
    /// A body as it is, or compressed.
    #[derive(Debug)]
    pub struct Body<B> {
        #[pin]
        inner: B,
        work: Work,
    }
}

/// Why a body breaks off.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError<E> {
    /// The body inside did.
    #[error(transparent)]
    Inner(E),
    /// It cannot be compressed, for want of memory.
    #[error("the response cannot be compressed")]
    Encoder(#[source] io::Error),
}

#[derive(Debug)]
enum Work {
    /// It is not compressed.
    None,
    Compress {
        encoder: Box<Encoder>,
        /// It holds data that has not been sent.
        holds: bool,
    },
    /// All data is out, and then these.
    Trailers(Option<Box<HeaderMap>>),
}

impl<B> Body<B> {
    /// The body as it is.
    pub fn plain(inner: B) -> Self {
        Self {
            inner,
            work: Work::None,
        }
    }

    /// The body, compressed.
    pub fn compressed(inner: B, encoder: Box<Encoder>) -> Self {
        Self {
            inner,
            work: Work::Compress {
                encoder,
                holds: false,
            },
        }
    }

    /// What is inside.
    pub fn get_ref(&self) -> &B {
        &self.inner
    }
}

impl<B> HttpBody for Body<B>
where
    B: HttpBody<Data = Bytes>,
{
    type Data = Bytes;
    type Error = BodyError<B::Error>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError<B::Error>>>> {
        let mut this = self.project();
        loop {
            let (encoder, holds) = match this.work {
                Work::None => {
                    let frame = ready!(this.inner.poll_frame(cx));
                    return Poll::Ready(frame.map(|frame| frame.map_err(BodyError::Inner)));
                }
                Work::Trailers(trailers) => {
                    return Poll::Ready(trailers.take().map(|all| Ok(Frame::trailers(*all))));
                }
                Work::Compress { encoder, holds } => (encoder, holds),
            };
            let frame = match this.inner.as_mut().poll_frame(cx) {
                Poll::Ready(frame) => frame,
                // Nothing that has come waits for what has not.
                Poll::Pending if *holds => {
                    *holds = false;
                    let ready = encoder.flush().map_err(BodyError::Encoder)?;
                    if ready.is_empty() {
                        return Poll::Pending;
                    }
                    return Poll::Ready(Some(Ok(Frame::data(ready))));
                }
                Poll::Pending => return Poll::Pending,
            };
            let trailers = match frame {
                Some(Err(error)) => return Poll::Ready(Some(Err(BodyError::Inner(error)))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        encoder.push(&data).map_err(BodyError::Encoder)?;
                        *holds = true;
                        match encoder.full() {
                            Some(ready) => return Poll::Ready(Some(Ok(Frame::data(ready)))),
                            None => continue,
                        }
                    }
                    Err(frame) => match frame.into_trailers() {
                        Ok(trailers) => Some(Box::new(trailers)),
                        Err(_) => continue,
                    },
                },
                None => None,
            };
            let work = std::mem::replace(this.work, Work::Trailers(trailers));
            if let Work::Compress { encoder, .. } = work {
                let rest = encoder.finish().map_err(BodyError::Encoder)?;
                if !rest.is_empty() {
                    return Poll::Ready(Some(Ok(Frame::data(rest))));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.work {
            Work::None => self.inner.is_end_stream(),
            Work::Compress { .. } => false,
            Work::Trailers(trailers) => trailers.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.work {
            Work::None => self.inner.size_hint(),
            _ => SizeHint::default(),
        }
    }
}
