//! What samples are taken from.

use std::{net::SocketAddr, sync::Arc};

use http::{HeaderMap, Method, StatusCode, Uri, Version, header::HOST, request::Parts};
use lb_core::condition::Value;
use smallvec::SmallVec;

use crate::{
    Client,
    transaction::{Transaction, Variable, VariableScope},
};

/// As much of a request, its connection and its response as there is at the moment, borrowed.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct View<'a> {
    /// The request's head; none once it has gone to a server.
    pub request: Option<RequestView<'a>>,
    /// The response's head, from `http-response` on.
    pub response: Option<ResponseView<'a>>,
    /// The client's connection, where an engine tells of it.
    pub client: Option<&'a Client>,
    /// What rules keep for the request: variables, captures, tracked entries.
    pub transaction: Option<&'a Transaction>,
}

/// A response's head, borrowed.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ResponseView<'a> {
    /// The status.
    pub status: StatusCode,
    /// The HTTP version.
    pub version: Version,
    /// The header fields.
    pub headers: &'a HeaderMap,
}

/// A request's head and the connection it came on, borrowed.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct RequestView<'a> {
    /// The method.
    pub method: &'a Method,
    /// The request target.
    pub uri: &'a Uri,
    /// The HTTP version.
    pub version: Version,
    /// The header fields.
    pub headers: &'a HeaderMap,
    /// The client, after the PROXY protocol and `set-src`; `None` if unknown, as on Unix sockets.
    pub source: Option<SocketAddr>,
    /// The address the client connected to.
    pub destination: Option<SocketAddr>,
}

impl<'a> From<RequestView<'a>> for View<'a> {
    fn from(request: RequestView<'a>) -> Self {
        Self {
            request: Some(request),
            ..Self::default()
        }
    }
}

impl<'a> View<'a> {
    /// A request and the connection it came on, as far as its extensions tell.
    #[must_use]
    pub fn of<B>(request: &'a http::Request<B>) -> Self {
        let client: Option<&Client> = request.extensions().get();
        Self::from(RequestView::of(request)).client(client)
    }

    /// Adds the client's connection, and its addresses where the request has none yet.
    #[must_use]
    pub fn client(mut self, client: Option<&'a Client>) -> Self {
        if let (Some(client), Some(request)) = (client, &mut self.request) {
            request.source = request.source.or_else(|| client.peer().inet());
            request.destination = request.destination.or_else(|| client.local().inet());
        }
        self.client = client;
        self
    }

    /// Adds what rules keep.
    #[must_use]
    pub fn transaction(mut self, transaction: &'a Transaction) -> Self {
        self.transaction = Some(transaction);
        self
    }

    /// The value of a variable. One of a connection is known only where the request has a [`Client`].
    #[must_use]
    pub fn variable(&self, variable: &Variable) -> Option<Arc<Value>> {
        match (&variable.shared, variable.scope) {
            (Some(shared), _) => shared.value(),
            (None, VariableScope::Session) => self.client?.session().find(variable.number)?.value(),
            (None, _) => self.transaction?.variable(variable),
        }
    }

    /// Sets a variable, or unsets it with `None`.
    pub fn set_variable(&self, variable: &Variable, value: Option<Value>) {
        let is_session = variable.scope == VariableScope::Session;
        match (&variable.shared, self.client, self.transaction) {
            (Some(shared), ..) => shared.set(value.map(Arc::new)),
            (None, Some(client), _) if is_session => {
                let place = client.session().place(variable.number);
                place.set(value.map(Arc::new));
            }
            (None, _, Some(transaction)) if !is_session => {
                transaction.set_variable(variable, value);
            }
            _ => {}
        }
    }

    /// The request's method, which is kept when the rest of the head is gone.
    pub(super) fn method(&self) -> Option<&'a Method> {
        match &self.request {
            Some(request) => Some(request.method),
            None => self.transaction?.method.as_ref(),
        }
    }

    /// The client's address, after the PROXY protocol.
    pub(crate) fn source(&self) -> Option<SocketAddr> {
        match &self.request {
            Some(request) => request.source,
            None => self.client?.peer().inet(),
        }
    }

    /// The address the client connected to.
    pub(crate) fn destination(&self) -> Option<SocketAddr> {
        match &self.request {
            Some(request) => request.destination,
            None => self.client?.local().inet(),
        }
    }
}

impl<'a> ResponseView<'a> {
    /// The head of a response.
    #[must_use]
    pub fn new(head: &'a http::response::Parts) -> Self {
        Self {
            status: head.status,
            version: head.version,
            headers: &head.headers,
        }
    }
}

impl<'a> RequestView<'a> {
    /// The head of a request on a connection of which nothing is known.
    #[must_use]
    pub fn new(parts: &'a Parts) -> Self {
        Self {
            method: &parts.method,
            uri: &parts.uri,
            version: parts.version,
            headers: &parts.headers,
            source: None,
            destination: None,
        }
    }

    /// The same for a request with its body.
    #[must_use]
    pub fn of<B>(request: &'a http::Request<B>) -> Self {
        Self {
            method: request.method(),
            uri: request.uri(),
            version: request.version(),
            headers: request.headers(),
            source: None,
            destination: None,
        }
    }

    /// Sets where the connection comes from and goes to.
    #[must_use]
    pub fn connection(
        mut self,
        source: Option<SocketAddr>,
        destination: Option<SocketAddr>,
    ) -> Self {
        self.source = source;
        self.destination = destination;
        self
    }

    /// The path without the query; none for `OPTIONS *` and `CONNECT`.
    pub(crate) fn path(&self) -> Option<&'a str> {
        let path = self.path_and_query()?;
        Some(path.split_once('?').map_or(path, |(path, _)| path))
    }

    /// The path with the query.
    pub(crate) fn path_and_query(&self) -> Option<&'a str> {
        let text = self.uri.path_and_query()?.as_str();
        text.starts_with('/').then_some(text)
    }

    /// What follows the first `?`.
    pub(crate) fn query(&self) -> Option<&'a str> {
        self.uri.query()
    }

    /// Hands over the whole request target as it was sent.
    pub(crate) fn with_url<R>(&self, f: impl FnOnce(&[u8]) -> R) -> R {
        let rest = self.uri.path_and_query().map_or("", |rest| rest.as_str());
        match (self.uri.scheme_str(), self.uri.authority()) {
            (Some(scheme), Some(authority)) => f(&join(&[
                scheme.as_bytes(),
                b"://",
                authority.as_str().as_bytes(),
                rest.as_bytes(),
            ])),
            (None, Some(authority)) => f(authority.as_str().as_bytes()),
            _ => f(rest.as_bytes()),
        }
    }

    /// `:authority`, which takes the place of `Host` where a request of HTTP/2 or later has none.
    pub(super) fn authority_as_host(&self) -> Option<&'a [u8]> {
        let stands_in = self.version >= Version::HTTP_2 && !self.headers.contains_key(HOST);
        let authority = self.uri.authority().filter(|_| stands_in)?;
        Some(authority.as_str().as_bytes())
    }
}

/// Texts in a row. A host and a path of usual length stay on the stack.
pub(super) fn join(parts: &[&[u8]]) -> SmallVec<[u8; 512]> {
    let mut joined = SmallVec::new();
    for part in parts {
        joined.extend_from_slice(part);
    }
    joined
}
