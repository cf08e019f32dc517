//! Where the key of a hashing `balance` comes from.
//!
//! HAProxy: `balance` in its configuration manual, 4.2. Which hash is made of the key, and which server that means, is
//! lb-core's business.

use std::net::IpAddr;

use http::{HeaderName, Method};
use lb_core::condition::{ConditionError, Sample, Span, Word, words};

pub use lb_core::policy::Key;

use super::{
    expr::HttpExpr,
    header::{self, Head},
    names::HttpVocabulary,
    view::{RequestView, View},
};

/// The source of the key, from the text of a `balance`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// `source`: the client's address.
    Source,
    /// `uri [len N] [depth N] [whole] [path-only]`.
    Uri {
        /// At most so many bytes, cut before anything else is looked at.
        len: Option<usize>,
        /// Up to the slash after so many.
        depth: Option<usize>,
        /// With the query.
        whole: bool,
        /// Without scheme and authority.
        path_only: bool,
    },
    /// `url_param NAME [check_post]`.
    UrlParam {
        /// Case matters.
        name: Box<str>,
        /// Whether the body of a POST is looked at when the query does not have it.
        check_post: bool,
    },
    /// `hdr(NAME) [use_domain_only]`: the first value.
    Header {
        /// The header.
        name: HeaderName,
        /// Of a host name, the label before the last.
        domain_only: bool,
    },
    /// `rdp-cookie[(NAME)]`: a TCP matter; no HTTP request has one.
    RdpCookie(Box<str>),
    /// `hash EXPR` and `maglev EXPR`.
    Expr(HttpExpr),
}

impl KeySource {
    /// Reads the text of a `balance`, from its first word on; `None` if that word is no algorithm with a key.
    ///
    /// # Errors
    /// Parameters that are missing, unknown or out of range, with their place in `text`.
    pub fn parse(text: &str) -> Result<Option<Self>, ConditionError> {
        let words = words(text)?;
        let Some((first, rest)) = words.split_first() else {
            return Ok(None);
        };
        let name = String::from_utf8_lossy(first.value()).into_owned();
        let (base, argument) = match name.split_once('(') {
            Some((base, rest)) => (base, Some(rest)),
            None => (&*name, None),
        };
        let mut words = Words { rest, last: first };
        let source = match (base, argument) {
            ("source", None) => Self::Source,
            ("uri", None) => words.uri()?,
            ("url_param", None) => words.url_param()?,
            ("hash" | "maglev", None) => words.expr()?,
            ("hdr", argument) => {
                let error = || {
                    ConditionError::new(first.span(), "`hdr` needs the name of a header")
                        .help("as in `hdr(host)`")
                };
                let name = parenthesised(argument).ok_or_else(error)?;
                let name = name.parse().map_err(|_| {
                    let message = format!("`{name}` cannot be the name of a header");
                    ConditionError::new(first.span(), message)
                })?;
                let domain_only = words.eat("use_domain_only");
                Self::Header { name, domain_only }
            }
            ("rdp-cookie", None) => Self::RdpCookie("mstshash".into()),
            ("rdp-cookie", argument) => Self::RdpCookie(
                parenthesised(argument)
                    .ok_or_else(|| {
                        ConditionError::new(first.span(), "the name of the cookie is missing")
                    })?
                    .into(),
            ),
            _ => return Ok(None),
        };
        words.end(&name)?;
        Ok(Some(source))
    }

    /// Hands over the key of a request.
    pub fn with_key<R>(&self, view: &RequestView<'_>, f: impl FnOnce(Key<'_>) -> R) -> R {
        match self {
            Self::Source => f(view
                .source
                .map_or(Key::None, |address| Key::Number(fold(address.ip())))),
            Self::Uri {
                path_only: true, ..
            } => {
                // `OPTIONS *` has no path: HAProxy hashes nothing rather than having no key.
                let path = view.path_and_query().unwrap_or_default();
                f(Key::Bytes(self.cut(path.as_bytes())))
            }
            Self::Uri { .. } => view.with_url(|url| f(Key::Bytes(self.cut(url)))),
            Self::UrlParam { name, .. } => {
                let query = view.query().unwrap_or_default();
                f(param(name.as_bytes(), query.as_bytes(), b"&").map_or(Key::None, Key::Bytes))
            }
            Self::Header { name, domain_only } => {
                let mut f = Some(f);
                let mut result = None;
                header::each(&Head::of_request(view), Some(name), true, &mut |value| {
                    let value = if *domain_only { domain(value) } else { value };
                    let key = if value.is_empty() {
                        Key::None
                    } else {
                        Key::Bytes(value)
                    };
                    result = f.take().map(|f| f(key));
                    true
                });
                result.unwrap_or_else(|| f.take().expect("no value took it")(Key::None))
            }
            Self::RdpCookie(_) => f(Key::None),
            Self::Expr(expr) => {
                let mut f = Some(f);
                let result = expr.with_sample(&View::from(*view), |sample| {
                    with_bytes(sample, |bytes| f.take().map(|f| f(Key::Bytes(bytes))))
                });
                match result.flatten() {
                    Some(result) => result,
                    None => f.take().expect("no sample took it")(Key::None),
                }
            }
        }
    }

    /// Whether the key may be in the request's body: for [`KeySource::body_key`], and only if
    /// [`KeySource::with_key`] found none.
    #[must_use]
    pub fn is_in_body(&self, method: &Method) -> bool {
        matches!(
            self,
            Self::UrlParam {
                check_post: true,
                ..
            }
        ) && *method == Method::POST
    }

    /// The key in the first data of a body: a value ends at `&` or a blank.
    #[must_use]
    pub fn body_key<'b>(&self, data: &'b [u8]) -> Key<'b> {
        match self {
            Self::UrlParam { name, .. } => {
                param(name.as_bytes(), data, b"& \t\r\n").map_or(Key::None, Key::Bytes)
            }
            _ => Key::None,
        }
    }

    fn cut<'u>(&self, uri: &'u [u8]) -> &'u [u8] {
        let Self::Uri {
            len, depth, whole, ..
        } = self
        else {
            return uri;
        };
        let uri = &uri[..len.unwrap_or(usize::MAX).min(uri.len())];
        let mut slashes = 0;
        let end = uri.iter().position(|byte| {
            slashes += usize::from(*byte == b'/');
            depth.is_some_and(|depth| slashes > depth) || (*byte == b'?' && !whole)
        });
        &uri[..end.unwrap_or(uri.len())]
    }
}

