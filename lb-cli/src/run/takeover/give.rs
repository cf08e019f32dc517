//! The process whose place is taken.

use std::{
    io,
    os::fd::{AsFd as _, OwnedFd},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use lb_tcp::{Acceptor, Listen};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, Interest},
    net::UnixStream,
    sync::{mpsc, oneshot},
    task::{AbortHandle, JoinHandle},
    time::{sleep, timeout},
};

use super::{Figures, LONGEST_FRAME, Legacy, Of, Socket, State, descriptors};
use crate::run::{Live, System, supervisor, worker::Order};

/// For the other process to open what it needs and to serve.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often the other one hears what has been counted.
const EVERY: Duration = Duration::from_secs(1);

/// A listening socket beside the data path.
#[derive(Debug)]
struct Beside {
    socket: Socket,
    acceptor: Weak<Acceptor>,
    /// Who accepts from it.
    task: AbortHandle,
}

/// The way of this process to give its place away.
#[derive(Debug)]
pub(crate) struct Succession {
    live: Live,
    workers: Vec<mpsc::UnboundedSender<Order>>,
    beside: Mutex<Vec<Beside>>,
    /// Why it cannot.
    refuses: Option<&'static str>,
    heir: Mutex<Option<Heir>>,
}

/// The process that has taken the place.
#[derive(Debug)]
struct Heir {
    /// Dropped when there is nothing more to count.
    ended: oneshot::Sender<()>,
    told: JoinHandle<()>,
}

impl Succession {
    pub(in crate::run) fn new(
        live: Live,
        workers: Vec<mpsc::UnboundedSender<Order>>,
        refuses: Option<&'static str>,
    ) -> Self {
        Self {
            live,
            workers,
            beside: Mutex::default(),
            refuses,
            heir: Mutex::default(),
        }
    }

    /// The admin socket is to go along, and `task` to end then.
    pub(crate) fn with_admin(&self, address: String, acceptor: &Arc<Acceptor>, task: AbortHandle) {
        self.with(Of::Admin, address, acceptor, task);
    }

    /// The same of the socket that Prometheus asks.
    pub(crate) fn with_metrics(
        &self,
        listen: &Listen,
        acceptor: &Arc<Acceptor>,
        task: AbortHandle,
    ) {
        self.with(Of::Metrics, listen.address().to_string(), acceptor, task);
    }

    fn with(&self, of: Of, address: String, acceptor: &Arc<Acceptor>, task: AbortHandle) {
        let beside = Beside {
            socket: Socket {
                of,
                address,
                options: String::new(),
            },
            acceptor: Arc::downgrade(acceptor),
            task,
        };
        lock(&self.beside).push(beside);
    }

    /// Has somebody taken its place?
    pub(crate) fn has_heir(&self) -> bool {
        lock(&self.heir).is_some()
    }

    /// Gives its place to the process at the other end, and begins to drain; nothing has changed after an error.
    ///
    /// # Errors
    /// When the other one goes, or takes too long.
    pub(crate) async fn give(&self, mut stream: UnixStream) -> io::Result<()> {
        let system = self.live.system();
        let refused = match self.refuses {
            _ if system.is_stopping() => Some("this process is stopping"),
            refuses => refuses,
        };
        if let Some(why) = refused {
            let legacy = Legacy {
                sockets: Vec::new(),
                state: State::default(),
                refused: Some(why.to_owned()),
            };
            return send(&mut stream, &legacy).await;
        }
        let sockets = self.sockets(&system).await?;
        let (sockets, open): (Vec<_>, Vec<_>) = sockets.into_iter().unzip();
        let legacy = Legacy {
            sockets,
            state: State::of(&system),
            refused: None,
        };
        send(&mut stream, &legacy).await?;
        for batch in open.chunks(descriptors::BATCH) {
            let batch: Vec<_> = batch.iter().map(OwnedFd::as_fd).collect();
            stream
                .async_io(Interest::WRITABLE, || descriptors::send(&stream, &batch))
                .await?;
        }
        drop(open);
        // It serves: an empty frame.
        timeout(PATIENCE, stream.read_u32()).await??;
        let heir = stream.peer_cred().ok().and_then(|it| it.pid());
        let name = heir.map_or_else(String::new, |pid| format!(" {pid}"));
        let log = system.log();
        log.notice(&format!("process{name} has taken over: no new connections"));
        if let Some(pid) = heir.and_then(|pid| u32::try_from(pid).ok()) {
            supervisor::is_now(pid);
        }
        for beside in lock(&self.beside).drain(..) {
            beside.task.abort();
        }
        send(&mut stream, &Figures::of(&system)).await?;
        let (ended, end) = oneshot::channel();
        let told = tokio::spawn(tell(stream, self.live.clone(), end));
        // Before those who wait for the end look for it.
        *lock(&self.heir) = Some(Heir { ended, told });
        system.shared.hand_over();
        Ok(())
    }

    /// Everything that it listens on, save what is disabled.
    async fn sockets(&self, system: &System) -> io::Result<Vec<(Socket, OwnedFd)>> {
        let mut sockets = Vec::new();
        for worker in &self.workers {
            let (sender, receiver) = oneshot::channel();
            let _ = worker.send(Order::Hand(sender));
            let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
            for (address, descriptor) in receiver.await.map_err(gone)? {
                let declared = system.frontends().iter();
                let mut listens = declared.flat_map(|frontend| frontend.plan().listens());
                let Some(listen) = listens.find(|listen| *listen.address() == address) else {
                    continue;
                };
                sockets.push((Socket::of_frontend(&listen), descriptor));
            }
        }
        for beside in &*lock(&self.beside) {
            if let Some(acceptor) = beside.acceptor.upgrade() {
                let descriptor = acceptor.as_fd().try_clone_to_owned()?;
                sockets.push((beside.socket.clone(), descriptor));
            }
        }
        Ok(sockets)
    }

    /// Tells the heir for the last time what was counted.
    pub(in crate::run) async fn finish(&self) {
        let heir = lock(&self.heir).take();
        if let Some(Heir { ended, told }) = heir {
            drop(ended);
            let _ = timeout(PATIENCE, told).await;
        }
    }
}

/// Tells the heir what is counted, every second and a last time when `ended` is gone.
async fn tell(mut stream: UnixStream, live: Live, mut ended: oneshot::Receiver<()>) {
    loop {
        let last = tokio::select! {
            () = sleep(EVERY) => false,
            _ = &mut ended => true,
        };
        let mut figures = Figures::of(&live.system());
        figures.last = last;
        // Whom nobody hears any more has nothing to lose.
        if send(&mut stream, &figures).await.is_err() || last {
            return;
        }
    }
}

impl Socket {
    /// What another process must ask for, too, to get it.
    pub(super) fn of_frontend(listen: &Listen) -> Self {
        Self {
            of: Of::Frontend,
            address: listen.address().to_string(),
            options: format!("{listen:?}"),
        }
    }
}

async fn send(stream: &mut UnixStream, message: &impl serde::Serialize) -> io::Result<()> {
    let text = serde_json::to_vec(message)?;
    let length = u32::try_from(text.len()).ok();
    let length = length.filter(|length| *length as usize <= LONGEST_FRAME);
    let length = length.ok_or(io::ErrorKind::InvalidData)?;
    stream.write_u32(length).await?;
    stream.write_all(&text).await
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
