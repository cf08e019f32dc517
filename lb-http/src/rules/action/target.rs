//! `set-path`, `set-pathq`, `set-query`, `set-uri`, `set-method`, `replace-path`, `replace-pathq`, `replace-uri`.
//!
//! What a request line cannot hold is percent-encoded, and what is no target then fails the rewrite: HAProxy would
//! send such a line as it is.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Uri,
    header::HOST,
    uri::{Parts, PathAndQuery},
};
use lb_core::condition::ConditionError;
use regex::bytes::Regex;

use super::{Failed, regex};
use crate::{
    fetch::{RequestView, View},
    rules::{compile::Words, text::Text, value::target},
};

/// A change of the request line.
#[derive(Debug)]
pub(in crate::rules) enum TargetRule {
    Method(Text),
    Set(Part, Text),
    Replace(Part, Regex, Text),
}

/// A part of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rules) enum Part {
    /// The path without the query.
    Path,
    /// The path with the query.
    PathQuery,
    /// What follows `?`.
    Query,
    /// All of it.
    Uri,
}

/// What the request line gets.
#[derive(Debug)]
pub(in crate::rules) enum Line {
    /// It stays.
    Same,
    Method(Method),
    Target(Uri),
}

impl TargetRule {
    pub(super) fn method(words: &mut Words<'_>) -> Result<Self, ConditionError> {
        let text = words.text("a method")?;
        if text.as_fixed().is_some_and(|fixed| method(fixed).is_none()) {
            let message = "this is no method that a request can be given";
            return Err(ConditionError::new(words.last().span(), message));
        }
        Ok(Self::Method(text))
    }

    pub(super) fn set(part: Part, words: &mut Words<'_>) -> Result<Self, ConditionError> {
        let text = words.text("a text")?;
        let of_path = matches!(part, Part::Path | Part::PathQuery);
        if of_path
            && text
                .as_fixed()
                .is_some_and(|fixed| !fixed.starts_with(b"/"))
        {
            return Err(ConditionError::new(
                words.last().span(),
                "a path begins with `/`",
            ));
        }
        if part == Part::Uri
            && text
                .as_fixed()
                .is_some_and(|fixed| uri(fixed.to_vec()).is_none())
        {
            let error = ConditionError::new(words.last().span(), "this is no request target");
            return Err(error.help("it is a path, or begins with `http://` and a host"));
        }
        Ok(Self::Set(part, text))
    }

    pub(super) fn replace(part: Part, words: &mut Words<'_>) -> Result<Self, ConditionError> {
        let regex = regex(words.required("a regular expression")?, false)?;
        Ok(Self::Replace(part, regex, words.text("a text")?))
    }

    /// Makes the new request line from what is seen.
    pub(in crate::rules) fn make(&self, view: &View<'_>) -> Result<Line, Failed> {
        let Some(request) = &view.request else {
            return Ok(Line::Same);
        };
        let (part, text) = match self {
            Self::Method(text) => {
                // A tunnel is none of another method's, nor the other way round.
                let method = method(&text.text(view)).ok_or(Failed)?;
                let is_tunnel = request.method == Method::CONNECT;
                return if is_tunnel {
                    Err(Failed)
                } else {
                    Ok(Line::Method(method))
                };
            }
            Self::Set(part, text) => (*part, text.text(view)),
            Self::Replace(part, regex, text) => {
                let template = text.text(view);
                match part.of(request, |old| super::replaced(regex, old, &template)) {
                    Some(Some(new)) => (*part, new),
                    _ => return Ok(Line::Same),
                }
            }
        };
        part.with(request, text)
    }
}

impl Part {
    fn of<R>(self, request: &RequestView<'_>, f: impl FnOnce(&[u8]) -> R) -> Option<R> {
        Some(match self {
            Self::Path => f(request.path()?.as_bytes()),
            Self::PathQuery => f(request.path_and_query()?.as_bytes()),
            Self::Query => f(request.query()?.as_bytes()),
            Self::Uri => request.with_url(f),
        })
    }

    /// The target with another text in this part. One without a path (`*`, that of CONNECT) stays as it is.
    pub(in crate::rules) fn with(
        self,
        request: &RequestView<'_>,
        text: Vec<u8>,
    ) -> Result<Line, Failed> {
        if self == Self::Uri {
            if request.method == Method::CONNECT {
                return Err(Failed);
            }
            return uri(text).map(Line::Target).ok_or(Failed);
        }
        let Some(path) = request.path() else {
            return Ok(Line::Same);
        };
        let mut new = target(text);
        match (self, request.query()) {
            (Self::Path, Some(query)) => {
                new.push(b'?');
                new.extend_from_slice(query.as_bytes());
            }
            (Self::Query, _) => {
                new.splice(..0, [path.as_bytes(), b"?"].concat());
            }
            _ => {}
        }
        if !new.starts_with(b"/") {
            return Err(Failed);
        }
        let mut parts = request.uri.clone().into_parts();
        parts.path_and_query =
            Some(PathAndQuery::from_maybe_shared(Bytes::from(new)).map_err(|_| Failed)?);
        Uri::from_parts(parts).map(Line::Target).map_err(|_| Failed)
    }
}

impl Line {
    /// Gives the request its line. The host of an absolute target is the request's.
    pub(in crate::rules) fn apply<B>(self, request: &mut http::Request<B>) -> Result<(), Failed> {
        match self {
            Self::Same => {}
            Self::Method(method) => *request.method_mut() = method,
            Self::Target(uri) => {
                if let Some(authority) = uri.authority() {
                    let host = HeaderValue::from_str(authority.as_str()).map_err(|_| Failed)?;
                    set_host(request.headers_mut(), host)?;
                }
                *request.uri_mut() = uri;
            }
        }
        Ok(())
    }
}

fn set_host(headers: &mut HeaderMap, host: HeaderValue) -> Result<(), Failed> {
    let set = headers.try_insert(HOST, host);
    set.map(|_| ()).map_err(|_| Failed)
}

fn method(text: &[u8]) -> Option<Method> {
    let method = Method::from_bytes(text).ok();
    method.filter(|method| *method != Method::CONNECT)
}

/// A path, or an absolute URI.
fn uri(text: Vec<u8>) -> Option<Uri> {
    let uri = Uri::from_maybe_shared(Bytes::from(target(text))).ok()?;
    let Parts {
        scheme,
        authority,
        path_and_query,
        ..
    } = uri.clone().into_parts();
    let is_path = path_and_query.is_some_and(|path| path.as_str().starts_with('/'));
    let fits = match (scheme, authority) {
        (None, None) => is_path,
        (Some(_), Some(authority)) => !authority.as_str().contains('@'),
        _ => false,
    };
    fits.then_some(uri)
}
