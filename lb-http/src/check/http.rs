//! A check by an HTTP request: HAProxy's `option httpchk` and `http-check`.

use std::{
    convert::Infallible,
    io,
    net::IpAddr,
    pin::Pin,
    str::FromStr,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};
use lb_core::{
    health::{Probe, Status, Verdict},
    server::Operational,
};
use lb_tcp::ConnectError;
use tower_service::Service;

use super::{
    Expect,
    dial::{self, Dial},
    response::{MAX_HEADERS, Response},
    talk::{Dialogue, Talk},
};
use crate::{ProxyVersion, Upstream};

/// Sends a request and looks at the response, on a connection of its own.
///
/// Without an [`expect`](Self::expect), status 2xx and 3xx are a success. Like
/// HAProxy, it sends no `host` unless it is given one, and at most 16 KiB of the
/// response are read.
///
/// ```
/// use lb_http::check::{HttpCheck, Version};
/// use http::HeaderValue;
///
/// let check = HttpCheck::get("/healthz")
///     .version(Version::Http11)
///     .host(HeaderValue::from_static("www.example.org"))
///     .expect("status 200".parse()?)
///     .expect("! string error".parse()?);
/// # Ok::<_, lb_http::check::ParseExpectError>(())
/// ```
#[derive(Clone, Debug)]
pub struct HttpCheck {
    dial: Dial,
    // Cloned for every probe of every server.
    exchange: Arc<Exchange>,
}

#[derive(Clone, Debug)]
struct Exchange {
    method: Method,
    target: Box<str>,
    version: Version,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
    expects: Vec<Expect>,
    disable_on_404: bool,
}

/// The version of HTTP that a check speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Version {
    /// HTTP/1.0, HAProxy's default.
    #[default]
    Http10,
    /// HTTP/1.1; `connection: close` is added.
    Http11,
}

/// A request target that would break the request line.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` is not a request target")]
pub struct InvalidTarget(String);

/// A version of HTTP that checks do not speak.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` is neither HTTP/1.0 nor HTTP/1.1")]
pub struct InvalidVersion(String);

impl FromStr for Version {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<Self, InvalidVersion> {
        match text {
            "HTTP/1.0" => Ok(Self::Http10),
            "HTTP/1.1" => Ok(Self::Http11),
            other => Err(InvalidVersion(other.to_owned())),
        }
    }
}

impl Default for HttpCheck {
    /// `OPTIONS / HTTP/1.0`, as HAProxy's `option httpchk` without arguments.
    fn default() -> Self {
        Self::request(Method::OPTIONS, "/".into())
    }
}

impl HttpCheck {
    /// `GET target HTTP/1.0`.
    ///
    /// # Panics
    ///
    /// If `target` is no request target; [`new`](Self::new) is for those that
    /// are not written in the program.
    pub fn get(target: &'static str) -> Self {
        match Self::new(Method::GET, target) {
            Ok(check) => check,
            Err(error) => panic!("{error}"),
        }
    }

    /// `method target HTTP/1.0`.
    ///
    /// # Errors
    ///
    /// If `target` is empty or has blanks or control characters.
    pub fn new(method: Method, target: &str) -> Result<Self, InvalidTarget> {
        let breaks = |byte: u8| byte <= b' ' || byte == 0x7f;
        if target.is_empty() || target.bytes().any(breaks) {
            return Err(InvalidTarget(target.escape_debug().to_string()));
        }
        Ok(Self::request(method, target.into()))
    }

    fn request(method: Method, target: Box<str>) -> Self {
        Self {
            dial: Dial::default(),
            exchange: Arc::new(Exchange {
                method,
                target,
                version: Version::default(),
                headers: Vec::new(),
                body: Bytes::new(),
                expects: Vec::new(),
                disable_on_404: false,
            }),
        }
    }

    fn edit(mut self, edit: impl FnOnce(&mut Exchange)) -> Self {
        edit(Arc::make_mut(&mut self.exchange));
        self
    }

    /// The version of HTTP (`http-check send ver`).
    #[must_use]
    pub fn version(self, version: Version) -> Self {
        self.edit(|exchange| exchange.version = version)
    }

    /// Adds a header (`http-check send hdr`). `content-length` and, with
    /// HTTP/1.1, `connection` are added by themselves and left out here.
    #[must_use]
    pub fn header(self, name: HeaderName, value: HeaderValue) -> Self {
        let own = [
            http::header::CONTENT_LENGTH,
            http::header::TRANSFER_ENCODING,
            http::header::CONNECTION,
        ];
        self.edit(|exchange| {
            if !own.contains(&name) {
                exchange.headers.push((name, value));
            }
        })
    }

