//! One cookie among those of a `Cookie` field: find it, strip it, take the
//! server's prefix off it.
//!
//! The grammar is the one HAProxy was seen to accept, which is wider than
//! RFC 6265: cookies end at `;` or `,` outside of quotes, blanks around the
//! name, the `=` and the value do not count, names are compared byte by byte,
//! and a part whose name begins with `$` is an attribute (RFC 2965) of the
//! cookie before it and leaves together with it. Every byte that does not
//! belong to the cookie in question stays as it is.

use memchr::memchr;

use super::text::{scan, skip_blanks};

/// What stripping a cookie left of a field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Stripped {
    /// The cookie was not there.
    Unchanged,
    /// The field without it.
    Rest(Vec<u8>),
    /// Nothing: the field itself goes.
    Nothing,
}

/// The values of every cookie called `name` in `field`, in order, quotes
/// included.
pub fn values<'a>(field: &'a [u8], name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    Parts::new(field).filter_map(move |part| part.value_of(field, name))
}

/// Takes every cookie called `name` out of `field`; between its neighbours stay
/// the separator after it and one space.
pub fn strip(field: &[u8], name: &[u8]) -> Stripped {
    let mut rest = Vec::new();
    let mut copied = 0;
    // Where the text to drop begins, while in it.
    let mut dropping = None;
    let mut keeps_a_cookie = false;
    for part in Parts::new(field) {
        if part.value_of(field, name).is_some() {
            dropping.get_or_insert(part.separator);
        } else if !part.is_attribute(field) {
            keeps_a_cookie = true;
            if let Some(from) = dropping.take() {
                rest.extend_from_slice(&field[copied..from]);
                rest.truncate(rest.trim_ascii_end().len());
                if !rest.is_empty() {
                    rest.extend_from_slice(&[field[part.separator], b' ']);
                }
                copied = part.start;
            }
        }
    }
    if copied == 0 && dropping.is_none() {
        return Stripped::Unchanged;
    }
    rest.extend_from_slice(&field[copied..dropping.unwrap_or(field.len())]);
    // Attributes without a cookie mean nothing.
    if rest.is_empty() || !keeps_a_cookie {
        return Stripped::Nothing;
    }
    Stripped::Rest(rest)
}

/// Takes what precedes the first `delimiter`, and that itself, off the value of
/// every cookie called `name`; `None` if there is nothing to take off.
pub fn unprefix(field: &[u8], name: &[u8], delimiter: u8) -> Option<Vec<u8>> {
    let mut rest = Vec::new();
    let mut copied = 0;
    for part in Parts::new(field) {
        let Some(value) = part.value_of(field, name) else {
            continue;
        };
        if let Some(position) = memchr(delimiter, value) {
            rest.extend_from_slice(&field[copied..part.start]);
            rest.extend_from_slice(name);
            rest.push(b'=');
            copied = part.value_start(field) + position + 1;
        }
    }
    if copied == 0 {
        return None;
    }
    rest.extend_from_slice(&field[copied..]);
    Some(rest)
}

/// One cookie or attribute, by position in its field.
#[derive(Clone, Copy)]
struct Part {
    /// The separator before it, or the beginning of the field.
    separator: usize,
    /// Its first byte that is not blank.
    start: usize,
    /// Its first `=`.
    equals: Option<usize>,
    /// The separator after it, or the end of the field.
    end: usize,
}

impl Part {
    fn is_attribute(self, field: &[u8]) -> bool {
        field[self.start..self.end].first() == Some(&b'$')
    }

    /// The value, if this is a cookie called `name`.
    fn value_of<'a>(self, field: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
        let equals = self.equals?;
        (field[self.start..equals].trim_ascii_end() == name)
            .then(|| field[self.value_start(field)..self.end].trim_ascii_end())
    }

    /// The first byte of the value that is not blank.
    fn value_start(self, field: &[u8]) -> usize {
        let after = self.equals.map_or(self.end, |equals| equals + 1);
        skip_blanks(field, after, self.end)
    }
}

/// The parts of a field; the empty ones too.
struct Parts<'a> {
    field: &'a [u8],
    /// Where the next part begins; `None` after the last one.
    next: Option<usize>,
}

impl<'a> Parts<'a> {
    fn new(field: &'a [u8]) -> Self {
        Self {
            field,
            next: Some(0),
        }
    }
}

