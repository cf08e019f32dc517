//! `normalize-uri`: one spelling for targets that mean the same.
//!
//! What each normalizer makes is HAProxy's, observed; RFC 3986 §6.2.2 says why. A target never has a fragment here: one
//! that comes with it is refused before any rule, so `fragment-strip` and `fragment-encode` have nothing to do.

use lb_core::condition::ConditionError;

use crate::{fetch::RequestView, rules::compile::Words};

/// What is made the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rules) enum Normalizer {
    Fragment,
    MergeSlashes,
    StripDot,
    /// Segments `..` that lead above the root are left out, too, if `full`.
    StripDotdot {
        full: bool,
    },
    /// A `%` that no two digits follow fails, if `strict`.
    DecodeUnreserved {
        strict: bool,
    },
    Uppercase {
        strict: bool,
    },
    SortQuery,
}

/// A target that cannot be read (400).
#[derive(Debug, PartialEq, Eq)]
pub(in crate::rules) struct Malformed;

const NAMES: [&str; 8] = [
    "fragment-encode",
    "fragment-strip",
    "path-merge-slashes",
    "path-strip-dot",
    "path-strip-dotdot",
    "percent-decode-unreserved",
    "percent-to-uppercase",
    "query-sort-by-name",
];

impl Normalizer {
    pub(super) fn parse(words: &mut Words<'_>) -> Result<Self, ConditionError> {
        let word = words.required("what to make the same, as `path-merge-slashes`")?;
        Ok(match word.value() {
            b"fragment-encode" | b"fragment-strip" => Self::Fragment,
            b"path-merge-slashes" => Self::MergeSlashes,
            b"path-strip-dot" => Self::StripDot,
            b"path-strip-dotdot" => Self::StripDotdot {
                full: words.eat("full"),
            },
            b"percent-decode-unreserved" => Self::DecodeUnreserved {
                strict: words.eat("strict"),
            },
            b"percent-to-uppercase" => Self::Uppercase {
                strict: words.eat("strict"),
            },
            b"query-sort-by-name" => Self::SortQuery,
            other => {
                let other = String::from_utf8_lossy(other);
                let message = format!("there is no normalizer `{other}`");
                return Err(ConditionError::new(word.span(), message).suggest(&other, NAMES));
            }
        })
    }

    /// The path and query that `request` gets; `None` if they stay.
    pub(in crate::rules) fn make(
        self,
        request: &RequestView<'_>,
    ) -> Result<Option<Vec<u8>>, Malformed> {
        let Some(text) = request.path_and_query() else {
            return Ok(None);
        };
        let new = self.of(text)?;
        Ok((new != text.as_bytes()).then_some(new))
    }

    /// The normal form of a path with its query.
    fn of(self, text: &str) -> Result<Vec<u8>, Malformed> {
        let (path, query) = text.split_at(text.find('?').unwrap_or(text.len()));
        let path = match self {
            Self::Fragment => return Ok(text.into()),
            Self::MergeSlashes => merge_slashes(path),
            Self::StripDot => strip_dot(path),
            Self::StripDotdot { full } => strip_dotdot(path, full),
            Self::DecodeUnreserved { strict } => {
                return escapes(text, strict, |byte, text, out| match byte {
                    b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                        out.push(byte);
                    }
                    _ => out.extend_from_slice(text),
                });
            }
            Self::Uppercase { strict } => {
                return escapes(text, strict, |_, text, out| {
                    out.extend(text.iter().map(u8::to_ascii_uppercase));
                });
            }
            Self::SortQuery => return Ok([path, &sorted(query)].concat().into()),
        };
        Ok([&path, query].concat().into())
    }
}

fn merge_slashes(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for letter in path.chars() {
        if letter != '/' || !out.ends_with('/') {
            out.push(letter);
        }
    }
    out
}

fn strip_dot(path: &str) -> String {
    let mut out: Vec<&str> = path.split('/').filter(|segment| *segment != ".").collect();
    if path.ends_with("/.") {
        out.push("");
    }
    out.join("/")
}

fn strip_dotdot(path: &str, full: bool) -> String {
    let mut segments = path.split('/');
    // What stands before the first slash, which is nothing, stays.
    let mut out = Vec::from_iter(segments.next());
    for segment in segments {
        match (segment, out.last()) {
            ("..", Some(last)) if out.len() > 1 && *last != ".." => {
                out.pop();
            }
            ("..", _) if full => {}
            _ => out.push(segment),
        }
    }
    if path.ends_with("/..") {
        out.push("");
    }
    out.join("/")
}

