//! A server that is there and never answers: its queue of new connections is full.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    time::timeout,
};

use super::address;

/// Takes no connection and refuses none.
pub(crate) struct Stalled {
    address: SocketAddr,
    _listener: TcpListener,
    _queued: Vec<TcpStream>,
}

impl Stalled {
    pub(crate) async fn new() -> Self {
        let address = address::free();
        let socket = TcpSocket::new_v4().expect("sockets can be had");
        socket.bind(address).expect("the address is free");
        let listener = socket.listen(0).expect("a bound socket listens");
        let mut queued = Vec::new();
        // The kernel takes one or two more than it was told, and says nothing to those after.
        while let Ok(Ok(stream)) =
            timeout(Duration::from_millis(100), TcpStream::connect(address)).await
        {
            queued.push(stream);
        }
        Self {
            address,
            _listener: listener,
            _queued: queued,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}
