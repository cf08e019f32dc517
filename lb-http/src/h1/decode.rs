//! Bodies as they come in (RFC 9112 §6 and §7).

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::{fields::is_hop_by_hop, framing::Length};

/// The longest line of a chunk size with its extensions.
const MAX_CHUNK_LINE: usize = 4 * 1024;

/// The largest trailer section.
const MAX_TRAILERS: usize = 16 * 1024;

/// Decodes one body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Decoder {
    /// So many bytes are still to come.
    Exact(u64),
    /// Everything up to the end of the stream.
    UntilClose,
    /// In chunks.
    Chunked(Chunked),
    /// All has come.
    Done,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Chunked {
    /// Before the size of a chunk.
    Size,
    /// Inside a chunk, so many bytes before its end.
    Data(u64),
    /// Before the line end that closes a chunk.
    DataEnd,
    /// After the last chunk.
    Trailers,
}

/// What a step of decoding gives.
#[derive(Debug)]
pub(crate) enum Piece {
    Data(Bytes),
    Trailers(HeaderMap),
    End,
}

/// The body is not what its head promised.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct BadBody(pub(crate) &'static str);

impl Decoder {
    pub(crate) fn new(length: Length) -> Self {
        match length {
            Length::Exact(0) => Self::Done,
            Length::Exact(length) => Self::Exact(length),
            Length::Chunked => Self::Chunked(Chunked::Size),
            Length::UntilClose => Self::UntilClose,
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        *self == Self::Done
    }

    /// Bytes still to come, where that is known.
    pub(crate) fn remaining(&self) -> Option<u64> {
        match self {
            Self::Exact(left) => Some(*left),
            Self::Done => Some(0),
            Self::UntilClose | Self::Chunked(_) => None,
        }
    }

    /// May the stream end here without the body being cut short?
    pub(crate) fn may_end(&self) -> bool {
        matches!(self, Self::UntilClose | Self::Done)
    }

    /// Takes the next piece off the front of `input`; `None` if there is not
    /// enough of it yet.
    pub(crate) fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Piece>, BadBody> {
        match self {
            Self::Done => Ok(Some(Piece::End)),
            _ if input.is_empty() => Ok(None),
            Self::UntilClose => Ok(Some(Piece::Data(input.split().freeze()))),
            Self::Exact(left) => {
                let data = take(input, left);
                if *left == 0 {
                    *self = Self::Done;
                }
                Ok(Some(Piece::Data(data)))
            }
            Self::Chunked(state) => {
                let piece = state.decode(input)?;
                if matches!(piece, Some(Piece::Trailers(_) | Piece::End)) {
                    *self = Self::Done;
                }
                Ok(piece)
            }
        }
    }
}

impl Chunked {
    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Piece>, BadBody> {
        loop {
            match self {
                Self::Size => {
                    let Some(end) = memchr::memchr(b'\n', input) else {
                        return match input.len() > MAX_CHUNK_LINE {
                            true => Err(BadBody("chunk size line too long")),
                            false => Ok(None),
                        };
                    };
                    let size = chunk_size(&input[..=end])?;
                    input.advance(end + 1);
                    *self = match size {
                        0 => Self::Trailers,
                        size => Self::Data(size),
                    };
                }
                Self::Data(left) => {
                    if input.is_empty() {
                        return Ok(None);
                    }
                    let data = take(input, left);
                    if *left == 0 {
                        *self = Self::DataEnd;
                    }
                    return Ok(Some(Piece::Data(data)));
                }
                Self::DataEnd => match &input[..] {
                    [b'\r', b'\n', ..] => {
                        input.advance(2);
                        *self = Self::Size;
                    }
                    [] | [b'\r'] => return Ok(None),
                    _ => return Err(BadBody("chunk longer than its size")),
                },
                Self::Trailers => return trailers(input),
            }
        }
    }
}

/// As much of `left` as is there.
fn take(input: &mut BytesMut, left: &mut u64) -> Bytes {
    let available = usize::try_from(*left)
        .unwrap_or(usize::MAX)
        .min(input.len());
    *left -= available as u64;
    input.split_to(available).freeze()
}

/// `1*HEXDIG [ chunk-ext ] CRLF`; blanks may stand before an extension or the
/// line end, a bare carriage return or another control nowhere.
fn chunk_size(line: &[u8]) -> Result<u64, BadBody> {
    const INVALID: BadBody = BadBody("invalid chunk size");
    if line.len() > MAX_CHUNK_LINE {
        return Err(BadBody("chunk size line too long"));
    }
    let line = line.strip_suffix(b"\r\n").ok_or(INVALID)?;
    let digits = line.iter().take_while(|b| b.is_ascii_hexdigit()).count();
    let zeros = line.iter().take_while(|&&b| b == b'0').count();
    // 16 digits that count are 64 bits: no overflow below.
    if digits == 0 || digits - zeros > 16 {
        return Err(INVALID);
    }
    let extension = &line[digits..];
    let blanks = extension
        .iter()
        .take_while(|b| matches!(b, b' ' | b'\t'))
        .count();
    match &extension[blanks..] {
        [] => {}
        [b';', rest @ ..] if rest.iter().all(|&b| b == b'\t' || (b >= b' ' && b != 0x7f)) => {}
        _ => return Err(INVALID),
    }
    let size = line[..digits].iter().fold(0_u64, |size, digit| {
        let digit = char::from(*digit).to_digit(16).unwrap_or(0);
        (size << 4) | u64::from(digit)
    });
    // Nothing that long exists; it would overflow sums further on.
    (size <= i64::MAX as u64).then_some(size).ok_or(INVALID)
}

fn trailers(input: &mut BytesMut) -> Result<Option<Piece>, BadBody> {
    const INVALID: BadBody = BadBody("invalid trailer section");
    match &input[..] {
        [b'\r', b'\n', ..] => {
            input.advance(2);
            return Ok(Some(Piece::End));
        }
        [] | [b'\r'] => return Ok(None),
        _ => {}
    }
    let mut storage = [httparse::EMPTY_HEADER; 64];
    let (length, map) = match httparse::parse_headers(input, &mut storage) {
        Ok(httparse::Status::Complete((length, fields))) => {
            let mut map = HeaderMap::with_capacity(fields.len());
            for field in fields {
                let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| INVALID)?;
                let value = HeaderValue::from_bytes(field.value).map_err(|_| INVALID)?;
                if may_trail(&name) {
                    map.append(name, value);
                }
            }
            (length, map)
        }
        Ok(httparse::Status::Partial) if input.len() < MAX_TRAILERS => return Ok(None),
        _ => return Err(INVALID),
    };
    input.advance(length);
    Ok(Some(Piece::Trailers(map)))
}

