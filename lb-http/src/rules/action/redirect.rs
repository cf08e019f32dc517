//! `redirect location|prefix|scheme TEXT [code N] [drop-query] [append-slash] [ignore-empty] [set-cookie C|clear-cookie C]`.

use bytes::Bytes;
use http::{
    HeaderValue, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_LENGTH, HOST, LOCATION, SET_COOKIE},
};
use lb_core::condition::{ConditionError, Word};

use crate::{
    fetch::{Place, RequestView, View},
    rules::{compile::Words, text::Text, value::header_value},
};

/// Sends the client elsewhere.
#[derive(Debug)]
pub(in crate::rules) struct Redirect {
    to: To,
    text: Text,
    code: StatusCode,
    drop_query: bool,
    append_slash: bool,
    ignore_empty: bool,
    cookie: Option<HeaderValue>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum To {
    /// The text itself.
    Location,
    /// The text, and the target behind it.
    Prefix,
    /// The same host and target with this scheme.
    Scheme,
}

impl Redirect {
    pub(super) fn parse(words: &mut Words<'_>) -> Result<Self, ConditionError> {
        let mut to = None;
        let mut redirect = Self {
            to: To::Location,
            text: Text::fixed(b""),
            code: StatusCode::FOUND,
            drop_query: false,
            append_slash: false,
            ignore_empty: false,
            cookie: None,
        };
        while let Some(word) = words.peek().cloned() {
            let keyword = String::from_utf8_lossy(word.value()).into_owned();
            let kind = match keyword.as_str() {
                "location" => To::Location,
                "prefix" => To::Prefix,
                "scheme" => To::Scheme,
                other => {
                    if !redirect.option(other, words)? {
                        break;
                    }
                    continue;
                }
            };
            words.next();
            if to.is_some() {
                return Err(ConditionError::new(
                    word.span(),
                    "a redirect has one of `location`, `prefix` and `scheme`",
                ));
            }
            redirect.text = words.text("where to redirect to")?;
            to = Some(kind);
        }
        let at = words.last().span();
        redirect.to = to.ok_or_else(|| {
            let at = words.peek().map_or(at, Word::span);
            ConditionError::new(at, "expected `location`, `prefix` or `scheme` and a text")
        })?;
        if redirect.to == To::Location && (redirect.drop_query || redirect.append_slash) {
            let error = ConditionError::new(at, "`location` is taken as it is");
            return Err(error.help("`drop-query` and `append-slash` go with `prefix` and `scheme`"));
        }
        if redirect.to != To::Location && words.vocabulary.place() == Place::Response {
            let error = ConditionError::new(at, "a response has no target any more");
            return Err(error.help("`location` says where to"));
        }
        Ok(redirect)
    }

    /// Reads an option; `false` if the word is none.
    fn option(&mut self, keyword: &str, words: &mut Words<'_>) -> Result<bool, ConditionError> {
        match keyword {
            "code" => {
                words.next();
                self.code = code(words)?;
            }
            "drop-query" => {
                words.next();
                self.drop_query = true;
            }
            "append-slash" => {
                words.next();
                self.append_slash = true;
            }
            "ignore-empty" => {
                words.next();
                self.ignore_empty = true;
            }
            "set-cookie" | "clear-cookie" => {
                words.next();
                if self.cookie.is_some() {
                    let span = words.last().span();
                    return Err(ConditionError::new(span, "a redirect has one cookie"));
                }
                let mut value = words.required("a cookie")?.value().to_vec();
                value.extend_from_slice(match keyword {
                    "set-cookie" => b"; path=/;".as_slice(),
                    _ => b"; path=/; Max-Age=0;",
                });
                self.cookie = Some(header_value(value));
            }
            "keep-query" => {
                let span = words.peek().map_or(words.last().span(), |word| word.span());
                return Err(ConditionError::new(
                    span,
                    "`keep-query` is of later versions of HAProxy, and not built yet",
                ));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The response; `None` if there is nowhere to go and `ignore-empty` says so.
    pub(in crate::rules) fn response(&self, view: &View<'_>) -> Option<Response<Bytes>> {
        let mut location = self.text.text(view);
        if location.is_empty() && self.ignore_empty {
            return None;
        }
        if let (To::Prefix | To::Scheme, Some(request)) = (self.to, &view.request) {
            if self.to == To::Scheme {
                location.extend_from_slice(b"://");
                location.extend_from_slice(host(request));
            } else if location == b"/" {
                location.clear();
            }
            self.add_target(&mut location, request);
        }
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = self.code;
        let headers = response.headers_mut();
        // For HEAD: otherwise it is the server that writes it.
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        headers.insert(LOCATION, header_value(location));
        if ![301, 308].contains(&self.code.as_u16()) {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        }
        if let Some(cookie) = &self.cookie {
            headers.insert(SET_COOKIE, cookie.clone());
        }
        Some(response)
    }

    fn add_target(&self, location: &mut Vec<u8>, request: &RequestView<'_>) {
        let target = match self.drop_query {
            true => request.path(),
            false => request.path_and_query(),
        };
        location.extend_from_slice(target.unwrap_or_default().as_bytes());
        // Observed: without `drop-query` it goes behind the query.
        if self.append_slash && location.last() != Some(&b'/') {
            location.push(b'/');
        }
    }
}

fn host<'a>(request: &RequestView<'a>) -> &'a [u8] {
    let field = request.headers.get(HOST).map(HeaderValue::as_bytes);
    let authority = || request.uri.authority().map(|a| a.as_str().as_bytes());
    field.or_else(authority).unwrap_or_default()
}

fn code(words: &mut Words<'_>) -> Result<StatusCode, ConditionError> {
    let word = words.required("a status")?;
    match word.value() {
        b"301" => Ok(StatusCode::MOVED_PERMANENTLY),
        b"302" => Ok(StatusCode::FOUND),
        b"303" => Ok(StatusCode::SEE_OTHER),
        b"307" => Ok(StatusCode::TEMPORARY_REDIRECT),
        b"308" => Ok(StatusCode::PERMANENT_REDIRECT),
        _ => {
            let message = "a redirect has the status 301, 302, 303, 307 or 308";
            Err(ConditionError::new(word.span(), message))
        }
    }
}
