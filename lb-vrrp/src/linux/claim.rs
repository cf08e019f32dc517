//! One process on a host for one virtual router.
//!
//! Two would both be master, unheard by each other, and take the addresses from one another. The
//! claim is an abstract Unix socket: it belongs to the network namespace, as the interface does,
//! and goes with the process, however that ends.

use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};

use rustix::io::Errno;
use rustix::net::UCred;
use rustix::net::sockopt::socket_peercred;
use rustix::process::{geteuid, getpid, test_kill_process};

use super::builder::Settings;

/// Held for as long as the virtual router may run.
#[derive(Debug)]
pub(super) struct Claim {
    /// `None` where somebody without the right to it has taken the name, or a child of who had it
    /// has it for a moment more.
    _socket: Option<UnixListener>,
}

impl Claim {
    /// `None` if another process has it: of root or of this process's own user, since anybody
    /// else could keep a node from being master.
    pub(super) fn make(settings: &Settings) -> io::Result<Option<Self>> {
        let Settings {
            interface,
            family,
            id,
            ..
        } = settings;
        let name = format!("lb-vrrp/{interface}/{family}/{id}");
        let address = SocketAddr::from_abstract_name(name)?;
        match UnixListener::bind_addr(&address) {
            Ok(socket) => Ok(Some(Self {
                _socket: Some(socket),
            })),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                let holder = UnixStream::connect_addr(&address)?;
                let UCred { pid, uid, .. } = socket_peercred(&holder)?;
                // What a process has left with a child that it forked and that is about to
                // execute something else is no claim any more.
                let lives = pid != getpid() && test_kill_process(pid) != Err(Errno::SRCH);
                if lives && (uid.is_root() || uid == geteuid()) {
                    return Ok(None);
                }
                if lives {
                    tracing::warn!("user {} keeps this host's claim of {id}", uid.as_raw());
                }
                Ok(Some(Self { _socket: None }))
            }
            Err(error) => Err(error),
        }
    }
}
