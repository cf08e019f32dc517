//! Where the bytes of a head are wrong: for people, long after they were refused.
//!
//! HAProxy: `error at position` of `show errors`.

use std::mem::MaybeUninit;

use bytes::Bytes;

use super::request::MAX_FIELDS;

/// As much as is kept of what was refused: HAProxy's buffer.
const KEPT: usize = 16 * 1024;

/// A copy that does not keep the buffer of a connection.
pub(crate) fn copy(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(&bytes[..bytes.len().min(KEPT)])
}

/// The place in `bytes`, from 0, of what makes them no request; where that cannot be told their length.
pub fn of_request(bytes: &[u8]) -> usize {
    let is_wrong = |bytes: &[u8]| {
        let mut storage = [const { MaybeUninit::uninit() }; MAX_FIELDS];
        let mut request = httparse::Request::new(&mut []);
        let read = request.parse_with_uninit_headers(bytes, &mut storage);
        read.is_err()
    };
    if let Some(at) = first_wrong(bytes, is_wrong) {
        // A target that is no text is found out at its end.
        let ends = |b: &u8| matches!(b, b'\r' | b'\n');
        let mut line = bytes.iter().take_while(|b| !ends(b));
        let hidden = line.position(|b| !(b' '..=b'~').contains(b));
        return hidden.map_or(at, |hidden| hidden.min(at));
    }
    let mut storage = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut request = httparse::Request::new(&mut storage);
    let Ok(httparse::Status::Complete(length)) = request.parse(bytes) else {
        return bytes.len();
    };
    let target = request.path.unwrap_or_default();
    let hidden = |b: &u8| *b == b'#' || !(0x21..=0x7e).contains(b);
    if let Some(at) = target.as_bytes().iter().position(hidden) {
        return place(bytes, target.as_bytes()) + at;
    }
    of_fields(bytes, request.headers).unwrap_or(length)
}

/// The same for a response.
pub fn of_response(bytes: &[u8]) -> usize {
    let mut config = httparse::ParserConfig::default();
    config
        .allow_spaces_after_header_name_in_responses(true)
        .allow_obsolete_multiline_headers_in_responses(true);
    let is_wrong = |bytes: &[u8]| {
        let mut storage = [const { MaybeUninit::uninit() }; MAX_FIELDS];
        let mut response = httparse::Response::new(&mut []);
        let read = config.parse_response_with_uninit_headers(&mut response, bytes, &mut storage);
        read.is_err()
    };
    if let Some(at) = first_wrong(bytes, is_wrong) {
        return at;
    }
    let mut storage = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut response = httparse::Response::new(&mut storage);
    match config.parse_response(&mut response, bytes) {
        Ok(httparse::Status::Complete(length)) => {
            of_fields(bytes, response.headers).unwrap_or(length)
        }
        _ => bytes.len(),
    }
}

/// The last byte of the shortest beginning that is wrong: what follows it mends nothing.
fn first_wrong(bytes: &[u8], is_wrong: impl Fn(&[u8]) -> bool) -> Option<usize> {
    if !is_wrong(bytes) {
        return None;
    }
    let (mut right, mut wrong) = (0, bytes.len());
    while wrong - right > 1 {
        let middle = right.midpoint(wrong);
        match is_wrong(&bytes[..middle]) {
            true => wrong = middle,
            false => right = middle,
        }
    }
    Some(wrong - 1)
}

/// The value of the field that contradicts one before it, or that frames the message and cannot be right.
fn of_fields(bytes: &[u8], fields: &[httparse::Header<'_>]) -> Option<usize> {
    let named = |name: &str| {
        let mut found = fields.iter().rev();
        found.find(|field| field.name.eq_ignore_ascii_case(name))
    };
    let count = |name: &str| {
        let same = |field: &&httparse::Header<'_>| field.name.eq_ignore_ascii_case(name);
        fields.iter().filter(same).count()
    };
    let length = named("content-length").filter(|length| {
        let is_number = !length.value.is_empty() && length.value.iter().all(u8::is_ascii_digit);
        !is_number || count("content-length") > 1
    });
    let host = named("host");
    let several = host.filter(|_| count("host") > 1);
    let field = several.or(length).or(named("transfer-encoding")).or(host)?;
    Some(place(bytes, field.value))
}

fn place(bytes: &[u8], part: &[u8]) -> usize {
    (part.as_ptr() as usize)
        .saturating_sub(bytes.as_ptr() as usize)
        .min(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Observed: where HAProxy finds these wrong.
    #[test]
    fn it_is_where_haproxy_sees_it() {
        let requests: [(&[u8], usize); 10] = [
            (b"FOO bar\r\n\r\n", 7),
            (b"GET / HTTP/1.1\r\nhost: a\r\nb@d hdr: 1\r\n\r\n", 26),
            (b"GET / HTTP/1.1\r\nhost: a\r\nx : y\r\n\r\n", 26),
            (b"GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", 31),
            (
                b"GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
                60,
            ),
            (
                b"GET / HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n",
                41,
            ),
            (b"GET /a b HTTP/1.1\r\nhost: a\r\n\r\n", 7),
            (b"\x16\x03\x01\x02\r\n\r\n", 0),
            (b"GET /\xff HTTP/1.1\r\nhost: a\r\n\r\n", 5),
            (b"GET /aaa", 8),
        ];
        for (request, at) in requests {
            let text = String::from_utf8_lossy(request);
            assert_eq!(of_request(request), at, "{text}");
        }
        let response = b"HTTP/1.1 200 OK\r\nfoo: 1\r\nb@d h: 1\r\n\r\n";
        assert_eq!(of_response(response), 26);
        let response = b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n";
        assert_eq!(of_response(response), 52);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_have_a_place(bytes in proptest::collection::vec(0_u8.., 0..200)) {
            assert!(of_request(&bytes) <= bytes.len());
            assert!(of_response(&bytes) <= bytes.len());
        }
    }
}
