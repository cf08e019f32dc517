//! Taking connections, within the limits.

use std::{
    future::poll_fn,
    io, mem,
    ops::ControlFlow,
    sync::{Arc, Weak},
    task::{Context, Poll},
    time::Duration,
};

use bytes::BytesMut;
use lb_http::server::Shutdown;
use lb_tcp::{
    Acceptor, Address, Endpoint, Stream,
    proxy_protocol::{AcceptHeaderError, ParseHeaderError, accept_header},
};
use tokio::{
    sync::{OwnedSemaphorePermit, watch},
    task::JoinSet,
    time::{Instant, sleep, timeout, timeout_at},
};

use super::{
    RunningFrontend,
    running::{FrontendLife, Gate},
    sessions::Session,
    shared::{Phase, Shared},
    site::FrontendServer,
};
use crate::{config::model::Bind, log::Level};

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
    place: Arc<Place>,
    orders: watch::Receiver<Order>,
    shared: Arc<Shared>,
    shutdown: Shutdown,
}

/// Whom a socket serves.
pub(super) struct Place {
    pub(super) frontend: Arc<RunningFrontend>,
    /// Its place among the sockets of the frontend.
    pub(super) bind: usize,
    pub(super) server: FrontendServer,
}

/// What a socket is to do.
#[derive(Clone)]
enum Order {
    Serve(Arc<Place>),
    /// Close, and cut what is left of its connections then.
    Close(Instant),
}

/// A [`Door`], seen from its worker.
pub(super) struct Handle {
    /// As declared.
    pub(super) address: Address,
    /// For as long as it accepts.
    pub(super) acceptor: Weak<Acceptor>,
    orders: watch::Sender<Order>,
    shutdown: Shutdown,
}

impl Handle {
    /// It serves somebody from now on; those who are connected stay.
    pub(super) fn moves(&self, place: Place) {
        self.orders.send_replace(Order::Serve(Arc::new(place)));
    }

    /// It accepts no more, and what is left of its connections is cut at the deadline.
    pub(super) fn close(&self, deadline: Instant) {
        self.orders.send_replace(Order::Close(deadline));
        self.shutdown.begin();
    }

    /// Its connections end with the request that they are at.
    pub(super) fn drain(&self) {
        self.shutdown.begin();
    }

    /// Its connections end with the next request at the latest; none is closed that waits for one.
    pub(super) fn drain_slowly(&self) {
        self.shutdown.begin_with_next();
    }

    /// Was it shut down for ever?
    pub(super) fn has_ended(&self) -> bool {
        self.orders.is_closed()
    }
}

/// Why a socket accepts no more.
enum End {
    /// The process stops, or its frontend was shut down.
    Stop,
    /// It is no longer declared.
    Closed(Instant),
}

/// Accepts until the process stops or the socket is no longer declared, and then what the kernel has already
/// accepted for it; ends with the last of its connections.
pub(super) async fn run(mut door: Door, acceptor: Arc<Acceptor>) {
    let mut connections = JoinSet::new();
    let mut refusing = Refusing::new(&door.place.frontend.life);
    let end = loop {
        let life = &door.place.frontend.life;
        if !Arc::ptr_eq(&refusing.life, life) {
            mem::replace(&mut refusing, Refusing::new(life)).leave();
        }
        let end = door.accept(&acceptor, &mut refusing, &mut connections);
        if let Some(end) = end.await {
            break end;
        }
    };
    // Closing the socket would reset those that wait in its queue.
    door.admit_waiting(&acceptor, &mut connections).await;
    drop(acceptor);
    match end {
        End::Stop => drop(refusing),
        End::Closed(_) => refusing.leave(),
    }
    // Whoever asks knows now that it accepts no more.
    drop(door);
    let all_ended = async { while connections.join_next().await.is_some() {} };
    match end {
        End::Stop => all_ended.await,
        End::Closed(deadline) => {
            if timeout_at(deadline, all_ended).await.is_err() {
                connections.shutdown().await;
            }
        }
    }
}

