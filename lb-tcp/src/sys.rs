//! The system calls that no safe wrapper covers; the crate's only `unsafe`.
#![allow(unsafe_code)] // Adopting a number as a descriptor, and two socket options.

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd, RawFd};

/// A close-on-exec duplicate of the descriptor numbered `fd`.
///
/// The original stays open, so the same number can be bound again after a reload.
///
/// # Errors
/// `EBADF` if no descriptor has that number.
pub(crate) fn duplicate(fd: RawFd) -> io::Result<OwnedFd> {
    if fd < 0 {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    // SAFETY: not -1. The borrow ends within this function, and its one use is F_DUPFD_CLOEXEC,
    // which touches nothing of the open file and reports EBADF should the number not be open.
    let borrowed = unsafe { BorrowedFd::borrow_raw(fd) };
    borrowed.try_clone_to_owned()
}

/// Answers data in a client's SYN (RFC 7413), with at most `queue` such connections pending.
pub(crate) fn set_fast_open(socket: impl AsFd, queue: u32) -> io::Result<()> {
    let queue = libc::c_int::try_from(queue).unwrap_or(libc::c_int::MAX);
    set_int(socket.as_fd(), libc::IPPROTO_TCP, libc::TCP_FASTOPEN, queue)
}

/// Leaves the choice of the source port to `connect(2)`, where ports are unique per destination;
/// chosen at `bind(2)`, a source address has only some 28,000 connections in all.
pub(crate) fn set_bind_address_no_port(socket: impl AsFd) -> io::Result<()> {
    let option = libc::IP_BIND_ADDRESS_NO_PORT;
    set_int(socket.as_fd(), libc::IPPROTO_IP, option, 1)
}

fn set_int(
    socket: BorrowedFd<'_>,
    level: libc::c_int,
    option: libc::c_int,
    value: libc::c_int,
) -> io::Result<()> {
    // SAFETY: the pointer and the length describe `value`, which outlives the call; the kernel
    // only reads it.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            (&raw const value).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn int(socket: &TcpListener, level: libc::c_int, option: libc::c_int) -> libc::c_int {
        let mut value: libc::c_int = -1;
        let mut length = size_of::<libc::c_int>() as libc::socklen_t;
        let pointer = (&raw mut value).cast();
        // SAFETY: the pointers describe `value` and `length`, which outlive the call.
        let result = unsafe {
            libc::getsockopt(socket.as_raw_fd(), level, option, pointer, &raw mut length)
        };
        assert_eq!(result, 0);
        value
    }

    #[test]
    fn options_are_set() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        set_fast_open(&socket, 7).unwrap();
        assert_eq!(int(&socket, libc::IPPROTO_TCP, libc::TCP_FASTOPEN), 7);
        set_bind_address_no_port(&socket).unwrap();
        let option = libc::IP_BIND_ADDRESS_NO_PORT;
        assert_eq!(int(&socket, libc::IPPROTO_IP, option), 1);
    }

    #[test]
    fn a_number_that_is_not_open_is_an_error() {
        for fd in [-1, RawFd::MIN, RawFd::MAX] {
            let error = duplicate(fd).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EBADF));
        }
    }
}
