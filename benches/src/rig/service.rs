//! What a node serves on the virtual address: UDP echo, TCP, and HTTP; each answer names the node.
//!
//! The sockets are bound to the virtual address whether it is there or not (`ip_nonlocal_bind`), so that whoever
//! has the address answers, and what is measured is the address alone.

use std::{
    io,
    net::{IpAddr, Ipv6Addr, SocketAddr},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpSocket, TcpStream, UdpSocket},
    sync::watch,
};

use super::{RigError, namespace::Namespace, task::Task};

/// Of echo and TCP.
pub(super) const PORT: u16 = 7777;

/// The service of one node. Dropping it closes the sockets, and the kernel says so to clients.
#[derive(Debug)]
pub(super) struct Service {
    running: watch::Sender<bool>,
    _task: Task,
}

impl Service {
    /// Serves `target`, and HTTP on every address at port `http`.
    pub(super) fn start(
        namespace: &Namespace,
        name: &'static str,
        target: IpAddr,
        http: u16,
    ) -> Result<Self, RigError> {
        let (running, watched) = watch::channel(true);
        let open = move || Sockets::open(target, http);
        let task = namespace.spawn(open, move |sockets| serve(sockets, name, watched))?;
        Ok(Self {
            running,
            _task: task,
        })
    }

    /// Without running, as if its process were stopped: sockets are open, and nobody reads them.
    pub(super) fn set_running(&self, running: bool) {
        self.running.send_replace(running);
    }
}

struct Sockets {
    echo: UdpSocket,
    connect: TcpListener,
    http: TcpListener,
}

impl Sockets {
    fn open(target: IpAddr, http: u16) -> io::Result<Self> {
        let echo = std::net::UdpSocket::bind((target, PORT))?;
        echo.set_nonblocking(true)?;
        Ok(Self {
            echo: UdpSocket::from_std(echo)?,
            connect: listen((target, PORT).into())?,
            // Both families.
            http: listen((Ipv6Addr::UNSPECIFIED, http).into())?,
        })
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(512)
}

async fn serve(sockets: Sockets, name: &'static str, mut running: watch::Receiver<bool>) {
    let mut datagram = [0; 64];
    loop {
        let now = *running.borrow_and_update();
        tokio::select! {
            biased;
            changed = running.changed() => if changed.is_err() { return },
            received = sockets.echo.recv_from(&mut datagram), if now => {
                if let Ok((length, client)) = received {
                    let answer = [&datagram[..length], name.as_bytes()].concat();
                    // Nobody to answer to is no concern of the service.
                    sockets.echo.send_to(&answer, client).await.ok();
                }
            }
            accepted = sockets.connect.accept(), if now => drop(accepted),
            accepted = sockets.http.accept(), if now => {
                if let Ok((stream, _)) = accepted {
                    tokio::spawn(answer(stream, name));
                }
            }
        }
    }
}

/// One request, one response; whatever was asked.
async fn answer(mut stream: TcpStream, name: &str) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let length = name.len();
    let response =
        format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{name}");
    stream.write_all(response.as_bytes()).await?;
    stream.shutdown().await
}
