//! Listening: from an address and its options to accepted connections.
//!
//! The options are those of HAProxy's `bind` line. Binding is apart from accepting: a
//! [`Listener`] is a plain socket that may be moved to another thread, an [`Acceptor`] belongs to
//! a runtime. With a runtime per core, [`Listen::bind_each`] gives each its own socket and the
//! kernel spreads the connections over them.

mod acceptor;
mod error;
mod unix;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroUsize;

use socket2::{Domain, SockAddr, Socket, Type};

use crate::{Address, sys};

pub use self::acceptor::{Acceptor, Listener};
pub use self::error::BindError;

use self::error::Reason;

/// The kernel's own limit by default (`net.core.somaxconn`), to which it cuts what is more.
const BACKLOG: u32 = 4096;

/// What to listen on, and how; HAProxy's `bind` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    address: Address,
    reuse_port: bool,
    backlog: u32,
    only_v6: Option<bool>,
    interface: Option<String>,
    free_bind: bool,
    mss: Option<u32>,
    fast_open: bool,
    nodelay: bool,
    unix: unix::Permissions,
}

impl Listen {
    /// Listens on `address` with the kernel's defaults, save `TCP_NODELAY`, which is on.
    pub fn new(address: Address) -> Self {
        Self {
            address,
            reuse_port: false,
            backlog: BACKLOG,
            only_v6: None,
            interface: None,
            free_bind: false,
            mss: None,
            fast_open: false,
            nodelay: true,
            unix: unix::Permissions::default(),
        }
    }

    /// The address, as configured.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Shares the port with other processes of the same user that ask for it too
    /// (`SO_REUSEPORT`). Off by default: what another process holds is then an error.
    pub fn reuse_port(mut self, reuse_port: bool) -> Self {
        self.reuse_port = reuse_port;
        self
    }

    /// Connections that may wait to be accepted, per socket (`backlog`; 4096 by default).
    pub fn backlog(mut self, connections: u32) -> Self {
        self.backlog = connections;
        self
    }

    /// `true`: an IPv6 address takes IPv6 only (`v6only`); `false`: `[::]` takes IPv4 too
    /// (`v4v6`). By default an address follows the system and [`Address::Any`] takes both.
    pub fn only_v6(mut self, only_v6: bool) -> Self {
        self.only_v6 = Some(only_v6);
        self
    }

    /// Takes only what arrives through this interface (`interface`).
    pub fn interface(mut self, interface: impl Into<String>) -> Self {
        self.interface = Some(interface.into());
        self
    }

    /// Binds an address that this host does not have, or not yet: a virtual address that another
    /// node holds (IP_FREEBIND).
    pub fn free_bind(mut self, free_bind: bool) -> Self {
        self.free_bind = free_bind;
        self
    }

    /// The largest segment announced to clients, in bytes (`mss`).
    pub fn mss(mut self, bytes: u32) -> Self {
        self.mss = Some(bytes);
        self
    }

    /// Takes data in the client's SYN (`tfo`). The sysctl `net.ipv4.tcp_fastopen` must allow it.
    pub fn fast_open(mut self, fast_open: bool) -> Self {
        self.fast_open = fast_open;
        self
    }

    /// Whether accepted connections send small segments at once (`TCP_NODELAY`; on by default).
    pub fn nodelay(mut self, nodelay: bool) -> Self {
        self.nodelay = nodelay;
        self
    }

    /// Permission bits of a Unix socket's file, as in `0o660` (`mode`). By default the process's
    /// umask decides.
    pub fn mode(mut self, mode: u32) -> Self {
        self.unix.mode = Some(mode);
        self
    }

    /// Owner and group of a Unix socket's file, as numbers (`uid`, `gid`); `None` leaves it.
    pub fn owner(mut self, uid: Option<u32>, gid: Option<u32>) -> Self {
        self.unix.uid = uid;
        self.unix.gid = gid;
        self
    }

    /// Binds and listens. Needs no runtime.
    ///
    /// # Errors
    /// [`BindError`], which names the address and the reason.
    pub fn bind(&self) -> Result<Listener, BindError> {
        self.bind_socket()
            .map_err(|reason| reason.at(&self.address))
    }

    /// One listener for each of `workers`.
    ///
    /// TCP listeners have a socket and a queue each (`SO_REUSEPORT`), so the kernel picks the
    /// worker and no connection wakes two. Unix and inherited sockets share one queue.
    ///
    /// # Errors
    /// As [`bind`](Self::bind); an address that another process holds is in use, even if that
    /// process would share it.
    pub fn bind_each(&self, workers: NonZeroUsize) -> Result<Vec<Listener>, BindError> {
        self.bind_sockets(workers.get())
            .map_err(|reason| reason.at(&self.address))
    }

