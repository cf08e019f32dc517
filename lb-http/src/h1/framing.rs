//! How long a message's body is (RFC 9112 §6).

use http::{HeaderValue, Method, StatusCode, Version};

use super::fields::Framing;

/// How a body is delimited.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Length {
    /// So many bytes; 0 is "no body".
    Exact(u64),
    /// By chunks.
    Chunked,
    /// By the end of the connection; responses only.
    UntilClose,
}

/// All `Content-Length` field lines of a message.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) enum ContentLength {
    #[default]
    Absent,
    Valid(u64),
    Invalid,
}

impl ContentLength {
    /// Takes in one field line. Repeated equal values count as one, as §6.3
    /// allows; anything else but digits makes the message invalid.
    pub(crate) fn add(&mut self, value: &HeaderValue) {
        for item in value.as_bytes().split(|&b| b == b',') {
            *self = match (*self, parse_digits(item.trim_ascii())) {
                (Self::Absent, Some(length)) => Self::Valid(length),
                (Self::Valid(before), Some(length)) if before == length => Self::Valid(length),
                _ => Self::Invalid,
            };
        }
    }
}

fn parse_digits(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |sum, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    })
}

/// All `Transfer-Encoding` field lines of a message.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) enum TransferEncoding {
    #[default]
    Absent,
    /// Just `chunked`.
    Chunked,
    /// Codings that are not understood, then `chunked`.
    UnknownThenChunked,
    /// The last one is not `chunked`.
    Unended,
    /// Something follows `chunked`.
    Repeated,
}

impl TransferEncoding {
    /// Takes in one field line.
    pub(crate) fn add(&mut self, value: &HeaderValue) {
        for item in value.as_bytes().split(|&b| b == b',') {
            let chunked = item.trim_ascii().eq_ignore_ascii_case(b"chunked");
            *self = match (*self, chunked) {
                (Self::Absent, true) => Self::Chunked,
                // One coding that is not `chunked` yet; what follows decides.
                (Self::Unended, true) => Self::UnknownThenChunked,
                (Self::Chunked | Self::UnknownThenChunked | Self::Repeated, _) => Self::Repeated,
                (Self::Absent | Self::Unended, false) => Self::Unended,
            };
        }
    }
}

/// Why a request's framing is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FramingError {
    /// 400: it could be read in more than one way.
    Ambiguous(&'static str),
    /// 501: a transfer coding that is not understood.
    UnknownCoding,
}

/// The body of a request. Ambiguity is refused, never resolved: what one
/// recipient takes for a body, the next may take for another request.
pub(crate) fn request_length(framing: &Framing, version: Version) -> Result<Length, FramingError> {
    use FramingError::{Ambiguous, UnknownCoding};
    match (framing.transfer_encoding, framing.content_length) {
        (TransferEncoding::Absent, ContentLength::Absent) => Ok(Length::Exact(0)),
        (TransferEncoding::Absent, ContentLength::Valid(length)) => Ok(Length::Exact(length)),
        (_, ContentLength::Invalid) => Err(Ambiguous("invalid Content-Length")),
        (_, ContentLength::Valid(_)) => Err(Ambiguous("both Content-Length and Transfer-Encoding")),
        _ if version == Version::HTTP_10 => Err(Ambiguous("Transfer-Encoding in HTTP/1.0")),
        (TransferEncoding::Chunked, ContentLength::Absent) => Ok(Length::Chunked),
        (TransferEncoding::UnknownThenChunked, ContentLength::Absent) => Err(UnknownCoding),
        (TransferEncoding::Unended | TransferEncoding::Repeated, ContentLength::Absent) => {
            Err(Ambiguous("Transfer-Encoding does not end in one chunked"))
        }
    }
}

/// The body of a response, and whether its connection can be used after it.
/// `None` if the framing is faulty, so that the response cannot be trusted.
pub(crate) fn response_length(
    framing: &Framing,
    version: Version,
    method: &Method,
    status: StatusCode,
) -> Option<(Length, bool)> {
    if *method == Method::HEAD
        || status.is_informational()
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED
    {
        return Some((Length::Exact(0), true));
    }
    match (framing.transfer_encoding, framing.content_length) {
        (TransferEncoding::Absent, ContentLength::Absent) => Some((Length::UntilClose, false)),
        (TransferEncoding::Absent, ContentLength::Valid(length)) => {
            Some((Length::Exact(length), true))
        }
        (TransferEncoding::Absent, ContentLength::Invalid) => None,
        _ if version == Version::HTTP_10 => None,
        // §6.1: the length goes, and so does the trust in the connection.
        (TransferEncoding::Chunked, length) => {
            Some((Length::Chunked, length == ContentLength::Absent))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framing(lengths: &[&'static str], codings: &[&'static str]) -> Framing {
        let mut framing = Framing::default();
        for value in lengths {
            framing.content_length.add(&HeaderValue::from_static(value));
        }
        for value in codings {
            framing
                .transfer_encoding
                .add(&HeaderValue::from_static(value));
        }
        framing
    }

    #[test]
    fn requests_of_one_reading_are_taken() {
        let length = |l: &[&'static str], t: &[&'static str]| {
            request_length(&framing(l, t), Version::HTTP_11).ok()
        };
        assert_eq!(length(&[], &[]), Some(Length::Exact(0)));
        assert_eq!(length(&["5"], &[]), Some(Length::Exact(5)));
        assert_eq!(length(&["5", "5, 5"], &[]), Some(Length::Exact(5)));
        assert_eq!(length(&[], &["Chunked"]), Some(Length::Chunked));
    }

    #[test]
    fn ambiguous_requests_are_refused() {
        for (lengths, codings) in [
            (&["5", "6"][..], &[][..]),
            (&["+5"], &[]),
            (&["-1"], &[]),
            (&["0x5"], &[]),
            (&[""], &[]),
            (&["5,"], &[]),
            (&["99999999999999999999"], &[]),
            (&["5"], &["chunked"]),
            (&[], &["chunked, chunked"]),
            (&[], &["chunked", "chunked"]),
            (&[], &["chunked, gzip"]),
            (&[], &["identity"]),
            (&[], &["xchunked"]),
            (&[], &[""]),
        ] {
            let result = request_length(&framing(lengths, codings), Version::HTTP_11);
            assert!(
                matches!(result, Err(FramingError::Ambiguous(_))),
                "{lengths:?} {codings:?} {result:?}"
            );
        }
        assert_eq!(
            request_length(&framing(&[], &["gzip, chunked"]), Version::HTTP_11),
            Err(FramingError::UnknownCoding)
        );
        assert!(request_length(&framing(&[], &["chunked"]), Version::HTTP_10).is_err());
    }

    #[test]
    fn responses_by_method_and_status() {
        let chunked = framing(&["5"], &["chunked"]);
        let get = |framing: &Framing, status| {
            response_length(framing, Version::HTTP_11, &Method::GET, status)
        };
        assert_eq!(
            get(&chunked, StatusCode::OK),
            Some((Length::Chunked, false)),
            "both: the coding wins, and the connection is not used again"
        );
        assert_eq!(
            get(&framing(&["5"], &[]), StatusCode::NOT_MODIFIED),
            Some((Length::Exact(0), true))
        );
        assert_eq!(
            get(&framing(&[], &[]), StatusCode::OK),
            Some((Length::UntilClose, false))
        );
        assert_eq!(get(&framing(&["1", "2"], &[]), StatusCode::OK), None);
    }
}