/// RFC 9110 §6.5.1: fields that frame, route, authenticate or control a request
/// must not come after the body, where nobody who decided saw them.
fn may_trail(name: &HeaderName) -> bool {
    !is_hop_by_hop(name)
        && ![
            header::CONTENT_LENGTH,
            header::HOST,
            header::AUTHORIZATION,
            header::PROXY_AUTHORIZATION,
            header::COOKIE,
            header::SET_COOKIE,
            header::CONTENT_ENCODING,
            header::CONTENT_TYPE,
            header::CONTENT_RANGE,
            header::CACHE_CONTROL,
            header::EXPECT,
            header::MAX_FORWARDS,
            header::RANGE,
            header::TRAILER,
        ]
        .contains(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Body, trailers and what is left.
    type Decoded = (Vec<u8>, HeaderMap, Vec<u8>);

    /// Feeds `bytes` in pieces of `step`.
    fn decode(bytes: &[u8], step: usize) -> Result<Option<Decoded>, BadBody> {
        let mut decoder = Decoder::new(Length::Chunked);
        let mut input = BytesMut::new();
        let mut body = Vec::new();
        let mut chunks = bytes.chunks(step.max(1));
        loop {
            match decoder.decode(&mut input)? {
                Some(Piece::Data(data)) => body.extend_from_slice(&data),
                Some(Piece::Trailers(map)) => {
                    input.extend(chunks.flatten());
                    return Ok(Some((body, map, input.to_vec())));
                }
                Some(Piece::End) => {
                    input.extend(chunks.flatten());
                    return Ok(Some((body, HeaderMap::new(), input.to_vec())));
                }
                None => match chunks.next() {
                    Some(more) => input.extend_from_slice(more),
                    None => return Ok(None),
                },
            }
        }
    }

    #[test]
    fn chunks_split_anywhere() {
        let bytes =
            b"5;a=b\r\nhello\r\n6 \r\n world\r\n0\r\nX-T: 1\r\nContent-Length: 9\r\n\r\nnext";
        for step in 1..bytes.len() {
            let (body, trailers, rest) = decode(bytes, step).unwrap().unwrap();
            assert_eq!(body, b"hello world");
            assert_eq!(trailers.len(), 1, "the length must not trail");
            assert_eq!(rest, b"next");
        }
    }

    #[test]
    fn faulty_chunks_are_refused() {
        for bytes in [
            "x\r\n",
            "\r\n",
            "-1\r\n",
            "+1\r\n",
            "0x1\r\n",
            "5\nhello",
            "5\r\r\nhello",
            "1 1\r\n",
            "10000000000000000\r\n",
            "0000000000000000000010000000000000000\r\n",
            "ffffffffffffffff\r\n",
            "1\r\nab\r\n",
            "1;a\rb\r\n",
            "0\r\nno colon\r\n\r\n",
        ] {
            assert!(decode(bytes.as_bytes(), 64).is_err(), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..400),
            step in 1_usize..50,
        ) {
            let _ = decode(&bytes, step);
        }
    }
}