    /// Adds a `host` header.
    #[must_use]
    pub fn host(self, host: HeaderValue) -> Self {
        self.header(http::header::HOST, host)
    }

    /// Sends a body (`http-check send body`).
    #[must_use]
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        self.edit(|exchange| exchange.body = body)
    }

    /// Replaces the rule that 2xx and 3xx are a success. All of several
    /// conditions must hold; the first that does not is named
    /// (`http-check expect`).
    #[must_use]
    pub fn expect(self, expect: Expect) -> Self {
        self.edit(|exchange| exchange.expects.push(expect))
    }

    /// Takes 404 from a server that is not DOWN for a wish to get no new
    /// clients, whatever is expected else (`http-check disable-on-404`).
    #[must_use]
    pub fn disable_on_404(self) -> Self {
        self.edit(|exchange| exchange.disable_on_404 = true)
    }

    /// Connects to this port instead of the server's (`port`).
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.dial.port = Some(port);
        self
    }

    /// Connects to this address instead of the server's (`addr`).
    #[must_use]
    pub fn address(mut self, address: IpAddr) -> Self {
        self.dial.address = Some(address);
        self
    }

    /// Begins with a PROXY header (`check-send-proxy`). Without this, it does so
    /// if the server's traffic does, unless it goes to another port or address.
    #[must_use]
    pub fn send_proxy(mut self, version: ProxyVersion) -> Self {
        self.dial.send_proxy = Some(version);
        self
    }
}

impl Service<Probe<Upstream>> for HttpCheck {
    type Response = Verdict;
    type Error = Infallible;
    type Future = HttpCheckFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, probe: Probe<Upstream>) -> HttpCheckFuture {
        let exam = Exam {
            exchange: Arc::clone(&self.exchange),
            is_down: probe.server().operational_state() == Operational::Down,
        };
        HttpCheckFuture(Talk::new(exam, self.dial.clone(), probe))
    }
}

/// The future of an [`HttpCheck`].
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct HttpCheckFuture(Talk<Exam>);

impl Future for HttpCheckFuture {
    type Output = Result<Verdict, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll_answer(cx).map(Ok)
    }
}

/// One exchange with one server.
#[derive(Debug)]
struct Exam {
    exchange: Arc<Exchange>,
    is_down: bool,
}

impl Dialogue for Exam {
    type Answer = Verdict;

    fn open(&self, out: &mut Vec<u8>) {
        self.exchange.write(out);
    }

    fn received(&self, bytes: &[u8], more: bool) -> Option<Verdict> {
        self.exchange.judge(bytes, more, self.is_down)
    }

    fn not_connected(&self, error: ConnectError) -> Verdict {
        dial::not_connected(&error)
    }

    fn broken(&self, error: io::Error) -> Verdict {
        Verdict::new(Status::SocketError).with_info(dial::reason(&error))
    }
}

impl Exchange {
    fn write(&self, out: &mut Vec<u8>) {
        let version = match self.version {
            Version::Http10 => "HTTP/1.0",
            Version::Http11 => "HTTP/1.1",
        };
        for part in [self.method.as_str(), " ", &self.target, " ", version] {
            out.extend_from_slice(part.as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        let mut header = |name: &str, value: &[u8]| {
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value);
            out.extend_from_slice(b"\r\n");
        };
        for (name, value) in &self.headers {
            header(name.as_str(), value.as_bytes());
        }
        if !self.body.is_empty() {
            let length = self.body.len().to_string();
            header("content-length", length.as_bytes());
        }
        if self.version == Version::Http11 {
            header("connection", b"close");
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&self.body);
    }

    /// The verdict, as soon as no more bytes can change it.
    fn judge(&self, bytes: &[u8], more: bool, is_down: bool) -> Option<Verdict> {
        let invalid = || Some(Verdict::new(Status::L7Response));
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let answer = match Response::parse(bytes, &mut headers, &self.method, more) {
            Ok(Some(answer)) => answer,
            Ok(None) if more => return None,
            Ok(None) | Err(_) => return invalid(),
        };
        if answer.code == 404 && self.disable_on_404 && !is_down {
            return Some(Verdict::new(Status::L7OkConditional).with_code(404));
        }
        if self.expects.is_empty() && !matches!(answer.code, 200..=399) {
            let verdict = Verdict::new(Status::L7Status).with_code(answer.code);
            return Some(verdict.with_info(answer.reason));
        }
        for expect in &self.expects {
            match expect.judge(&answer)? {
                Ok(()) => {}
                Err(verdict) => return Some(verdict),
            }
        }
        Some(Verdict::new(Status::L7Ok).with_code(answer.code))
    }
}