impl Iterator for Parts<'_> {
    type Item = Part;

    fn next(&mut self) -> Option<Part> {
        let begin = self.next?;
        let (equals, end) = scan(self.field, begin);
        self.next = (end < self.field.len()).then_some(end + 1);
        Some(Part {
            separator: begin.saturating_sub(1),
            start: skip_blanks(self.field, begin, end),
            equals,
            end,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stripped(field: &str) -> Option<String> {
        match strip(field.as_bytes(), b"SRV") {
            Stripped::Unchanged => Some(field.to_owned()),
            Stripped::Rest(rest) => Some(String::from_utf8(rest).unwrap()),
            Stripped::Nothing => None,
        }
    }

    fn found(field: &str) -> Vec<&str> {
        values(field.as_bytes(), b"SRV")
            .map(|value| std::str::from_utf8(value).unwrap())
            .collect()
    }

    #[test]
    fn finds_a_cookie_wherever_it_stands() {
        assert_eq!(found("x=y; SRV=c2; a=b"), ["c2"]);
        assert_eq!(found("SRV=c2"), ["c2"]);
        assert_eq!(found("x=y,\tSRV = c2 ;a"), ["c2"]);
        assert_eq!(found("SRV=zz; SRV=; SRV=c2"), ["zz", "", "c2"]);
        assert_eq!(found("SRV=\"c;2\"; a"), ["\"c;2\""]);
    }

    #[test]
    fn is_not_taken_in_by_lookalikes() {
        assert!(found("XSRV=c2; SRVX=c2; srv=c2; $SRV=c2; SRV; =SRV=c2").is_empty());
        assert!(found("x=\"a; SRV=c2\"; b=1").is_empty());
        assert_eq!(
            found("\"x; SRV=c2; b=1"),
            ["c2"],
            "a quote in a name is none"
        );
        assert!(found("x=\"a\\\"; SRV=c2").is_empty());
        assert!(found("").is_empty());
    }

    #[test]
    fn strips_one_and_leaves_the_rest() {
        assert_eq!(stripped("x=y; SRV=c2; a=b").unwrap(), "x=y; a=b");
        assert_eq!(stripped("x=y;SRV=c2;a=b").unwrap(), "x=y; a=b");
        assert_eq!(stripped("x=y, SRV=c2,a=b; c").unwrap(), "x=y, a=b; c");
        assert_eq!(stripped("SRV=c2; a=b").unwrap(), "a=b");
        assert_eq!(stripped("a=b; SRV=c2").unwrap(), "a=b");
        assert_eq!(stripped("SRV=1; a; SRV=2; SRV=3; b").unwrap(), "a; b");
        assert_eq!(stripped("SRV=c2"), None);
        assert_eq!(stripped("SRV=c2; SRV=c1;"), None);
        assert_eq!(stripped("x=y").unwrap(), "x=y");
    }

    #[test]
    fn attributes_leave_with_their_cookie() {
        assert_eq!(
            stripped("$Version=1; SRV=c2; $Path=\"/;\"; a=b").unwrap(),
            "$Version=1; a=b"
        );
        assert_eq!(stripped("$Version=1; SRV=c2; $Path=/"), None);
    }

    #[test]
    fn takes_a_prefix_off() {
        let unprefixed = |field: &str| {
            unprefix(field.as_bytes(), b"SRV", b'~').map(|rest| String::from_utf8(rest).unwrap())
        };
        assert_eq!(
            unprefixed("a=b~c; SRV=c2~x~y; d").unwrap(),
            "a=b~c; SRV=x~y; d"
        );
        assert_eq!(unprefixed("SRV=~; SRV=c1~b").unwrap(), "SRV=; SRV=b");
        assert_eq!(unprefixed("SRV=app; a=b~c"), None);
    }

    /// What is neither ours, nor an attribute, nor empty.
    fn others(field: &[u8]) -> Vec<&[u8]> {
        Parts::new(field)
            .filter(|part| !part.is_attribute(field) && part.value_of(field, b"SRV").is_none())
            .map(|part| field[part.start..part.end].trim_ascii())
            .filter(|text| !text.is_empty())
            .collect()
    }

    /// Fields made of what matters to the grammar.
    fn field() -> impl Strategy<Value = Vec<u8>> {
        let token = prop::sample::select(vec![
            "SRV",
            "SRV=c2",
            "SRV=",
            "SRV=c2~app",
            "=",
            ";",
            "; ",
            ",",
            " ",
            "\t",
            "\"",
            "\\",
            "$",
            "$a",
            "a",
            "b=1",
            "~",
            "|",
            "\u{e9}",
        ]);
        let tokens = prop::collection::vec(token, 0..20).prop_map(|tokens| tokens.concat().into());
        prop_oneof![3 => tokens, 1 => prop::collection::vec(any::<u8>(), 0..40)]
    }

    proptest! {
        #[test]
        fn stripping_leaves_the_others_and_none_of_ours(field in field()) {
            let rest = match strip(&field, b"SRV") {
                Stripped::Unchanged => {
                    prop_assert_eq!(values(&field, b"SRV").count(), 0);
                    return Ok(());
                }
                Stripped::Rest(rest) => rest,
                Stripped::Nothing => Vec::new(),
            };
            prop_assert!(values(&field, b"SRV").count() > 0);
            prop_assert_eq!(values(&rest, b"SRV").count(), 0);
            prop_assert_eq!(others(&rest), others(&field));
        }

        // A prefix with one of two quotes in it leaves a quote that is not
        // closed, for HAProxy too.
        #[test]
        fn unprefixing_leaves_the_others_and_the_rest_of_ours(mut field in field()) {
            field.retain(|&byte| byte != b'"');
            let Some(rest) = unprefix(&field, b"SRV", b'~') else {
                prop_assert!(values(&field, b"SRV").all(|value| !value.contains(&b'~')));
                return Ok(());
            };
            prop_assert_eq!(others(&rest), others(&field));
            prop_assert_eq!(values(&rest, b"SRV").count(), values(&field, b"SRV").count());
        }
    }
}