/// The exclusive or of the address's big-endian words.
fn fold(ip: IpAddr) -> u32 {
    match ip {
        IpAddr::V4(ip) => ip.into(),
        IpAddr::V6(ip) => {
            let bits = u128::from(ip);
            (bits >> 96) as u32 ^ (bits >> 64) as u32 ^ (bits >> 32) as u32 ^ bits as u32
        }
    }
}

/// The value of the first `name=` that stands at the start or after `&`, up to one of `ends`.
fn param<'t>(name: &[u8], text: &'t [u8], ends: &[u8]) -> Option<&'t [u8]> {
    text.split(|b| *b == b'&').find_map(|param| {
        let value = param.strip_prefix(name)?.strip_prefix(b"=")?;
        let end = value.iter().position(|b| ends.contains(b));
        Some(&value[..end.unwrap_or(value.len())])
    })
}

/// What stands between the last dot and the one before it, or the start: `a.example.com` is `example`. The character
/// before the last dot is not looked at, and a dot at the start is none, as observed.
fn domain(host: &[u8]) -> &[u8] {
    let dot = |part: &[u8]| part.iter().rposition(|b| *b == b'.');
    match dot(host) {
        None | Some(0) => host,
        Some(end) => {
            let start = dot(&host[..end - 1]).map_or(0, |dot| dot + 1);
            &host[start..end]
        }
    }
}

/// A sample as HAProxy hashes it: numbers as eight big-endian bytes, addresses as their bytes.
fn with_bytes<R>(sample: Sample<'_>, f: impl FnOnce(&[u8]) -> R) -> R {
    match sample {
        Sample::Str(bytes) | Sample::Bin(bytes) => f(bytes),
        Sample::Bool(value) => f(&i64::from(value).to_be_bytes()),
        Sample::Int(value) => f(&value.to_be_bytes()),
        Sample::Ip(IpAddr::V4(ip)) => f(&ip.octets()),
        Sample::Ip(IpAddr::V6(ip)) => f(&ip.octets()),
    }
}

fn parenthesised(rest: Option<&str>) -> Option<&str> {
    rest?.strip_suffix(')').filter(|name| !name.is_empty())
}

/// The parameters after the algorithm's name.
struct Words<'w> {
    rest: &'w [Word],
    last: &'w Word,
}

impl<'w> Words<'w> {
    fn next(&mut self) -> Option<&'w Word> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        self.last = first;
        Some(first)
    }

    fn eat(&mut self, keyword: &str) -> bool {
        let hit = self.rest.first().is_some_and(|word| word.is(keyword));
        if hit {
            self.next();
        }
        hit
    }

    /// The word that must follow.
    fn required(&mut self, what: &str) -> Result<&'w Word, ConditionError> {
        let span = self.last.span();
        let end = Span {
            offset: span.offset + span.len,
            len: 0,
        };
        self.next()
            .ok_or_else(|| ConditionError::new(end, format!("expected {what} here")))
    }

    fn positive(&mut self) -> Result<usize, ConditionError> {
        let word = self.required("a number")?;
        let number = std::str::from_utf8(word.value())
            .ok()
            .and_then(|text| text.parse().ok());
        number
            .filter(|n| *n > 0)
            .ok_or_else(|| ConditionError::new(word.span(), "this is a number from 1 on"))
    }

    fn uri(&mut self) -> Result<KeySource, ConditionError> {
        let (mut len, mut depth, mut whole, mut path_only) = (None, None, false, false);
        loop {
            if self.eat("len") {
                len = Some(self.positive()?);
            } else if self.eat("depth") {
                depth = Some(self.positive()?);
            } else if self.eat("whole") {
                whole = true;
            } else if self.eat("path-only") {
                path_only = true;
            } else {
                return Ok(KeySource::Uri {
                    len,
                    depth,
                    whole,
                    path_only,
                });
            }
        }
    }

    fn url_param(&mut self) -> Result<KeySource, ConditionError> {
        let name = String::from_utf8_lossy(self.required("the name of a parameter")?.value());
        let check_post = self.eat("check_post");
        // A length to wait for, which HAProxy accepts and ignores since 1.9.
        if check_post && self.rest.first().is_some_and(is_number) {
            self.next();
        }
        Ok(KeySource::UrlParam {
            name: name.into(),
            check_post,
        })
    }

    fn expr(&mut self) -> Result<KeySource, ConditionError> {
        let word = self.required("a sample expression")?;
        HttpVocabulary::default().expr(word).map(KeySource::Expr)
    }

    fn end(&self, name: &str) -> Result<(), ConditionError> {
        match self.rest.first() {
            None => Ok(()),
            Some(word) => {
                let given = String::from_utf8_lossy(word.value());
                let message = format!("`{name}` does not take `{given}`");
                Err(ConditionError::new(word.span(), message))
            }
        }
    }
}

fn is_number(word: &Word) -> bool {
    word.value().iter().all(u8::is_ascii_digit)
}
