//! Taking connections, within the limits.

use std::{
    future::poll_fn,
    io,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::BytesMut;
use lb_http::server::Shutdown;
use lb_tcp::{
    Acceptor, Endpoint, Stream,
    proxy_protocol::{AcceptHeaderError, ParseHeaderError, accept_header},
};
use tokio::{
    sync::{OwnedSemaphorePermit, watch},
    time::{Instant, sleep, timeout},
};
use tokio_util::task::TaskTracker;

use super::{
    System,
    frontend::FrontendServer,
    sessions::Session,
    system::{Gate, Phase, RunningFrontend},
};
use crate::log::Level;

/// What the kernel keeps for a socket that says nothing else.
const BACKLOG: u32 = 4096;

/// How long to leave connections in the kernel's queue when descriptors run out.
const BACK_OFF: Duration = Duration::from_millis(100);

/// A socket that goes on failing is said again after this.
const SAY_AGAIN: Duration = Duration::from_secs(10);

/// A socket that has failed for so long does not accept. A moment without descriptors is no
/// reason to move an address to another node, where the load goes with it.
const PERSISTENT: Duration = Duration::from_secs(1);

/// One listening socket of one worker.
pub(super) struct Door {
    pub(super) frontend: Arc<RunningFrontend>,
    pub(super) bind: usize,
    pub(super) server: FrontendServer,
    pub(super) system: Arc<System>,
    pub(super) connections: TaskTracker,
    pub(super) shutdown: Shutdown,
}

/// Accepts until the process stops, and then what the kernel has already
/// accepted for it.
pub(super) async fn run(door: Door, acceptor: Acceptor) {
    let door = Arc::new(door);
    let mut phase = door.system.phase.subscribe();
    let mut gate = door.frontend.gate.subscribe();
    let mut refusing = Refusing::new(&door.frontend.refusing);
    loop {
        let accept = poll_fn(|cx| {
            let accepted = acceptor.poll_accept(cx);
            if accepted.is_pending() {
                // Nobody waits, and whoever comes would be let in.
                refusing.works();
            }
            accepted
        });
        let accepted = tokio::select! {
            accepted = accept => Some(accepted),
            _ = gate.wait_for(|gate| *gate != Gate::Open) => None,
            _ = phase.wait_for(|phase| *phase != Phase::Run) => break,
        };
        let Some(accepted) = accepted else {
            let opened = door.closed(&acceptor, &mut refusing, &mut gate, &mut phase);
            match opened.await {
                true => continue,
                false => break,
            }
        };
        match accepted {
            Ok((stream, peer)) => {
                refusing.works();
                let Some(permits) = door.permits(&mut phase).await else {
                    break;
                };
                door.admit(stream, peer, permits);
            }
            Err(error) => {
                if refusing.failed(Instant::now()) {
                    let name = door.frontend.plan.name();
                    let text = format!("frontend {name} cannot accept: {error}");
                    door.system.log().say(Level::Alert, &text);
                }
                sleep(BACK_OFF).await;
            }
        }
    }
    drop(refusing);
    // Closing the socket would reset those that wait in its queue.
    while let Some((stream, peer)) = poll_fn(|cx| next_waiting(&acceptor, cx)).await {
        door.admit(stream, peer, Vec::new());
    }
}

/// One socket's share in what a virtual router that tracks the frontend is told. A socket that
/// is gone accepts nothing either.
struct Refusing<'a> {
    sockets: &'a watch::Sender<u32>,
    /// Since when nothing but failures came.
    since: Option<Instant>,
    said: Option<Instant>,
    now: bool,
}

impl<'a> Refusing<'a> {
    const fn new(sockets: &'a watch::Sender<u32>) -> Self {
        Self {
            sockets,
            since: None,
            said: None,
            now: false,
        }
    }

    fn works(&mut self) {
        self.since = None;
        self.set(false);
    }

    /// Whether it is to be said: not ten times a second.
    fn failed(&mut self, now: Instant) -> bool {
        let since = *self.since.get_or_insert(now);
        if now.duration_since(since) >= PERSISTENT {
            self.set(true);
        }
        let news = self
            .said
            .is_none_or(|said| now.duration_since(said) >= SAY_AGAIN);
        if news {
            self.said = Some(now);
        }
        news
    }

    fn set(&mut self, now: bool) {
        if self.now != now {
            self.now = now;
            self.sockets.send_modify(|count| {
                *count = if now { *count + 1 } else { *count - 1 };
            });
        }
    }
}

impl Drop for Refusing<'_> {
    fn drop(&mut self) {
        self.set(true);
    }
}

/// A connection that is there already; `None` if there is none.
fn next_waiting(acceptor: &Acceptor, cx: &mut Context<'_>) -> Poll<Option<(Stream, Endpoint)>> {
    Poll::Ready(match acceptor.poll_accept(cx) {
        Poll::Ready(Ok(connection)) => Some(connection),
        Poll::Ready(Err(_)) | Poll::Pending => None,
    })
}