/// Passes every `%XX` to `write`, as a byte and as it stands, and copies what is around them.
fn escapes(
    text: &str,
    strict: bool,
    write: impl Fn(u8, &[u8], &mut Vec<u8>),
) -> Result<Vec<u8>, Malformed> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let (mut out, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = match rest {
            [b'%', high, low, ..] => digit(*high).zip(digit(*low)),
            _ => None,
        };
        if let Some((high, low)) = escaped {
            let (escape, after) = rest.split_at(3);
            write((high * 16 + low) as u8, escape, &mut out);
            rest = after;
        } else if byte == b'%' && strict {
            return Err(Malformed);
        } else {
            out.push(byte);
            rest = after;
        }
    }
    Ok(out)
}

/// The query with its `?`, by the names of its parameters; those of one name keep their order.
fn sorted(query: &str) -> String {
    let Some(parameters) = query.strip_prefix('?') else {
        return String::new();
    };
    let mut parameters: Vec<_> = parameters.split('&').collect();
    parameters.sort_by_key(|parameter| parameter.split('=').next());
    format!("?{}", parameters.join("&"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LENIENT: [Normalizer; 6] = [
        Normalizer::MergeSlashes,
        Normalizer::StripDot,
        Normalizer::StripDotdot { full: true },
        Normalizer::StripDotdot { full: false },
        Normalizer::Uppercase { strict: false },
        Normalizer::SortQuery,
    ];

    fn of(normalizer: Normalizer, text: &str) -> String {
        String::from_utf8(normalizer.of(text).unwrap()).unwrap()
    }

    /// Observed on HAProxy 2.6.
    #[test]
    fn paths_are_made_the_same() {
        use Normalizer::{MergeSlashes, StripDot, StripDotdot};
        let (some, full) = (StripDotdot { full: false }, StripDotdot { full: true });
        for (normalizer, from, to) in [
            (StripDot, "/.", "/"),
            (StripDot, "/./bar", "/bar"),
            (StripDot, "/a/.?x=/./", "/a/?x=/./"),
            (StripDot, "/a/./././b", "/a/b"),
            (StripDot, "/a//./.b/%2e/c.", "/a//.b/%2e/c."),
            (some, "/..", "/../"),
            (some, "/bar/../../", "/../"),
            (some, "/foo//../", "/foo/"),
            (some, "/a/..?x/..", "/?x/.."),
            (some, "/../../a/..", "/../../"),
            (some, "/a/./..", "/a/"),
            (some, "/a/../../b/../c", "/../c"),
            (some, "/a/..b/.../c", "/a/..b/.../c"),
            (full, "/..", "/"),
            (full, "/../bar/", "/bar/"),
            (full, "/foo//../", "/foo/"),
            (full, "/a/b/../../c", "/c"),
            (full, "/a/../../b/../c", "/c"),
            (MergeSlashes, "//", "/"),
            (MergeSlashes, "/a//b///c?d//e", "/a/b/c?d//e"),
        ] {
            assert_eq!(of(normalizer, from), to, "{normalizer:?} {from}");
        }
    }

    #[test]
    fn escapes_and_queries_are_made_the_same() {
        use Normalizer::{DecodeUnreserved, SortQuery, Uppercase};
        let (decode, upper) = (
            DecodeUnreserved { strict: false },
            Uppercase { strict: false },
        );
        for (normalizer, from, to) in [
            (decode, "/%61dmin%3F?p%61r=%7E", "/admin%3F?par=~"),
            (decode, "/%%36%36", "/%66"),
            (decode, "/a%2%61%", "/a%2a%"),
            (upper, "/%zz%6f?%e1%", "/%zz%6F?%E1%"),
            (SortQuery, "/?c=3&a=1&b=2", "/?a=1&b=2&c=3"),
            (SortQuery, "/?aaa=3&a=1&aa=2", "/?a=1&aa=2&aaa=3"),
            (SortQuery, "/?a=3&b=4&a=1&b=5&a=2", "/?a=3&a=1&a=2&b=4&b=5"),
            (SortQuery, "/?b=1&&a=", "/?&a=&b=1"),
            (SortQuery, "/?=b&=a&c", "/?=b&=a&c"),
            (SortQuery, "/b/a", "/b/a"),
        ] {
            assert_eq!(of(normalizer, from), to, "{normalizer:?} {from}");
        }
        for text in ["/%%36", "/%zz", "/%", "/a%2"] {
            assert_eq!(DecodeUnreserved { strict: true }.of(text), Err(Malformed));
            assert_eq!(Uppercase { strict: true }.of(text), Err(Malformed));
        }
    }

    proptest! {
        /// But for decoding, which may find more to decode, once is enough; a path stays one.
        #[test]
        fn a_normal_form_is_normal(text in "/[a/.%26?&=]{0,16}") {
            for normalizer in LENIENT {
                let once = of(normalizer, &text);
                prop_assert!(once.starts_with('/'), "{normalizer:?} {once}");
                prop_assert_eq!(of(normalizer, &once), once, "{:?}", normalizer);
            }
        }
    }
}
