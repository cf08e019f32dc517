//! The bodies of the proxy's own responses: HAProxy's pages, or `errorfile`s.

use std::{borrow::Cow, collections::HashMap};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE},
};

use crate::{h1::fields::HOP_BY_HOP, server::Hangup};

/// Pages by status; those not set are HAProxy's.
#[derive(Clone, Debug, Default)]
pub struct Pages {
    files: HashMap<StatusCode, Page>,
}

/// One response that is ready to be sent.
#[derive(Clone, Debug)]
pub struct Page {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    /// The connection is closed in its place.
    hangup: bool,
}

/// Why a file is no page.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PageError {
    /// It does not begin with a status line and fields.
    #[error("not a complete HTTP response: it must begin with a status line")]
    NotAResponse,
}

impl Page {
    /// Reads a file as `errorfile` takes it: a complete raw response. Its
    /// length and connection fields are written anew when it is sent. An empty
    /// file closes the connection without a word.
    ///
    /// # Errors
    ///
    /// [`PageError::NotAResponse`].
    pub fn parse(file: &[u8]) -> Result<Self, PageError> {
        if file.is_empty() {
            return Ok(Self::hangup());
        }
        let mut storage = [httparse::EMPTY_HEADER; 64];
        let mut response = httparse::Response::new(&mut storage);
        let Ok(httparse::Status::Complete(length)) = response.parse(file) else {
            return Err(PageError::NotAResponse);
        };
        let status = response
            .code
            .and_then(|code| StatusCode::from_u16(code).ok())
            .ok_or(PageError::NotAResponse)?;
        let mut headers = HeaderMap::new();
        for field in response.headers {
            let name = HeaderName::from_bytes(field.name.as_bytes());
            let value = HeaderValue::from_bytes(field.value);
            let (Ok(name), Ok(value)) = (name, value) else {
                return Err(PageError::NotAResponse);
            };
            headers.append(name, value);
        }
        let body = Bytes::copy_from_slice(&file[length..]);
        Ok(Self::new(status, headers, body))
    }

    /// A page of which length and connection fields are written anew when it is
    /// sent.
    pub fn new(status: StatusCode, headers: HeaderMap, body: Bytes) -> Self {
        let mut page = Self {
            status,
            headers,
            body,
            hangup: false,
        };
        page.headers.remove(CONTENT_LENGTH);
        for name in HOP_BY_HOP {
            page.headers.remove(name);
        }
        page
    }

    /// No page: the connection is closed without a word (an empty `errorfile`).
    pub fn hangup() -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            hangup: true,
        }
    }

    /// The status it is sent with.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// A response with it in the place of one with `status`. One that stands for closing the connection has this
    /// status, and a [`Hangup`] among its extensions.
    pub(crate) fn response_to(&self, status: StatusCode) -> Response<Bytes> {
        let mut response = Response::new(self.body.clone());
        *response.status_mut() = if self.hangup { status } else { self.status };
        *response.headers_mut() = self.headers.clone();
        if self.hangup {
            response.extensions_mut().insert(Hangup::Close);
        }
        response
    }
}

impl Pages {
    /// Sets the page of a status (`errorfile`).
    #[must_use]
    pub fn with(mut self, status: StatusCode, page: Page) -> Self {
        self.files.insert(status, page);
        self
    }

    /// These pages, and where they have none, those of `other`.
    #[must_use]
    pub fn or(mut self, other: &Self) -> Self {
        for (status, page) in &other.files {
            self.files.entry(*status).or_insert_with(|| page.clone());
        }
        self
    }

    /// The response for a status.
    pub fn response(&self, status: StatusCode) -> Response<Bytes> {
        match self.files.get(&status) {
            Some(page) => page.response_to(status),
            None => standard(status).response_to(status),
        }
    }

    /// The same, if there is a page for it: one of a file, or a standard one.
    pub(crate) fn find(&self, status: StatusCode) -> Option<Response<Bytes>> {
        let is_there = self.files.contains_key(&status) || Self::has(status);
        is_there.then(|| self.response(status))
    }

    /// Is there a standard page for it?
    pub(crate) fn has(status: StatusCode) -> bool {
        STATUSES.contains(&status.as_u16())
    }
}

/// Statuses with a page: HAProxy's, and those that this proxy answers besides.
const STATUSES: [u16; 21] = [
    200, 400, 401, 403, 404, 405, 407, 408, 410, 413, 414, 421, 422, 425, 429, 431, 500, 501, 502,
    503, 504,
];

/// HAProxy's page.
fn standard(status: StatusCode) -> Page {
    let mut headers = HeaderMap::new();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    let title = status.canonical_reason().unwrap_or("Error");
    let body = format!(
        "<html><body><h1>{} {title}</h1>\n{}\n</body></html>\n",
        status.as_u16(),
        explanation(status)
    );
    Page {
        status,
        headers,
        body: body.into(),
        hangup: false,
    }
}

fn explanation(status: StatusCode) -> Cow<'static, str> {
    match status.as_u16() {
        200 => "Service ready.",
        400 => "Your browser sent an invalid request.",
        401 => "You need a valid user and password to access this content.",
        403 => "Request forbidden by administrative rules.",
        404 => "The resource could not be found.",
        405 => {
            "A request was made of a resource using a request method not supported by that resource"
        }
        407 => "You need a valid user and password to access this content.",
        408 => "Your browser didn't send a complete request in time.",
        410 => "The resource is no longer available and will not be available again.",
        413 => "The request entity exceeds the maximum allowed.",
        414 => "The request address is too long.",
        417 => "The expectation of the request cannot be met.",
        421 => "Request sent to a non-authoritative server.",
        422 => "The server cannot process the contained instructions.",
        425 => "Your browser sent early data.",
        429 => "You have sent too many requests in a given amount of time.",
        431 => "The request's header fields are too large.",
        500 => "An internal server error occurred.",
        501 => "The server does not support the functionality required to fulfill the request.",
        502 => "The server returned an invalid or incomplete response.",
        503 => "No server is available to handle this request.",
        504 => "The server didn't respond in time.",
        505 => "The server does not support this version of HTTP.",
        _ => "The request could not be served.",
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_a_whole_response() {
        let file = b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nsorry";
        let pages =
            Pages::default().with(StatusCode::SERVICE_UNAVAILABLE, Page::parse(file).unwrap());
        let response = pages.response(StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers().len(), 1);
        assert_eq!(response.body(), "sorry");
        assert_eq!(Page::parse(b"<html>").unwrap_err(), PageError::NotAResponse);
    }

    #[test]
    fn the_standard_page_is_haproxys() {
        let response = Pages::default().response(StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(
            response.body(),
            "<html><body><h1>503 Service Unavailable</h1>\n\
             No server is available to handle this request.\n</body></html>\n"
        );
    }
}
