//! Reading from a descriptor that never blocks, by polling.

use std::io;
use std::os::fd::AsRawFd;
use std::task::{Context, Poll, ready};

use tokio::io::unix::AsyncFd;

/// Reads once `read` does not say [`io::ErrorKind::WouldBlock`].
///
/// # Errors
/// What `read` says else, and the runtime's.
pub(super) fn poll_read<S: AsRawFd, T>(
    descriptor: &AsyncFd<S>,
    cx: &mut Context<'_>,
    mut read: impl FnMut(&S) -> io::Result<T>,
) -> Poll<io::Result<T>> {
    loop {
        let mut guard = ready!(descriptor.poll_read_ready(cx))?;
        if let Ok(result) = guard.try_io(|descriptor| read(descriptor.get_ref())) {
            return Poll::Ready(result);
        }
    }
}

/// Whether a socket goes on after `error`: the kernel reports on it what befell the interface or
/// a packet sent earlier, once.
pub(super) fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::NetworkDown
            | Kind::NetworkUnreachable
            | Kind::HostUnreachable
            | Kind::ConnectionRefused
            | Kind::Interrupted
            | Kind::InvalidData
            | Kind::PermissionDenied
    ) || matches!(
        error.raw_os_error(),
        Some(libc::ENOBUFS | libc::EMSGSIZE | libc::ENOPROTOOPT)
    )
}
