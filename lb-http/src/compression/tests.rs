//! What is compressed, what is not, and that every byte comes back.

use std::{
    convert::Infallible,
    io::Read,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::{
    HeaderMap, HeaderValue, Request, Response, Version,
    header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, ETAG, VARY},
};
use http_body::{Body as HttpBody, Frame};
use http_body_util::{BodyExt, Full, StreamBody};
use proptest::prelude::*;

use super::{Body, Coding, Compression, encoder::Encoder};

const TEXT: &[u8] = b"All work and no play makes Jack a dull boy. ";

fn compression() -> Compression {
    Compression::new().gzip().brotli().zstd()
}

fn decode(coding: Coding, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match coding {
        Coding::Gzip => GzDecoder::new(data).read_to_end(&mut out).map(drop),
        Coding::Brotli => brotli::Decompressor::new(data, 4096)
            .read_to_end(&mut out)
            .map(drop),
        Coding::Zstd => zstd::stream::copy_decode(data, &mut out),
    }
    .unwrap();
    out
}

fn accepted(header: &str) -> Option<Coding> {
    let request = Request::get("/")
        .header(ACCEPT_ENCODING, header)
        .body(())
        .unwrap();
    compression().negotiate(&request)
}

#[test]
fn the_client_chooses_and_of_its_equals_the_first_offered_is_taken() {
    for (header, coding) in [
        ("gzip, deflate, br", Some(Coding::Gzip)),
        ("br;q=1.0, gzip;q=0.5", Some(Coding::Brotli)),
        ("zstd", Some(Coding::Zstd)),
        ("X-GZIP", Some(Coding::Gzip)),
        ("*", Some(Coding::Gzip)),
        ("gzip;q=0, *;q=0.1", Some(Coding::Brotli)),
        ("identity, gzip;q=0.5", None),
        ("gzip;q=0", None),
        ("deflate", None),
        ("gzip;q=a", None),
        ("", None),
    ] {
        assert_eq!(accepted(header), coding, "{header}");
    }
    let old = Request::get("/")
        .header(ACCEPT_ENCODING, "gzip")
        .version(Version::HTTP_10);
    assert_eq!(compression().negotiate(&old.body(()).unwrap()), None);
    let head = Request::head("/")
        .header(ACCEPT_ENCODING, "gzip")
        .body(())
        .unwrap();
    assert_eq!(compression().negotiate(&head), None);
}

/// The head after [`Compression::begin`], if it was for that.
fn begun(fields: &[(&str, &str)], status: u16, length: Option<u64>) -> Option<HeaderMap> {
    let mut response = Response::builder().status(status);
    for (name, value) in fields {
        response = response.header(*name, *value);
    }
    let (mut head, ()) = response.body(()).unwrap().into_parts();
    let encoder = compression().begin(Coding::Gzip, &mut head, length);
    assert_eq!(
        encoder.is_some(),
        head.headers
            .get(CONTENT_ENCODING)
            .is_some_and(|v| v == "gzip")
    );
    encoder.map(|_| head.headers)
}

#[test]
fn what_haproxy_does_not_compress_stays_as_it_is() {
    let text = ("content-type", "text/html; charset=utf-8");
    let big = Some(1000);
    assert!(begun(&[text], 200, big).is_some());
    assert!(begun(&[("content-type", "Text/CSS")], 203, None).is_some());
    for (fields, status, length) in [
        (vec![text], 206, big),
        (vec![text], 404, big),
        (vec![text], 200, Some(100)),
        (vec![], 200, big),
        (vec![("content-type", "image/png")], 200, big),
        (vec![("content-type", "multipart/mixed")], 200, big),
        (vec![text, ("content-encoding", "br")], 200, big),
        (
            vec![text, ("cache-control", "private, No-Transform")],
            200,
            big,
        ),
        (vec![text, ("etag", "\"a\""), ("etag", "\"b\"")], 200, big),
        (vec![text, ("etag", "a")], 200, big),
    ] {
        assert!(
            begun(&fields, status, length).is_none(),
            "{fields:?} {status} {length:?}"
        );
    }
}

