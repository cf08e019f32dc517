//! One ICMP echo and the wait for its answer.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::task::{Context, Poll, ready};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use tokio::io::ReadBuf;
use tokio::net::UdpSocket;

use super::echo::{self, Token};
use crate::Family;

/// A raw socket hears all that its target says; one poll reads no more than this of it.
const READS_AT_ONCE: usize = 32;

/// A question that was sent. A socket for each: it sees the routes and addresses of now, and a
/// late answer cannot be taken for the next.
#[derive(Debug)]
pub(super) struct Ping {
    /// Of ICMP, not UDP: this is the one safe type by which tokio waits for any datagram.
    socket: UdpSocket,
    family: Family,
    /// Whether what it reads begins with an IPv4 header.
    header: bool,
    token: Token,
}

impl Ping {
    /// Asks `target` through `interface`.
    pub(super) fn send(target: IpAddr, interface: &str, token: Token) -> io::Result<Self> {
        let family = Family::of(target);
        let (domain, protocol) = match family {
            Family::V4 => (Domain::IPV4, Protocol::ICMPV4),
            Family::V6 => (Domain::IPV6, Protocol::ICMPV6),
        };
        // Needs no capability, but the group must be in net.ipv4.ping_group_range: none is.
        let (socket, raw) = match Socket::new(domain, Type::DGRAM, Some(protocol)) {
            Ok(socket) => (socket, false),
            Err(_) => (Socket::new(domain, Type::RAW, Some(protocol))?, true),
        };
        socket.set_nonblocking(true)?;
        socket.bind_device(Some(interface.as_bytes()))?;
        // From here on it hears this target alone.
        socket.connect(&SockAddr::from(SocketAddr::new(target, 0)))?;
        let identifier = u16::from_be_bytes([token[0], token[1]]);
        let message = echo::request(family, identifier, token);
        socket.send(&message)?;
        Ok(Self {
            socket: UdpSocket::from_std(socket.into())?,
            family,
            header: raw && family == Family::V4,
            token,
        })
    }

    /// Ready when the answer is there. An error of the socket is no answer, and none may come.
    pub(super) fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut space = [0; 256];
        for _ in 0..READS_AT_ONCE {
            let mut buffer = ReadBuf::new(&mut space);
            if ready!(self.socket.poll_recv(cx, &mut buffer)).is_err() {
                continue;
            }
            let packet = buffer.filled();
            let message = if self.header {
                echo::without_header(packet)
            } else {
                packet
            };
            if echo::is_reply(self.family, message, self.token) {
                return Poll::Ready(());
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
