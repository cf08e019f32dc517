//! Where a case is played: a client's side, the proxy, and the servers' side.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::common::{address, message::Message, origin, site::get, stalled::Stalled, wire::Wire};

/// One case in front of one proxy.
pub(crate) struct Stage {
    pub(crate) front: SocketAddr,
    /// Answers by itself, on the proxy's one thread.
    pub(crate) bell: SocketAddr,
    /// The servers, by their place in the backend.
    pub(crate) servers: Vec<Server>,
}

/// What stands at the address of a server.
pub(crate) enum Server {
    /// Somebody who listens.
    Listens(TcpListener),
    /// Nobody.
    Refuses(SocketAddr),
    /// Somebody whose queue of new connections is full: no answer ever comes.
    Stalls(Stalled),
}

/// What a case needs at an address.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Listens,
    Refuses,
    Stalls,
}

impl Server {
    pub(crate) async fn new(kind: Kind) -> Self {
        match kind {
            Kind::Listens => Self::Listens(origin::raw()),
            Kind::Refuses => Self::Refuses(address::free()),
            Kind::Stalls => Self::Stalls(Stalled::new().await),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        match self {
            Self::Listens(listener) => listener
                .local_addr()
                .expect("a bound listener has an address"),
            Self::Refuses(address) => *address,
            Self::Stalls(stalled) => stalled.address(),
        }
    }
}

impl Stage {
    /// A client that has sent this.
    pub(crate) async fn send(&self, bytes: impl AsRef<[u8]>) -> Wire {
        Wire::send_to(self.front, bytes).await
    }

    /// Waits until the proxy has seen what was sent before: its one thread takes events in turn, and
    /// has come round twice when it has answered twice.
    pub(crate) async fn settle(&self) {
        for _ in 0..2 {
            let mut client = Wire::send_to(self.bell, get("/", "Connection: close\r\n")).await;
            client.response().await;
            client.rest().await;
        }
    }

    /// The next connection to a server.
    pub(crate) async fn accept(&self, server: usize) -> Wire {
        match &self.servers[server] {
            Server::Listens(listener) => Wire::accept(listener).await,
            _ => panic!("server {server} takes no connections"),
        }
    }

    /// The next connection to the first server, and the request on it.
    pub(crate) async fn request(&self) -> (Wire, Message) {
        let mut origin = self.accept(0).await;
        let request = origin.request().await;
        (origin, request)
    }

    /// A whole exchange, whose client's end is returned.
    pub(crate) async fn exchange(
        &self,
        request: impl AsRef<[u8]>,
        answer: impl AsRef<[u8]>,
    ) -> Wire {
        let mut client = self.send(request).await;
        let (mut origin, _) = self.request().await;
        origin.send(answer).await;
        client.response().await;
        client
    }
}

/// A whole response with these field lines. The date is there, or `lb` would add it.
pub(crate) fn response(status: &str, fields: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nDate: Fri, 20 Nov 2026 11:00:00 GMT\r\n{fields}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A plain 200.
pub(crate) fn ok() -> String {
    response("200 OK", "", "hello")
}