impl Door {
    /// Takes nobody for as long as the frontend is disabled; false if it stays so.
    async fn closed(
        self: &Arc<Self>,
        acceptor: &Acceptor,
        refusing: &mut Refusing<'_>,
        gate: &mut watch::Receiver<Gate>,
        phase: &mut watch::Receiver<Phase>,
    ) -> bool {
        // They came before it was disabled.
        while let Some((stream, peer)) = poll_fn(|cx| next_waiting(acceptor, cx)).await {
            self.admit(stream, peer, Vec::new());
        }
        let paused = acceptor.pause();
        refusing.set(true);
        let state = tokio::select! {
            state = gate.wait_for(|gate| *gate != Gate::Paused) => state.map(|state| *state),
            _ = phase.wait_for(|phase| *phase != Phase::Run) => return false,
        };
        if !matches!(state, Ok(Gate::Open)) {
            return false;
        }
        let binds = &self.frontend.plan.model().bind;
        let backlog = binds.get(self.bind).and_then(|bind| bind.backlog);
        let resumed = paused.and_then(|()| acceptor.resume(backlog.unwrap_or(BACKLOG)));
        if let Err(error) = &resumed {
            let name = self.frontend.plan.name();
            let text = format!("frontend {name} cannot be enabled: {error}");
            self.system.log().say(Level::Alert, &text);
        }
        resumed.is_ok()
    }

    /// A place for one more connection in every limit. Whoever waits here has
    /// been accepted; the others wait in the kernel's backlog.
    async fn permits(
        &self,
        phase: &mut watch::Receiver<Phase>,
    ) -> Option<Vec<OwnedSemaphorePermit>> {
        let limits = [
            Some(&self.system.permits),
            Some(&self.frontend.permits),
            self.frontend
                .bind_permits
                .get(self.bind)
                .and_then(Option::as_ref),
        ];
        let mut permits = Vec::with_capacity(2);
        for limit in limits.into_iter().flatten() {
            let permit = tokio::select! {
                permit = limit.take() => permit.ok()?,
                _ = phase.wait_for(|phase| *phase == Phase::Stop) => return None,
            };
            permits.push(permit);
        }
        Some(permits)
    }

    fn admit(self: &Arc<Self>, stream: Stream, peer: Endpoint, permits: Vec<OwnedSemaphorePermit>) {
        let door = Arc::clone(self);
        let counted = (
            door.system.connections.enter(),
            door.frontend.connections.enter(),
        );
        let sessions = &self.system.sessions;
        let (present, session) = sessions.enter(&self.frontend, self.bind, &peer);
        let task = self.connections.spawn(async move {
            if let Err(error) = door.serve(stream, peer, &present).await {
                tracing::debug!(%error, "connection refused");
            }
            drop((counted, permits, present));
        });
        session.is_served_by(task.abort_handle());
    }

    async fn serve(&self, mut stream: Stream, peer: Endpoint, session: &Session) -> io::Result<()> {
        let local = match self.known_local() {
            Some(local) => local.clone(),
            None => stream.local()?,
        };
        let mut early = Vec::new();
        let (mut source, mut destination) = (peer, local);
        if self.accepts_proxy() {
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
        self.server
            .serve(stream, early, client, &self.shutdown)
            .await;
        Ok(())
    }

    /// The address that every client of this socket has connected to, if it is
    /// one: it saves a system call for each.
    fn known_local(&self) -> Option<&Endpoint> {
        let local = self.frontend.listening().get(self.bind)?;
        local
            .ip()
            .is_some_and(|ip| !ip.is_unspecified())
            .then_some(local)
    }

    fn accepts_proxy(&self) -> bool {
        let binds = &self.frontend.plan.model().bind;
        binds.get(self.bind).is_some_and(|bind| bind.accept_proxy)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_what_goes_on_failing_refuses() {
        let sockets = watch::Sender::new(0);
        let start = Instant::now();
        let after = |millis| start + Duration::from_millis(millis);
        let mut refusing = Refusing::new(&sockets);
        let said = [0, 100, 900].map(|millis| refusing.failed(after(millis)));
        assert_eq!(said, [true, false, false]);
        assert_eq!(*sockets.borrow(), 0);
        refusing.works();
        refusing.failed(after(1000));
        assert_eq!(*sockets.borrow(), 0, "it worked in between");
        refusing.failed(after(2000));
        refusing.failed(after(2100));
        assert_eq!(*sockets.borrow(), 1);
        refusing.works();
        assert_eq!(*sockets.borrow(), 0);
        drop(refusing);
        assert_eq!(
            *sockets.borrow(),
            1,
            "a socket that is gone accepts nothing"
        );
    }
}
