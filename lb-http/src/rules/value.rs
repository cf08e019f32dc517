//! From the bytes of a text to what a head may hold.
//!
//! Samples may bring any byte. HAProxy writes control characters of header values as `%0D`; what a request target
//! cannot hold is written so, too, where HAProxy would send a line that nobody can read.

use bytes::Bytes;
use http::HeaderValue;

/// A value of a header: control characters but tabs are percent-encoded.
pub(super) fn header_value(text: Vec<u8>) -> HeaderValue {
    let is_odd = |byte: &u8| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f;
    let text = encoded(text, is_odd);
    HeaderValue::from_maybe_shared(Bytes::from(text)).expect("what no value can have is encoded")
}

/// A part of a request target: what it cannot have is percent-encoded.
pub(super) fn target(text: Vec<u8>) -> Vec<u8> {
    let is_odd = |byte: &u8| *byte <= b' ' || *byte >= 0x7f || b"\"#<>`".contains(byte);
    encoded(text, is_odd)
}

fn encoded(text: Vec<u8>, is_odd: impl Fn(&u8) -> bool) -> Vec<u8> {
    if !text.iter().any(&is_odd) {
        return text;
    }
    let mut out = Vec::with_capacity(text.len() + 8);
    for byte in text {
        if is_odd(&byte) {
            const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
            out.push(b'%');
            out.push(DIGITS[usize::from(byte >> 4)]);
            out.push(DIGITS[usize::from(byte & 15)]);
        } else {
            out.push(byte);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Observed: `v%0D%0Aw`, `a%7Fb`; tabs and bytes over 127 stay.
    #[test]
    fn control_characters_are_written_as_haproxy_writes_them() {
        let value = header_value(b"v\r\nw\x7f\t\xe9 ".to_vec());
        assert_eq!(value.as_bytes(), b"v%0D%0Aw%7F\t\xe9 ");
        assert_eq!(
            target(b"/a b#\xc3\xa9?x%20".to_vec()),
            b"/a%20b%23%C3%A9?x%20"
        );
    }

    proptest! {
        #[test]
        fn any_bytes_become_a_value_and_a_target(text in prop::collection::vec(any::<u8>(), 0..40)) {
            let value = header_value(text.clone());
            prop_assert!(!value.as_bytes().iter().any(|b| *b == b'\r' || *b == b'\n' || *b == 0));
            let mut path = b"/".to_vec();
            path.extend(target(text));
            prop_assert!(http::uri::PathAndQuery::from_maybe_shared(Bytes::from(path)).is_ok());
        }
    }
}
