//! Heads and chunks as they go out.
//!
//! Everything is written anew from what was understood, in this proxy's own
//! version, so that nothing ambiguous of one side reaches the other.

use std::io::Write;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::{io::Output, response::Reason};

/// Room for most heads, taken at once.
pub(crate) const HEAD_CAPACITY: usize = 1024;

/// How a message that goes out is delimited.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Encoder {
    /// Plain, of a length the head states, so many bytes of which are to come.
    Exact(u64),
    /// In chunks.
    Chunked,
    /// Plain, ended by closing the connection.
    UntilClose,
    /// Nothing more is to come.
    Ended,
}

impl Encoder {
    /// Has [`end`](Self::end) been called?
    pub(crate) fn is_ended(self) -> bool {
        self == Self::Ended
    }

    /// Adds a piece of body. An overlong one is cut to the stated length.
    pub(crate) fn data(&mut self, mut frame: Bytes, output: &mut Output) {
        match self {
            Self::UntilClose => output.push(frame, b""),
            Self::Exact(left) => {
                frame.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= frame.len() as u64;
                output.push(frame, b"");
            }
            // An empty chunk would end the body.
            Self::Chunked if frame.is_empty() => {}
            Self::Ended => debug_assert!(frame.is_empty(), "data after the end"),
            Self::Chunked => {
                write_hex(output.head(), frame.len());
                output.push(frame, b"\r\n");
            }
        }
    }

    /// Ends the body. `false` if fewer bytes came than were stated, so that the
    /// connection must be closed for the recipient to see it.
    pub(crate) fn end(&mut self, trailers: Option<&HeaderMap>, output: &mut Output) -> bool {
        match std::mem::replace(self, Self::Ended) {
            Self::Exact(left) => left == 0,
            Self::UntilClose | Self::Ended => true,
            Self::Chunked => {
                let head = output.head();
                head.extend_from_slice(b"0\r\n");
                for (name, value) in trailers.into_iter().flatten() {
                    field(head, name, value);
                }
                head.extend_from_slice(b"\r\n");
                true
            }
        }
    }
}

fn write_hex(head: &mut Vec<u8>, length: usize) {
    // Writing to a Vec cannot fail.
    let _ = write!(head, "{length:x}\r\n");
}

/// `name: value CRLF`.
pub(crate) fn field(head: &mut Vec<u8>, name: &HeaderName, value: &HeaderValue) {
    let (name, value) = (name.as_str().as_bytes(), value.as_bytes());
    head.reserve(name.len() + value.len() + 4);
    head.extend_from_slice(name);
    head.extend_from_slice(b": ");
    head.extend_from_slice(value);
    head.extend_from_slice(b"\r\n");
}

/// `content-length: N CRLF`.
pub(crate) fn content_length(head: &mut Vec<u8>, length: u64) {
    head.extend_from_slice(b"content-length: ");
    head.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
    head.extend_from_slice(b"\r\n");
}

/// `HTTP/1.1 status reason CRLF`.
pub(crate) fn status_line(head: &mut Vec<u8>, status: StatusCode, reason: Option<&Reason>) {
    head.extend_from_slice(b"HTTP/1.1 ");
    head.extend_from_slice(status.as_str().as_bytes());
    head.push(b' ');
    match reason {
        Some(Reason(reason)) => head.extend_from_slice(reason),
        None => head.extend_from_slice(status.canonical_reason().unwrap_or("").as_bytes()),
    }
    head.extend_from_slice(b"\r\n");
}

/// A whole informational response.
pub(crate) fn informational(head: &mut Vec<u8>, status: StatusCode, headers: &HeaderMap) {
    status_line(head, status, None);
    for (name, value) in headers {
        field(head, name, value);
    }
    head.extend_from_slice(b"\r\n");
}
