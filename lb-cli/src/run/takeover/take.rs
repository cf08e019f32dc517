//! The process that takes a place.

use std::{
    io::{self, Read as _, Write as _},
    net::Shutdown,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
    time::Duration,
};

use lb_tcp::{Address, Listen, Listener};

use super::{Figures, Inherited, LONGEST_FRAME, Legacy, Of, Socket, State, WORD, descriptors};
use crate::run::{Live, System};

/// For the answer of the process that runs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why a place cannot be taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TakeoverError {
    /// Nobody answers, or not as one of our kind.
    #[error("cannot take over from {}: {why}", .socket.display())]
    Socket {
        /// Where.
        socket: PathBuf,
        /// Why.
        why: io::Error,
    },
    /// It does not give its place.
    #[error("the running process refuses: {0}")]
    Refused(String),
    /// An address is to be listened on in another way.
    #[error("the options of {0} cannot change in a takeover: stop the running process first")]
    Options(String),
}

/// The process whose place is taken, and what it has sent. It goes on serving if this is dropped before
/// [`succeed`](Self::succeed).
#[derive(Debug)]
pub(crate) struct Predecessor {
    stream: UnixStream,
    sockets: Vec<(Socket, Listener)>,
    state: State,
}

impl Predecessor {
    /// Asks at the admin socket of a process.
    pub(in crate::run) fn ask(socket: &Path) -> Result<Self, TakeoverError> {
        let failed = |why| TakeoverError::Socket {
            socket: socket.to_owned(),
            why,
        };
        let mut stream = UnixStream::connect(socket).map_err(failed)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
        stream
            .write_all(format!("{WORD}\n").as_bytes())
            .map_err(failed)?;
        let legacy: Legacy = receive(&mut stream).map_err(failed)?;
        if let Some(why) = legacy.refused {
            return Err(TakeoverError::Refused(why));
        }
        let mut open = Vec::new();
        while open.len() < legacy.sockets.len() {
            open.extend(descriptors::receive(&stream).map_err(failed)?);
        }
        let mut sockets = Vec::new();
        for (socket, descriptor) in legacy.sockets.into_iter().zip(open) {
            sockets.push((socket, Listener::from_fd(descriptor).map_err(failed)?));
        }
        Ok(Self {
            stream,
            sockets,
            state: legacy.state,
        })
    }

    /// The sockets of a frontend's address, if there are any.
    pub(in crate::run) fn listeners(
        &mut self,
        listen: &Listen,
    ) -> Result<Vec<Listener>, TakeoverError> {
        let wanted = Socket::of_frontend(listen);
        let found =
            self.extract(|socket| socket.of == Of::Frontend && socket.address == wanted.address);
        match found.iter().all(|(socket, _)| *socket == wanted) {
            true => Ok(found.into_iter().map(|(_, listener)| listener).collect()),
            false => Err(TakeoverError::Options(wanted.address)),
        }
    }

    /// Its admin socket, if it is at this path.
    pub(crate) fn admin(&mut self, path: &Path) -> Option<Listener> {
        self.beside(Of::Admin, &path.display().to_string())
    }

    /// Its socket for Prometheus, if it is at this address.
    pub(crate) fn metrics(&mut self, address: &Address) -> Option<Listener> {
        self.beside(Of::Metrics, &address.to_string())
    }

    fn beside(&mut self, of: Of, address: &str) -> Option<Listener> {
        let found = self.extract(|socket| socket.of == of && socket.address == address);
        found.into_iter().next().map(|(_, listener)| listener)
    }

    fn extract(&mut self, wanted: impl Fn(&Socket) -> bool) -> Vec<(Socket, Listener)> {
        let sockets = self.sockets.drain(..);
        let (found, rest) = sockets.partition(|(socket, _)| wanted(socket));
        self.sockets = rest;
        found
    }

    /// Has `system` begin with what the other one knows of servers and tables.
    pub(in crate::run) fn introduce(&self, system: &System) {
        self.state.apply(system);
    }

    /// Tells it that its place is taken, and counts what it has counted; the first of it is counted when this returns.
    pub(in crate::run) fn succeed(self, live: &Live) {
        let live = live.clone();
        let (first, counted) = mpsc::channel();
        let Self {
            mut stream,
            sockets,
            ..
        } = self;
        // What nobody wants here is closed there.
        drop(sockets);
        let following = thread::Builder::new().name("takeover".to_owned());
        let follow = move || {
            let inherited = Inherited::default();
            let ended = stream
                .write_all(&0_u32.to_be_bytes())
                .and_then(|()| follow(&mut stream, &inherited, &live, &first));
            let _ = stream.shutdown(Shutdown::Both);
            let text = match ended {
                Ok(()) => "the process before has ended".to_owned(),
                Err(why) => format!("the process before is gone, its last counts with it: {why}"),
            };
            live.system().log().notice(&text);
        };
        if following.spawn(follow).is_ok() {
            let _ = counted.recv_timeout(PATIENCE);
        }
    }
}

/// Counts what the other one tells, up to its end.
fn follow(
    stream: &mut UnixStream,
    inherited: &Inherited,
    live: &Live,
    first: &mpsc::Sender<()>,
) -> io::Result<()> {
    loop {
        let figures: Figures = receive(stream)?;
        let last = figures.last;
        inherited.add(figures, &live.system());
        let _ = first.send(());
        if last {
            return Ok(());
        }
    }
}

fn receive<T: serde::de::DeserializeOwned>(stream: &mut UnixStream) -> io::Result<T> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length) as usize;
    if length > LONGEST_FRAME {
        // Such as a text: it is older, or something else.
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut text = Vec::new();
    stream.take(length as u64).read_to_end(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}
