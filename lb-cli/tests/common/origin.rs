//! Origins: small HTTP servers inside the test.
//!
//! Their connections can be reset and their ports closed, as when a process is killed, and opened
//! again on the same address.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpSocket},
    sync::watch,
    time::sleep,
};

use super::{address, message::Message, wire::Wire};

/// What an origin does with a request.
pub(crate) enum Answer {
    /// Sends this at once.
    Send(Vec<u8>),
    /// Sends this and ends the connection.
    Cut(Vec<u8>),
    /// Sends it when the work is done that takes this long.
    After(Duration, Vec<u8>),
    /// Sends it when the gate has opened.
    When(watch::Receiver<bool>, Vec<u8>),
    /// Never answers.
    Hang,
    /// Ends the connection.
    Close,
}

type Handler = dyn Fn(&Message) -> Answer + Send + Sync;

/// A running origin.
pub(crate) struct Origin {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Dropped to kill what runs.
    alive: Mutex<Option<watch::Sender<()>>>,
}

struct Shared {
    handler: Box<Handler>,
    connections: AtomicUsize,
    requests: AtomicUsize,
    busy: AtomicUsize,
    peak: AtomicUsize,
}

impl Origin {
    /// An origin that answers as `handler` says.
    pub(crate) async fn start(
        handler: impl Fn(&Message) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let origin = Self {
            address: address::free(),
            shared: Arc::new(Shared {
                handler: Box::new(handler),
                connections: AtomicUsize::new(0),
                requests: AtomicUsize::new(0),
                busy: AtomicUsize::new(0),
                peak: AtomicUsize::new(0),
            }),
            alive: Mutex::default(),
        };
        origin.revive().await;
        origin
    }

    /// An origin that answers every request with its name.
    pub(crate) async fn named(name: impl Into<String>) -> Self {
        let answer = ok(name.into());
        Self::start(move |_| Answer::Send(answer.clone())).await
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connections since it was made.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Requests since it was made.
    pub(crate) fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::SeqCst)
    }

    /// Is it working on a request?
    pub(crate) fn busy(&self) -> bool {
        self.shared.busy.load(Ordering::SeqCst) > 0
    }

    /// The most requests that it was working on at a time.
    pub(crate) fn peak(&self) -> usize {
        self.shared.peak.load(Ordering::SeqCst)
    }

    /// Resets every connection and closes the port.
    pub(crate) async fn kill(&self) {
        let alive = self.alive.lock().expect("no test panics here").take();
        if let Some(alive) = alive {
            let _ = alive.send(());
            // Each connection holds a receiver until it has been reset.
            alive.closed().await;
        }
    }

    /// Listens on its address.
    pub(crate) async fn revive(&self) {
        let (alive, killed) = watch::channel(());
        let listener = listen(self.address);
        *self.alive.lock().expect("no test panics here") = Some(alive);
        tokio::spawn(accept(listener, Arc::clone(&self.shared), killed));
    }
}

/// A listener at an address that may have been in use a moment ago.
pub(crate) fn listen(address: SocketAddr) -> TcpListener {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }
    .expect("sockets can be had");
    socket.set_reuseaddr(true).expect("an option of sockets");
    socket
        .bind(address)
        .unwrap_or_else(|error| panic!("{address}: {error}"));
    socket.listen(4096).expect("a bound socket listens")
}

/// A listener of its own for a test that writes every byte itself.
pub(crate) fn raw() -> TcpListener {
    listen(address::free())
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, mut killed: watch::Receiver<()>) {
    loop {
        let accepted = tokio::select! {
            biased;
            _ = killed.changed() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else { continue };
        let _ = stream.set_nodelay(true);
        shared.connections.fetch_add(1, Ordering::SeqCst);
        let (shared, mut killed) = (Arc::clone(&shared), killed.clone());
        tokio::spawn(async move {
            let mut wire = Wire::new(stream);
            tokio::select! {
                biased;
                _ = killed.changed() => wire.reset(),
                () = serve(&mut wire, &shared) => {}
            }
            drop(killed);
        });
    }
}

async fn serve(wire: &mut Wire, shared: &Shared) {
    loop {
        let request = match wire.next_request().await {
            Ok(Some(request)) => request,
            Ok(None) => return,
            // A request that was cut short, as by a client that went away.
            Err(_) => return,
        };
        shared.requests.fetch_add(1, Ordering::SeqCst);
        let busy = shared.busy.fetch_add(1, Ordering::SeqCst) + 1;
        shared.peak.fetch_max(busy, Ordering::SeqCst);
        let mut last = false;
        let answer = match (shared.handler)(&request) {
            Answer::Send(bytes) => Some(bytes),
            Answer::Cut(bytes) => {
                last = true;
                Some(bytes)
            }
            Answer::After(work, bytes) => {
                sleep(work).await;
                Some(bytes)
            }
            Answer::When(mut gate, bytes) => {
                // A gate that is gone is open.
                let _ = gate.wait_for(|open| *open).await;
                Some(bytes)
            }
            Answer::Hang => {
                wire.rest_unheard().await;
                None
            }
            Answer::Close => None,
        };
        // Before the answer is out: whoever has it may send the next request.
        shared.busy.fetch_sub(1, Ordering::SeqCst);
        match answer {
            Some(bytes) => wire.send(bytes).await,
            None => return,
        }
        if last {
            return;
        }
    }
}

impl Wire {
    /// Reads until the other side is gone, however long that takes.
    async fn rest_unheard(&mut self) {
        let _ = tokio::io::copy(&mut self.stream, &mut tokio::io::sink()).await;
    }
}

/// A 200 with this body.
pub(crate) fn ok(body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}
