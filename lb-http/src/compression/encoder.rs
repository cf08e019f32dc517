//! A compressor that is fed and emptied piece by piece.

use std::{
    fmt,
    io::{self, Write},
    mem,
    sync::Arc,
};

use brotli::{CompressorWriter, enc::BrotliEncoderParams};
use bytes::Bytes;
use flate2::write::GzEncoder;

use super::{
    Coding, Meter,
    meter::{Counted, Counts},
};

/// What a compressor may hold back before it is emptied.
const BUFFER: usize = 16 * 1024;

/// Levels at which a response on its way costs about as much time as gzip's usual one.
const GZIP: u32 = 5;
const BROTLI: i32 = 4;
const ZSTD: i32 = 3;

/// For brotli, 256 KiB of what came before: more is memory of every response for little.
const BROTLI_WINDOW: i32 = 18;

/// Compresses the body of one response.
pub struct Encoder {
    stream: Stream,
    counts: Counts,
}

enum Stream {
    Gzip(GzEncoder<Vec<u8>>),
    Brotli(Box<CompressorWriter<Vec<u8>>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

impl Encoder {
    /// `None` if the compressor cannot be had, for want of memory.
    pub(super) fn new(coding: Coding, totals: &Arc<Counted>) -> Option<Self> {
        let out = Vec::new();
        let stream = match coding {
            Coding::Gzip => Stream::Gzip(GzEncoder::new(out, flate2::Compression::new(GZIP))),
            Coding::Brotli => {
                let parameters = BrotliEncoderParams {
                    quality: BROTLI,
                    lgwin: BROTLI_WINDOW,
                    ..BrotliEncoderParams::default()
                };
                Stream::Brotli(Box::new(CompressorWriter::with_params(
                    out,
                    4096,
                    &parameters,
                )))
            }
            Coding::Zstd => Stream::Zstd(zstd::stream::write::Encoder::new(out, ZSTD).ok()?),
        };
        Some(Self {
            stream,
            counts: Counts::begin(totals),
        })
    }

    /// What is counted of this response.
    #[must_use]
    pub fn meter(&self) -> Meter {
        self.counts.meter()
    }

    /// Takes in more of the body.
    ///
    /// # Errors
    /// Those of the compressor, which has none for sound memory.
    pub fn push(&mut self, data: &[u8]) -> io::Result<()> {
        self.counts.takes(data.len());
        match &mut self.stream {
            Stream::Gzip(stream) => stream.write_all(data),
            Stream::Brotli(stream) => stream.write_all(data),
            Stream::Zstd(stream) => stream.write_all(data),
        }
    }

    /// What is ready to be sent, if it is much.
    pub fn full(&mut self) -> Option<Bytes> {
        (self.out().len() >= BUFFER).then(|| self.take())
    }

    /// All that has been taken in: the receiver can read it without what follows.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn flush(&mut self) -> io::Result<Bytes> {
        match &mut self.stream {
            Stream::Gzip(stream) => stream.flush()?,
            Stream::Brotli(stream) => stream.flush()?,
            Stream::Zstd(stream) => stream.flush()?,
        }
        Ok(self.take())
    }

    /// The end of the body.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn finish(self) -> io::Result<Bytes> {
        let Self { stream, counts } = self;
        let rest = match stream {
            Stream::Gzip(stream) => stream.finish()?,
            Stream::Brotli(stream) => stream.into_inner(),
            Stream::Zstd(stream) => stream.finish()?,
        };
        counts.gives(rest.len());
        Ok(rest.into())
    }

    fn out(&mut self) -> &mut Vec<u8> {
        match &mut self.stream {
            Stream::Gzip(stream) => stream.get_mut(),
            Stream::Brotli(stream) => stream.get_mut(),
            Stream::Zstd(stream) => stream.get_mut(),
        }
    }

    fn take(&mut self) -> Bytes {
        let ready = mem::take(self.out());
        self.counts.gives(ready.len());
        ready.into()
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder").finish_non_exhaustive()
    }
}
