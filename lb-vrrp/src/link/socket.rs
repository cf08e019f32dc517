//! The link's sockets and their options.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};

/// Connections the kernel holds until they are accepted.
const BACKLOG: i32 = 128;

/// Listens on `address`. A process that starts again takes it over from its predecessor's
/// remains; an address that no interface has is an error and not a silent wait (no
/// `IP_FREEBIND`), since a mistyped one would never be found.
pub(super) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = open(address)?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Begins to connect to `peer`, from `bind`'s address so that a firewall between nodes needs to
/// know one address for each. The connection is made, or not, when it becomes writable.
pub(super) fn dial(bind: SocketAddr, peer: SocketAddr) -> io::Result<TcpStream> {
    let socket = open(peer)?;
    if !bind.ip().is_unspecified() && bind.is_ipv4() == peer.is_ipv4() {
        let mut source = bind;
        source.set_port(0);
        socket.bind(&source.into())?;
    }
    tune(&socket)?;
    match socket.connect(&peer.into()) {
        Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => Err(error),
        _ => Ok(socket.into()),
    }
}

/// Sets what an accepted connection does not inherit.
pub(super) fn accepted(stream: &tokio::net::TcpStream) -> io::Result<()> {
    let socket = socket2::SockRef::from(stream);
    tune(&socket)
}

fn open(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Small messages leave at once, and the kernel gives up a dead path when the link does.
fn tune(socket: &Socket) -> io::Result<()> {
    socket.set_tcp_nodelay(true)?;
    let second = Duration::from_secs(1);
    let keepalive = TcpKeepalive::new().with_time(second).with_interval(second);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(super::watch::SILENCE))?;
    Ok(())
}

/// Whether a failure to connect says that the host lives and nobody listens there.
pub(super) fn refuses(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::ConnectionRefused
}

/// Whether the other end closed, in order or not; any other error is the system's own.
pub(super) fn closed(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof
    )
}
