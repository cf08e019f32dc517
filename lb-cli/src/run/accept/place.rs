//! Whom a socket serves, and how a connection to it begins.

use std::{io, sync::Arc};

use bytes::BytesMut;
use lb_http::server::Shutdown;
use lb_tcp::{
    Endpoint, Stream,
    proxy_protocol::{AcceptHeaderError, ParseHeaderError, accept_header},
};
use tokio::time::{Instant, timeout};

use crate::{
    config::model::Bind,
    run::{RunningFrontend, sessions::Session, site::FrontendServer},
};

/// Whom a socket serves.
pub(in crate::run) struct Place {
    pub(in crate::run) frontend: Arc<RunningFrontend>,
    /// Its place among the sockets of the frontend.
    pub(in crate::run) bind: usize,
    pub(in crate::run) server: FrontendServer,
}

impl Place {
    pub(super) async fn serve(
        &self,
        mut stream: Stream,
        peer: Endpoint,
        session: &Session,
        shutdown: &Shutdown,
    ) -> io::Result<()> {
        let local = match self.known_local() {
            Some(local) => local.clone(),
            None => stream.local()?,
        };
        let mut early = Vec::new();
        let (mut source, mut destination) = (peer, local);
        if self.declared().is_some_and(|bind| bind.accept_proxy) {
            let patience = self.frontend.plan.model().timeout.http_request;
            let since = Instant::now();
            let accepted = timeout(patience, accept_header(&mut stream, &mut early)).await;
            let accepted = accepted.map_or(Err(None), |done| done.map_err(Some));
            let header = match accepted {
                Ok(header) => header,
                Err(why) => {
                    let silent = early.is_empty();
                    let (error, message) = no_header(why, silent);
                    let ends = [&source, &destination];
                    self.server
                        .log_unheard(ends, since, self.bind, message, silent);
                    return Err(error);
                }
            };
            // A LOCAL or UNKNOWN header leaves the socket's own addresses.
            source = header.source().cloned().unwrap_or(source);
            destination = header.destination().cloned().unwrap_or(destination);
        }
        let early = BytesMut::from(&early[..]);
        let client = session.speaks_http(source, destination);
        self.server.serve(stream, early, client, shutdown).await;
        Ok(())
    }

    /// The address that every client of this socket has connected to, if it is one: it saves a system call for each.
    fn known_local(&self) -> Option<&Endpoint> {
        let local = &self.frontend.sockets().get(self.bind)?.local;
        local
            .ip()
            .is_some_and(|ip| !ip.is_unspecified())
            .then_some(local)
    }

    pub(super) fn declared(&self) -> Option<&Bind> {
        self.frontend.plan.model().bind.get(self.bind)
    }
}

/// Why there is no header of the PROXY protocol, for this process and in HAProxy's words; `None` is a time-out.
fn no_header(why: Option<AcceptHeaderError>, silent: bool) -> (io::Error, &'static str) {
    let message = match (&why, silent) {
        (Some(AcceptHeaderError::Header(ParseHeaderError::Signature)), _) => {
            "Received something which does not look like a PROXY protocol header"
        }
        (Some(AcceptHeaderError::Header(_)), _) => "Received an invalid PROXY protocol header",
        (_, false) => "Truncated PROXY protocol header received",
        (Some(_), true) => "Connection closed while waiting for PROXY protocol header",
        (None, true) => "Timeout while waiting for PROXY protocol header",
    };
    let error = match why {
        Some(why) => io::Error::other(why),
        None => io::ErrorKind::TimedOut.into(),
    };
    (error, message)
}