#[test]
fn the_head_tells_of_it() {
    let fields = [
        ("content-type", "text/html"),
        ("content-length", "1000"),
        ("accept-ranges", "bytes"),
        ("etag", "\"v1\""),
        ("vary", "cookie"),
    ];
    let headers = begun(&fields, 200, Some(1000)).unwrap();
    assert_eq!(headers[ETAG], "W/\"v1\"");
    assert!(!headers.contains_key(CONTENT_LENGTH) && !headers.contains_key("accept-ranges"));
    let vary: Vec<&HeaderValue> = headers.get_all(VARY).iter().collect();
    assert_eq!(vary, ["cookie", "Accept-Encoding"]);
    let weak = [("content-type", "text/html"), ("etag", "W/\"v1\"")];
    assert_eq!(begun(&weak, 200, None).unwrap()[ETAG], "W/\"v1\"");
}

#[tokio::test]
async fn trailers_follow_the_last_byte() {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", HeaderValue::from_static("1"));
    let frames = [
        Ok::<_, Infallible>(Frame::data(Bytes::from_static(TEXT))),
        Ok(Frame::trailers(trailers.clone())),
    ];
    let inner = StreamBody::new(futures_util_stream(frames));
    let encoder = Encoder::new(Coding::Gzip, &compression().settings.totals).unwrap();
    let collected = Body::compressed(inner, Box::new(encoder))
        .collect()
        .await
        .unwrap();
    assert_eq!(collected.trailers(), Some(&trailers));
    assert_eq!(decode(Coding::Gzip, &collected.to_bytes()), TEXT);
}

/// Frames, and a pause after each.
struct Pausing<I>(I, bool);

fn futures_util_stream<I: Iterator + Unpin>(frames: impl IntoIterator<IntoIter = I>) -> Pausing<I> {
    Pausing(frames.into_iter(), false)
}

impl<I: Iterator + Unpin> futures_core::Stream for Pausing<I> {
    type Item = I::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<I::Item>> {
        if std::mem::replace(&mut self.1, false) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.1 = true;
        Poll::Ready(self.0.next())
    }
}

#[test]
fn what_has_come_can_be_read_before_the_rest() {
    for coding in [Coding::Gzip, Coding::Brotli, Coding::Zstd] {
        let frames =
            [TEXT, TEXT].map(|text| Ok::<_, Infallible>(Frame::data(Bytes::from_static(text))));
        let inner = StreamBody::new(futures_util_stream(frames));
        let encoder = Encoder::new(coding, &compression().settings.totals).unwrap();
        let mut body = Box::pin(Body::compressed(inner, Box::new(encoder)));
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let Poll::Ready(Some(Ok(first))) = body.as_mut().poll_frame(&mut cx) else {
            panic!("{coding:?} holds back what has come");
        };
        let data = first.into_data().unwrap();
        let mut out = vec![0; TEXT.len()];
        match coding {
            Coding::Gzip => GzDecoder::new(&*data).read_exact(&mut out),
            Coding::Brotli => brotli::Decompressor::new(&*data, 4096).read_exact(&mut out),
            Coding::Zstd => zstd::stream::read::Decoder::new(&*data)
                .unwrap()
                .read_exact(&mut out),
        }
        .unwrap();
        assert_eq!(out, TEXT, "{coding:?}");
    }
}

#[tokio::test]
async fn totals_are_of_all_responses() {
    let compression = compression();
    for _ in 0..2 {
        let encoder = Encoder::new(Coding::Zstd, &compression.settings.totals).unwrap();
        let inner = Full::new(Bytes::from(TEXT.repeat(100)));
        Body::compressed(inner, Box::new(encoder))
            .collect()
            .await
            .unwrap();
    }
    let totals = compression.totals();
    assert_eq!(
        (totals.responses, totals.bytes_in),
        (2, 200 * TEXT.len() as u64)
    );
    assert!(
        totals.bytes_out > 0 && totals.bytes_out < 1000,
        "{totals:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn every_byte_comes_back(
        pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40_000), 0..6),
        which in 0..3usize,
    ) {
        let coding = [Coding::Gzip, Coding::Brotli, Coding::Zstd][which];
        let whole: Vec<u8> = pieces.concat();
        let frames = pieces.into_iter().map(|p| Ok::<_, Infallible>(Frame::data(Bytes::from(p))));
        let inner = StreamBody::new(futures_util_stream(frames.collect::<Vec<_>>()));
        let encoder = Encoder::new(coding, &compression().settings.totals).unwrap();
        let body = Body::compressed(inner, Box::new(encoder));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let collected = runtime.block_on(body.collect()).unwrap().to_bytes();
        prop_assert_eq!(decode(coding, &collected), whole);
    }
}
