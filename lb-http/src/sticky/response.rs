//! One `Set-Cookie` field of a server: is it the persistence cookie, and what
//! would it be with another value?
//!
//! `Set-Cookie2` (RFC 2965), which HAProxy also looks at, is gone from the web
//! and passes through as any other field.

use super::text::{scan, skip_blanks};

/// Does this field set the cookie called `name`?
pub fn sets(field: &[u8], name: &[u8]) -> bool {
    value(field, name).is_some()
}

/// The field with `value` in place of what the server chose (`rewrite`); `None`
/// if it sets another cookie.
pub fn rewrite(field: &[u8], name: &[u8], value: &[u8]) -> Option<Vec<u8>> {
    let (_, end) = self::value(field, name)?;
    Some([name, b"=", value, &field[end..]].concat())
}

/// The field with `value` and the delimiter before what the server chose
/// (`prefix`); `None` if it sets another cookie.
pub fn prefix(field: &[u8], name: &[u8], value: &[u8], delimiter: u8) -> Option<Vec<u8>> {
    let (start, _) = self::value(field, name)?;
    Some([name, b"=", value, &[delimiter], &field[start..]].concat())
}

/// Where the value begins and ends, without the blanks around it, if this field
/// sets `name`.
fn value(field: &[u8], name: &[u8]) -> Option<(usize, usize)> {
    let (equals, end) = scan(field, 0);
    let equals = equals?;
    let start = skip_blanks(field, equals + 1, end);
    (field[..equals].trim_ascii() == name)
        .then(|| (start, start + field[start..end].trim_ascii_end().len()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::request, *};

    fn rewritten(field: &str) -> Option<String> {
        rewrite(field.as_bytes(), b"SRV", b"c1").map(|field| String::from_utf8(field).unwrap())
    }

    fn prefixed(field: &str) -> Option<String> {
        prefix(field.as_bytes(), b"SRV", b"c1", b'~').map(|field| String::from_utf8(field).unwrap())
    }

    #[test]
    fn only_the_first_pair_names_the_cookie() {
        assert!(sets(b"SRV=app; Path=/", b"SRV"));
        assert!(sets(b"SRV=", b"SRV"));
        assert!(sets(b"SRV = app", b"SRV"));
        for other in [
            "SRV",
            "SRV; a=b",
            "srv=a",
            "SRVX=a",
            "x=y; SRV=a",
            "x, SRV=a",
            "",
            "=a",
        ] {
            assert!(!sets(other.as_bytes(), b"SRV"), "{other:?}");
        }
    }

    #[test]
    fn attributes_survive() {
        assert_eq!(
            rewritten("SRV=a b ; Path=/; HttpOnly").unwrap(),
            "SRV=c1 ; Path=/; HttpOnly"
        );
        assert_eq!(rewritten("SRV=\"a;b\"; Path=/").unwrap(), "SRV=c1; Path=/");
        assert_eq!(rewritten("SRV= ; Path=/").unwrap(), "SRV=c1; Path=/");
        assert_eq!(
            prefixed("SRV = a=b ; Path=/").unwrap(),
            "SRV=c1~a=b ; Path=/"
        );
        assert_eq!(prefixed("SRV=").unwrap(), "SRV=c1~");
        assert_eq!(prefixed("a=b"), None);
    }

    proptest! {
        #[test]
        fn what_the_server_set_comes_back(value in "[!#-+./-:<-\\[\\]-}]{0,12}", tail in "(; ?[a-z]{0,4}){0,2}") {
            let field = format!("SRV={value}{tail}");
            let sent = prefix(field.as_bytes(), b"SRV", b"c1", b'~').unwrap();
            let (cookie, attributes) = sent.split_at(sent.len() - tail.len());
            prop_assert_eq!(attributes, tail.as_bytes());
            let seen = request::unprefix(cookie, b"SRV", b'~').unwrap();
            prop_assert_eq!(seen, format!("SRV={value}").into_bytes());
        }

        #[test]
        fn no_field_panics(field in prop::collection::vec(any::<u8>(), 0..40)) {
            let changed = rewrite(&field, b"SRV", b"c1");
            prop_assert_eq!(changed.is_some(), sets(&field, b"SRV"));
            prop_assert!(changed.is_none_or(|changed| changed.starts_with(b"SRV=c1")));
        }
    }
}