    fn bind_socket(&self) -> Result<Listener, Reason> {
        match &self.address {
            Address::Inet(address) => self.listen_tcp(*address, self.reuse_port),
            Address::Any { port } => self.listen_tcp(wildcard(*port), self.reuse_port),
            Address::Unix(path) => {
                let socket = unix::bind(path, &self.unix)?;
                self.listen(socket)
            }
            Address::Abstract(name) => {
                let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
                socket.bind(&SockAddr::unix(format!("\0{name}"))?)?;
                self.listen(socket)
            }
            Address::Fd(fd) => {
                let listener =
                    Listener::from_fd(sys::duplicate(*fd)?).map_err(|_| Reason::NotListening)?;
                if listener.is_tcp() {
                    self.set_inherited_options(listener.socket())?;
                }
                Ok(listener)
            }
            Address::Name { .. } => Err(Reason::Name),
        }
    }

    fn bind_sockets(&self, workers: usize) -> Result<Vec<Listener>, Reason> {
        let address = match self.address {
            Address::Inet(address) if workers > 1 => address,
            Address::Any { port } if workers > 1 => wildcard(port),
            _ => {
                let mut listeners = vec![self.bind_socket()?];
                while listeners.len() < workers {
                    listeners.push(listeners[0].try_clone()?);
                }
                return Ok(listeners);
            }
        };
        if !self.reuse_port {
            // With SO_REUSEPORT on every socket, a second copy of the process would silently take
            // half of the first one's connections. A socket without it sees the conflict. It is
            // closed again, as the option must be set before bind(2) on all that share a port.
            drop(self.bind_tcp(address, false)?);
        }
        let first = self.listen_tcp(address, true)?;
        // Port 0 became a real one, which the others must use too.
        let address = first.local().inet().unwrap_or(address);
        let mut listeners = vec![first];
        while listeners.len() < workers {
            listeners.push(self.listen_tcp(address, true)?);
        }
        Ok(listeners)
    }

    fn listen_tcp(&self, address: SocketAddr, share: bool) -> Result<Listener, Reason> {
        self.listen(self.bind_tcp(address, share)?)
    }

    fn bind_tcp(&self, address: SocketAddr, share: bool) -> Result<Socket, Reason> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        // Old connections in TIME_WAIT must not keep a restarted process from its port.
        socket.set_reuse_address(true)?;
        if share {
            socket.set_reuse_port(true)?;
        }
        if address.is_ipv6() {
            let any = matches!(self.address, Address::Any { .. });
            if let Some(only_v6) = self.only_v6.or(any.then_some(false)) {
                socket
                    .set_only_v6(only_v6)
                    .map_err(Reason::option("v6only"))?;
            }
        }
        if let Some(interface) = &self.interface {
            socket
                .bind_device(Some(interface.as_bytes()))
                .map_err(Reason::option("interface"))?;
        }
        if self.free_bind {
            let set = match address {
                SocketAddr::V4(_) => socket.set_freebind_v4(true),
                SocketAddr::V6(_) => socket.set_freebind_v6(true),
            };
            set.map_err(Reason::option("freebind"))?;
        }
        self.set_inherited_options(&socket)?;
        socket.bind(&address.into())?;
        Ok(socket)
    }

    /// Options that the kernel copies to accepted sockets: one call here, none per connection.
    fn set_inherited_options(&self, socket: &Socket) -> Result<(), Reason> {
        socket
            .set_tcp_nodelay(self.nodelay)
            .map_err(Reason::option("nodelay"))?;
        if let Some(mss) = self.mss {
            socket.set_tcp_mss(mss).map_err(Reason::option("mss"))?;
        }
        if self.fast_open {
            sys::set_fast_open(socket, self.backlog).map_err(Reason::option("tfo"))?;
        }
        Ok(())
    }

    fn listen(&self, socket: Socket) -> Result<Listener, Reason> {
        socket.listen(i32::try_from(self.backlog).unwrap_or(i32::MAX))?;
        Ok(Listener::from_fd(socket.into())?)
    }
}

/// The address of every interface: IPv6's takes IPv4 too, on a host that has IPv6.
fn wildcard(port: u16) -> SocketAddr {
    if acceptor::has_ipv6() {
        (Ipv6Addr::UNSPECIFIED, port).into()
    } else {
        (Ipv4Addr::UNSPECIFIED, port).into()
    }
}
