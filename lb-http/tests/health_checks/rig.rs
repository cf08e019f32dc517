//! Servers that answer as they are told, and remember what they were asked.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use lb_core::{
    Server,
    health::{Probe, Verdict},
};
use lb_http::Upstream;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpSocket},
    sync::mpsc,
    time::timeout,
};
use tower::{Service, ServiceExt as _};

pub(crate) const DEADLINE: Duration = Duration::from_secs(10);

/// What a server does with a connection.
#[derive(Clone)]
pub(crate) enum Act {
    /// Reads until the request's last bytes are these, answers, and closes.
    Answer(Vec<u8>),
    /// Reads and says nothing.
    Silence,
}

impl From<&str> for Act {
    fn from(text: &str) -> Self {
        Self::Answer(text.as_bytes().to_vec())
    }
}

pub(crate) struct Backend {
    pub(crate) address: SocketAddr,
    act: Arc<Mutex<Act>>,
    asked: mpsc::UnboundedReceiver<Vec<u8>>,
}

impl Backend {
    pub(crate) async fn start(act: impl Into<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let act = Arc::new(Mutex::new(act.into()));
        let (tell, asked) = mpsc::unbounded_channel();
        let acts = act.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (tell, act) = (tell.clone(), acts.lock().unwrap().clone());
                tokio::spawn(async move {
                    let mut request = Vec::new();
                    loop {
                        match stream.read_buf(&mut request).await {
                            Ok(1..) if !is_whole(&request) => {}
                            _ => break,
                        }
                    }
                    let _ = tell.send(request);
                    match act {
                        Act::Answer(bytes) => {
                            let _ = stream.write_all(&bytes).await;
                        }
                        Act::Silence => std::future::pending().await,
                    }
                });
            }
        });
        Self {
            address,
            act,
            asked,
        }
    }

    pub(crate) fn set(&self, act: impl Into<Act>) {
        *self.act.lock().unwrap() = act.into();
    }

    pub(crate) async fn asked(&mut self) -> Vec<u8> {
        timeout(DEADLINE, self.asked.recv()).await.unwrap().unwrap()
    }
}

/// A PROXY header or none, a head, and as much body as it says; a lone line
/// counts too.
fn is_whole(bytes: &[u8]) -> bool {
    let v2 = b"\r\n\r\n\0\r\nQUIT\n";
    let bytes = match bytes.strip_prefix(v2) {
        Some(rest) => rest.get(4..).unwrap_or_default(),
        None => bytes,
    };
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return text.starts_with("question") && text.ends_with('\n');
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}

pub(crate) fn probe(address: SocketAddr) -> Probe<Upstream> {
    probe_of(Server::new("s", Upstream::from(address)))
}

pub(crate) fn probe_of(server: Server<Upstream>) -> Probe<Upstream> {
    Probe::new(Arc::new(server), DEADLINE)
}

pub(crate) async fn check<C>(check: C, probe: Probe<Upstream>) -> Verdict
where
    C: Service<Probe<Upstream>, Response = Verdict, Error = std::convert::Infallible>,
{
    let verdict = timeout(DEADLINE, check.oneshot(probe)).await.unwrap();
    verdict.unwrap_or_else(|never| match never {})
}

/// A port of this host that is taken and where nobody listens.
pub(crate) struct Nobody {
    pub(crate) address: SocketAddr,
    _socket: TcpSocket,
}

pub(crate) fn nobody() -> Nobody {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    Nobody {
        address: socket.local_addr().unwrap(),
        _socket: socket,
    }
}
