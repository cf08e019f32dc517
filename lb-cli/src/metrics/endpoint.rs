//! Where Prometheus asks: a listener of its own, beside the data path.

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
};
use http_body_util::Full;
use lb_http::server::{Incoming, Server, Settings, Shutdown, Timeouts};
use lb_tcp::{Acceptor, BindError, Listen, Listener};
use lb_vrrp::Vrrp;
use tokio::sync::Semaphore;

use super::{Format, View};
use crate::run::{Live, Succession};

/// Connections at a time; more wait.
const CLIENTS: usize = 32;

/// Who scrapes is a machine near by, and comes again every 15 s or so.
const TIMEOUTS: Timeouts = Timeouts {
    http_request: Duration::from_secs(5),
    keep_alive: Duration::from_secs(30),
    client: Duration::from_secs(10),
};

const PATH: &str = "/metrics";

/// A socket that is listened on; nobody is answered yet.
#[derive(Debug)]
pub(crate) struct Endpoint {
    listen: Listen,
    listener: Listener,
}

impl Endpoint {
    /// Binds it.
    pub(crate) fn bind(listen: &Listen) -> Result<Self, BindError> {
        let listener = listen.bind()?;
        Ok(Self::adopt(listen, listener))
    }

    /// The socket of another process at the same address.
    pub(crate) fn adopt(listen: &Listen, listener: Listener) -> Self {
        Self {
            listen: listen.clone(),
            listener,
        }
    }

    /// Answers on the current runtime, for as long as it runs or until another process takes its place.
    ///
    /// # Errors
    /// When the runtime cannot watch the socket.
    pub(crate) fn open(
        self,
        live: &Live,
        routers: Vec<Vrrp>,
        succession: &Succession,
    ) -> io::Result<()> {
        let source = Arc::new(Figures {
            live: live.clone(),
            routers,
        });
        let acceptor = Arc::new(self.listener.into_tokio()?);
        let task = tokio::spawn(accept(Arc::clone(&acceptor), source));
        succession.with_metrics(&self.listen, &acceptor, task.abort_handle());
        Ok(())
    }
}

/// Where the figures are.
struct Figures {
    live: Live,
    routers: Vec<Vrrp>,
}

async fn accept(acceptor: Arc<Acceptor>, source: Arc<Figures>) {
    let places = Arc::new(Semaphore::new(CLIENTS));
    let settings = Settings {
        timeouts: TIMEOUTS,
        ..Settings::default()
    };
    let service = hyper::service::service_fn(move |request| answer(Arc::clone(&source), request));
    let server = Server::new(service, settings);
    // Never begun: it answers until the process has nothing left to tell.
    let shutdown = Shutdown::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let Ok((stream, peer)) = acceptor.accept().await else {
            // Out of descriptors, most likely; to try again at once would burn the core.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (server, shutdown) = (server.clone(), shutdown.clone());
        tokio::spawn(async move {
            if let Ok(local) = stream.local() {
                let early = BytesMut::new();
                server.serve(stream, early, peer, local, &shutdown).await;
            }
            drop(place);
        });
    }
}

async fn answer(
    source: Arc<Figures>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let refuse = |status: StatusCode| {
        let text = format!("{status}: GET {PATH}\n");
        let mut response = Response::new(Full::from(text));
        *response.status_mut() = status;
        Ok(response)
    };
    if request.uri().path() != PATH {
        return refuse(StatusCode::NOT_FOUND);
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return refuse(StatusCode::METHOD_NOT_ALLOWED).map(|mut response| {
            let allowed = HeaderValue::from_static("GET, HEAD");
            response.headers_mut().insert(ALLOW, allowed);
            response
        });
    }
    let Some(view) = View::parse(request.uri().query().unwrap_or_default()) else {
        return refuse(StatusCode::BAD_REQUEST);
    };
    let accept = request.headers().get_all(ACCEPT).iter();
    let accept: Vec<_> = accept.filter_map(|value| value.to_str().ok()).collect();
    let format = Format::of(&accept.join(","));
    // Away from this thread, whose checks are not to wait for thousands of servers to be written.
    let text = tokio::task::spawn_blocking(move || {
        super::write(&source.live.system(), &source.routers, format, &view)
    });
    let Ok(text) = text.await else {
        return refuse(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let mut response = Response::new(Full::from(text));
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static(format.content_type()),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(response)
}
