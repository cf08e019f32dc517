//! The questions, on a thread in the client's namespace.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, UdpSocket},
    time::{Interval, MissedTickBehavior, interval, timeout},
};

use super::{
    super::{RigError, namespace::Namespace, place::unspecified, task::Task},
    PERIOD, Shared,
};

/// When a connection is given up.
const PATIENCE: Duration = Duration::from_millis(100);

/// A datagram for each tick, with its number; the answer has the node's name after it.
pub(super) fn datagrams(
    namespace: &Namespace,
    target: SocketAddr,
    shared: Arc<Shared>,
) -> Result<Task, RigError> {
    // Not connected: a closed port must not end in an error of the next send.
    let open = move || {
        let socket = std::net::UdpSocket::bind((unspecified(target.ip()), 0))?;
        socket.set_nonblocking(true)?;
        UdpSocket::from_std(socket)
    };
    namespace.spawn(open, move |socket| async move {
        let mut ticks = ticks();
        let mut datagram = [0; 64];
        loop {
            tokio::select! {
                biased;
                _ = ticks.tick() => {
                    let number = shared.asked() as u64;
                    // Without a way to the address there is no answer either.
                    socket.try_send_to(&number.to_be_bytes(), target).ok();
                }
                received = socket.recv_from(&mut datagram) => {
                    let Ok((length, _)) = received else { continue };
                    if let Some((number, name)) = datagram[..length].split_first_chunk() {
                        let number = u64::from_be_bytes(*number) as usize;
                        shared.answered(number, &String::from_utf8_lossy(name));
                    }
                }
            }
        }
    })
}

/// A connection for each tick, and a request on it if `http`.
pub(super) fn connections(
    namespace: &Namespace,
    target: SocketAddr,
    shared: Arc<Shared>,
    http: bool,
) -> Result<Task, RigError> {
    namespace.spawn(
        || Ok(()),
        move |()| async move {
            let mut ticks = ticks();
            loop {
                ticks.tick().await;
                let number = shared.asked();
                let shared = shared.clone();
                tokio::spawn(async move {
                    if let Ok(Ok(name)) = timeout(PATIENCE, connection(target, http)).await {
                        shared.answered(number, &name);
                    }
                });
            }
        },
    )
}

async fn connection(target: SocketAddr, http: bool) -> io::Result<String> {
    let socket = match target {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // Or the client would soon have no port left.
    socket.set_zero_linger()?;
    let mut stream = socket.connect(target).await?;
    if !http {
        return Ok(String::new());
    }
    let request = format!("GET / HTTP/1.1\r\nHost: {target}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut response = String::new();
    stream.read_to_string(&mut response).await?;
    let (head, body) = response.split_once("\r\n\r\n").unwrap_or_default();
    if head.starts_with("HTTP/1.1 200 ") {
        return Ok(body.to_owned());
    }
    Err(io::Error::other("another answer than 200"))
}

fn ticks() -> Interval {
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks
}