/// One socket's share in what a virtual router that tracks the frontend is told. A socket that is gone accepts nothing
/// either.
struct Refusing {
    life: Arc<FrontendLife>,
    /// Since when nothing but failures came.
    since: Option<Instant>,
    said: Option<Instant>,
    now: bool,
    left: bool,
}

impl Refusing {
    fn new(life: &Arc<FrontendLife>) -> Self {
        Self {
            life: Arc::clone(life),
            since: None,
            said: None,
            now: false,
            left: false,
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

    /// It is none of the frontend's sockets any more.
    fn leave(mut self) {
        self.set(false);
        self.left = true;
    }

    fn set(&mut self, now: bool) {
        if self.now != now {
            self.now = now;
            self.life.refusing.send_modify(|count| {
                *count = if now { *count + 1 } else { *count - 1 };
            });
        }
    }
}

impl Drop for Refusing {
    fn drop(&mut self) {
        if !self.left {
            self.set(true);
        }
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
    /// The socket of an address, for the place it begins with.
    pub(super) fn new(
        address: Address,
        place: Place,
        acceptor: &Arc<Acceptor>,
        shared: Arc<Shared>,
    ) -> (Self, Handle) {
        let place = Arc::new(place);
        let (sender, orders) = watch::channel(Order::Serve(Arc::clone(&place)));
        let shutdown = Shutdown::new();
        let handle = Handle {
            address,
            acceptor: Arc::downgrade(acceptor),
            orders: sender,
            shutdown: shutdown.clone(),
        };
        let door = Self {
            place,
            orders,
            shared,
            shutdown,
        };
        (door, handle)
    }

    /// Accepts for its place, until it has another (`None`) or no more.
    async fn accept(
        &mut self,
        acceptor: &Acceptor,
        refusing: &mut Refusing,
        connections: &mut JoinSet<()>,
    ) -> Option<End> {
        let mut phase = self.shared.phase.subscribe();
        let mut gate = self.place.frontend.life.gate.subscribe();
        loop {
            // What has ended is forgotten when somebody else comes.
            while connections.try_join_next().is_some() {}
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
                _ = phase.wait_for(|phase| *phase != Phase::Run) => return Some(End::Stop),
                changed = self.orders.changed() => return self.follow(&changed),
            };
            match accepted {
                Some(Ok((stream, peer))) => {
                    refusing.works();
                    let Some(permits) = self.permits(&mut phase).await else {
                        return Some(End::Stop);
                    };
                    self.admit(stream, peer, permits, connections);
                }
                Some(Err(error)) => {
                    if refusing.failed(Instant::now()) {
                        self.say(&format!("cannot accept: {error}"));
                    }
                    sleep(BACK_OFF).await;
                }
                None => {
                    // They came before it was disabled.
                    self.admit_waiting(acceptor, connections).await;
                    let paused = acceptor.pause();
                    refusing.set(true);
                    let opened = self.until_opened(&mut gate, &mut phase).await;
                    if let ControlFlow::Break(Some(end)) = opened {
                        return Some(end);
                    }
                    if let Err(error) = paused.and_then(|()| acceptor.resume(self.backlog())) {
                        self.say(&format!("cannot be enabled: {error}"));
                        return Some(End::Stop);
                    }
                    if opened.is_break() {
                        return None;
                    }
                }
            }
        }
    }

    /// Waits while its frontend is disabled: until it is not any more, or it serves another one (`None`) or none.
    async fn until_opened(
        &mut self,
        gate: &mut watch::Receiver<Gate>,
        phase: &mut watch::Receiver<Phase>,
    ) -> ControlFlow<Option<End>> {
        let disabled = Arc::clone(&self.place.frontend.life);
        loop {
            tokio::select! {
                state = gate.wait_for(|gate| *gate != Gate::Paused) => {
                    let opened = state.is_ok_and(|gate| *gate == Gate::Open);
                    return match opened {
                        true => ControlFlow::Continue(()),
                        false => ControlFlow::Break(Some(End::Stop)),
                    };
                }
                _ = phase.wait_for(|phase| *phase != Phase::Run) => {
                    return ControlFlow::Break(Some(End::Stop));
                }
                changed = self.orders.changed() => {
                    let end = self.follow(&changed);
                    if end.is_some() || !Arc::ptr_eq(&disabled, &self.place.frontend.life) {
                        return ControlFlow::Break(end);
                    }
                }
            }
        }
    }

    /// Does as it was told last.
    fn follow(&mut self, changed: &Result<(), watch::error::RecvError>) -> Option<End> {
        if changed.is_err() {
            return Some(End::Stop);
        }
        match self.orders.borrow_and_update().clone() {
            Order::Serve(place) => {
                self.place = place;
                None
            }
            Order::Close(deadline) => Some(End::Closed(deadline)),
        }
    }

    fn say(&self, what: &str) {
        let name = self.place.frontend.plan.name();
        let text = format!("frontend {name} {what}");
        self.shared.log.say(Level::Alert, &text);
    }

    /// A place for one more connection in every limit. Whoever waits here has been accepted; the others wait in the
    /// kernel's backlog.
    async fn permits(
        &self,
        phase: &mut watch::Receiver<Phase>,
    ) -> Option<Vec<OwnedSemaphorePermit>> {
        let frontend = &self.place.frontend;
        let limits = [
            Some(&self.shared.permits),
            Some(&frontend.life.permits),
            frontend
                .bind_permits
                .get(self.place.bind)
                .and_then(Option::as_deref),
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

    /// Those that the kernel has accepted already.
    async fn admit_waiting(&self, acceptor: &Acceptor, connections: &mut JoinSet<()>) {
        while let Some((stream, peer)) = poll_fn(|cx| next_waiting(acceptor, cx)).await {
            self.admit(stream, peer, Vec::new(), connections);
        }
    }

    fn admit(
        &self,
        stream: Stream,
        peer: Endpoint,
        permits: Vec<OwnedSemaphorePermit>,
        connections: &mut JoinSet<()>,
    ) {
        let (place, shutdown) = (Arc::clone(&self.place), self.shutdown.clone());
        let counted = (
            self.shared.connections.enter(),
            place.frontend.life.connections.enter(),
        );
        let sessions = &self.shared.sessions;
        let (present, session) = sessions.enter(&place.frontend, place.bind, &peer);
        let task = connections.spawn(async move {
            if let Err(error) = place.serve(stream, peer, &present, &shutdown).await {
                tracing::debug!(%error, "connection refused");
            }
            drop((counted, permits, present));
        });
        session.is_served_by(task);
    }

    fn backlog(&self) -> u32 {
        let bind = self.place.declared();
        bind.and_then(|bind| bind.backlog).unwrap_or(BACKLOG)
    }
}

impl Place {
    async fn serve(
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

    fn declared(&self) -> Option<&Bind> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_what_goes_on_failing_refuses() {
        let life = Arc::new(FrontendLife::new(None));
        let start = Instant::now();
        let after = |millis| start + Duration::from_millis(millis);
        let mut refusing = Refusing::new(&life);
        let said = [0, 100, 900].map(|millis| refusing.failed(after(millis)));
        assert_eq!(said, [true, false, false]);
        assert_eq!(*life.refusing.borrow(), 0);
        refusing.works();
        refusing.failed(after(1000));
        assert_eq!(*life.refusing.borrow(), 0, "it worked in between");
        refusing.failed(after(2000));
        refusing.failed(after(2100));
        assert_eq!(*life.refusing.borrow(), 1);
        refusing.works();
        assert_eq!(*life.refusing.borrow(), 0);
        drop(refusing);
        assert_eq!(
            *life.refusing.borrow(),
            1,
            "a socket that is gone accepts nothing"
        );
    }
}
