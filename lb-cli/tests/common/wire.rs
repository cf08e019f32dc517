//! One connection as a test sees it, the client's to the proxy or the proxy's to an origin.
//!
//! What does not come is a failure of the test, at the line that waited for it.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::{
    message::{self, End, Kind, Message},
    within,
};

/// A connection and what has come on it.
pub(crate) struct Wire<S = TcpStream> {
    pub(crate) stream: S,
    bytes: Vec<u8>,
    end: Option<End>,
}

impl Wire {
    /// A new connection.
    pub(crate) async fn connect(to: SocketAddr) -> Self {
        let stream = within("a connection", TcpStream::connect(to)).await;
        Self::new(stream.unwrap_or_else(|error| panic!("connect to {to}: {error}")))
    }

    /// A new connection that has already sent `bytes`.
    pub(crate) async fn send_to(to: SocketAddr, bytes: impl AsRef<[u8]>) -> Self {
        let mut wire = Self::connect(to).await;
        wire.send(bytes).await;
        wire
    }

    /// The next connection that comes in.
    pub(crate) async fn accept(listener: &TcpListener) -> Self {
        let accepted = within("a connection at the origin", listener.accept()).await;
        Self::new(accepted.expect("a listener accepts").0)
    }

    /// This end's address.
    pub(crate) fn local(&self) -> SocketAddr {
        let local = self.stream.local_addr();
        local.expect("a connected socket has an address")
    }

    /// The other end's address.
    pub(crate) fn peer(&self) -> SocketAddr {
        let peer = self.stream.peer_addr();
        peer.expect("a connected socket has a peer")
    }

    /// Ends the connection with a reset, as a machine does that has forgotten it.
    pub(crate) fn reset(self) {
        let _ = socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// A connection on which nothing has come yet.
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            bytes: Vec::new(),
            end: None,
        }
    }

    /// Sends bytes. Whoever no longer reads is judged by what it has sent: that is no error here.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = within("room to send", self.stream.write_all(bytes.as_ref())).await;
        let _ = self.stream.flush().await;
    }

    /// Closes the sending direction.
    pub(crate) async fn finish(&mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// The next whole request.
    pub(crate) async fn request(&mut self) -> Message {
        match within("a request", self.next_request()).await {
            Ok(Some(request)) => request,
            Ok(None) => panic!("the connection ended before a request"),
            Err(error) => panic!("{error}"),
        }
    }

    /// The next whole request; `None` where the connection ends between two.
    pub(crate) async fn next_request(&mut self) -> Result<Option<Message>, String> {
        self.message(Kind::Request).await
    }

    /// The next response.
    pub(crate) async fn response(&mut self) -> Message {
        within("a response", self.try_response())
            .await
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// The next response, or what came in place of it; waits for ever.
    pub(crate) async fn try_response(&mut self) -> Result<Message, String> {
        let response = self.message(Kind::Response).await?;
        response.ok_or_else(|| "closed without a response".into())
    }

    /// The next response, to a HEAD.
    pub(crate) async fn head_response(&mut self) -> Message {
        match within("a response", self.message(Kind::HeadResponse)).await {
            Ok(Some(response)) => response,
            Ok(None) => panic!("closed without a response"),
            Err(error) => panic!("{error}"),
        }
    }

    async fn message(&mut self, kind: Kind) -> Result<Option<Message>, String> {
        loop {
            if let Some((message, used)) = message::parse(kind, &self.bytes, self.end)? {
                self.bytes.drain(..used);
                return Ok(Some(message));
            }
            if self.end.is_some() {
                return Ok(None);
            }
            self.read().await;
        }
    }

    /// The next `n` bytes.
    pub(crate) async fn bytes(&mut self, n: usize) -> Vec<u8> {
        within(&format!("{n} bytes"), async {
            while self.bytes.len() < n {
                assert!(
                    self.end.is_none(),
                    "{:?} after \"{}\", before {n} bytes",
                    self.end,
                    message::clip(&self.bytes)
                );
                self.read().await;
            }
        })
        .await;
        self.bytes.drain(..n).collect()
    }

    /// Bytes up to and with `end`.
    pub(crate) async fn up_to(&mut self, end: &[u8]) -> Vec<u8> {
        let found = within(&format!("\"{}\"", end.escape_ascii()), async {
            loop {
                if let Some(at) = self.bytes.windows(end.len()).position(|w| w == end) {
                    return at + end.len();
                }
                assert!(self.end.is_none(), "ended after {:?}", self.bytes);
                self.read().await;
            }
        })
        .await;
        self.bytes.drain(..found).collect()
    }

    /// Waits for the end of the connection; what came before it, and how it ended.
    pub(crate) async fn rest(&mut self) -> (Vec<u8>, End) {
        let end = within("the end of the connection", async {
            loop {
                match self.end {
                    Some(end) => return end,
                    None => self.read().await,
                }
            }
        })
        .await;
        (std::mem::take(&mut self.bytes), end)
    }

    /// Waits for the end of the connection, before which nothing comes.
    pub(crate) async fn closed(&mut self) {
        let (rest, _) = self.rest().await;
        assert!(
            rest.is_empty(),
            "before the end came \"{}\"",
            message::clip(&rest)
        );
    }

    /// Waits for more bytes or for the end. Safe to give up on.
    pub(crate) async fn read(&mut self) {
        // Not in the future, which holds those of whoever waits for it, down to the test's own.
        let mut buffer = vec![0; 16 << 10];
        match self.stream.read(&mut buffer).await {
            Ok(0) => self.end = Some(End::Closed),
            Ok(n) => self.bytes.extend_from_slice(&buffer[..n]),
            Err(_) => self.end = Some(End::Reset),
        }
    }
}
