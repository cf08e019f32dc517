//! The system calls no safe crate offers. The only unsafe code of this crate.
#![allow(unsafe_code, reason = "raw socket options and packet socket addresses")]

use std::io;
use std::mem::MaybeUninit;
use std::net::Ipv6Addr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A datagram of a raw IPv6 socket: the kernel keeps its header to itself and tells of it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReceivedV6 {
    /// How many octets of the buffer it filled.
    pub(crate) length: usize,
    pub(crate) source: Ipv6Addr,
    pub(crate) destination: Ipv6Addr,
    pub(crate) hop_limit: u8,
}

/// A socket that is its descriptor's only owner and gives the same one as long as it lives.
pub(crate) trait Owner: AsRawFd {}

impl Owner for socket2::Socket {}
impl Owner for netlink_sys::Socket {}

/// Has the runtime tell when `socket` can be read.
///
/// # Errors
/// The runtime's.
pub(crate) fn readable<S: Owner>(socket: S) -> io::Result<AsyncFd<S>> {
    // SAFETY: an `Owner` keeps its descriptor open, and the same, until it is dropped, and
    // `AsyncFd` forgets it before that.
    unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE) }.map_err(Into::into)
}

/// Makes [`receive_v6`] learn the destination (RFC 3542 §6.2).
pub(crate) fn set_receive_packet_info_v6(socket: impl AsFd) -> io::Result<()> {
    let option = libc::IPV6_RECVPKTINFO;
    set_int(socket.as_fd(), libc::IPPROTO_IPV6, option, 1)
}

/// Keeps a packet socket from seeing what this host sends (Linux 4.20).
pub(crate) fn set_ignore_outgoing(socket: impl AsFd) -> io::Result<()> {
    let option = libc::PACKET_IGNORE_OUTGOING;
    set_int(socket.as_fd(), libc::SOL_PACKET, option, 1)
}

/// Binds a packet socket to an interface and starts it on one EtherType.
pub(crate) fn bind_packet(socket: impl AsFd, index: u32, ether_type: u16) -> io::Result<()> {
    // SAFETY: sockaddr_ll is made of integers only, for which all zeroes is a value.
    let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    address.sll_family = libc::AF_PACKET as libc::c_ushort;
    address.sll_protocol = ether_type.to_be();
    address.sll_ifindex =
        libc::c_int::try_from(index).map_err(|_| io::Error::from_raw_os_error(libc::ENODEV))?;
    // SAFETY: the pointer and the length describe `address`, which outlives the call; the kernel
    // only reads it.
    let result = unsafe {
        libc::bind(
            socket.as_fd().as_raw_fd(),
            (&raw const address).cast(),
            size_of::<libc::sockaddr_ll>() as libc::socklen_t,
        )
    };
    check(result)
}

/// Room for the two control messages asked for, and for one more.
#[repr(C, align(8))]
struct Control([u8; 128]);

/// Receives one datagram of a raw IPv6 socket into `buffer`, which cuts what is longer.
///
/// # Errors
/// The socket's; [`io::ErrorKind::InvalidData`] where the kernel does not tell the destination
/// and the hop limit, which the socket's options ask for.
pub(crate) fn receive_v6(socket: impl AsFd, buffer: &mut [u8]) -> io::Result<ReceivedV6> {
    // SAFETY: sockaddr_in6 is made of integers only, for which all zeroes is a value.
    let mut name: libc::sockaddr_in6 = unsafe { std::mem::zeroed() };
    let mut control = Control([0; 128]);
    let mut vector = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    let mut header = MaybeUninit::<libc::msghdr>::zeroed();
    // SAFETY: msghdr is made of integers and pointers, for which all zeroes is a value.
    let header = unsafe { header.assume_init_mut() };
    header.msg_name = (&raw mut name).cast();
    header.msg_namelen = size_of::<libc::sockaddr_in6>() as libc::socklen_t;
    header.msg_iov = &raw mut vector;
    header.msg_iovlen = 1;
    header.msg_control = control.0.as_mut_ptr().cast();
    header.msg_controllen = control.0.len() as _;
    // SAFETY: `header` points at `name`, `vector`, `buffer` and `control` with their true lengths,
    // and all of them outlive the call.
    let length = unsafe { libc::recvmsg(socket.as_fd().as_raw_fd(), header, 0) };
    let length = usize::try_from(length).map_err(|_| io::Error::last_os_error())?;

    let mut destination = None;
    let mut hop_limit = None;
    // SAFETY: `header` is as recvmsg left it; its control buffer is `control`, still alive and
    // aligned for cmsghdr.
    let mut message = unsafe { libc::CMSG_FIRSTHDR(header) };
    while !message.is_null() {
        // SAFETY: the kernel wrote a whole cmsghdr here; CMSG_FIRSTHDR and CMSG_NXTHDR give no
        // pointer outside of the control buffer.
        let (level, kind, size) = unsafe {
            (
                (*message).cmsg_level,
                (*message).cmsg_type,
                (*message).cmsg_len as usize,
            )
        };
        // SAFETY: CMSG_LEN computes on numbers alone, and CMSG_DATA on the pointer's value.
        let (base, data) = unsafe { (libc::CMSG_LEN(0) as usize, libc::CMSG_DATA(message)) };
        let size = size.saturating_sub(base);
        match (level, kind) {
            (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) if size >= size_of::<libc::in6_pktinfo>() => {
                // SAFETY: the message has as many octets as an in6_pktinfo; the read needs no
                // alignment.
                let info = unsafe { data.cast::<libc::in6_pktinfo>().read_unaligned() };
                destination = Some(Ipv6Addr::from(info.ipi6_addr.s6_addr));
            }
            (libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT) if size >= size_of::<libc::c_int>() => {
                // SAFETY: the message has as many octets as a c_int; the read needs no alignment.
                let value = unsafe { data.cast::<libc::c_int>().read_unaligned() };
                hop_limit = u8::try_from(value).ok();
            }
            _ => {}
        }
        // SAFETY: as for CMSG_FIRSTHDR; `message` came from there or from here.
        message = unsafe { libc::CMSG_NXTHDR(header, message) };
    }
    let (Some(destination), Some(hop_limit)) = (destination, hop_limit) else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    Ok(ReceivedV6 {
        length,
        source: Ipv6Addr::from(name.sin6_addr.s6_addr),
        destination,
        hop_limit,
    })
}

/// Puts the calling thread under SCHED_RR with `priority`; its children start as ordinary ones.
///
/// By number: musl's function of this name does nothing, since threads are not POSIX's processes.
pub(crate) fn set_round_robin(priority: u8) -> io::Result<()> {
    /// The kernel's `sched_param`; musl's is longer.
    #[repr(C)]
    struct Parameters {
        priority: libc::c_int,
    }
    let parameters = Parameters {
        priority: libc::c_int::from(priority),
    };
    let policy = libc::SCHED_RR | libc::SCHED_RESET_ON_FORK;
    // SAFETY: the arguments are those of the system call: 0 is the calling thread, and the kernel
    // only reads `parameters`, which outlives the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_sched_setscheduler,
            0,
            policy,
            &raw const parameters,
        )
    };
    check(if result == 0 { 0 } else { -1 })
}

/// The calling thread's policy, without SCHED_RESET_ON_FORK.
#[cfg(test)]
pub(crate) fn policy() -> i32 {
    // SAFETY: the call takes a number and touches no memory; 0 is the calling thread.
    let policy = unsafe { libc::syscall(libc::SYS_sched_getscheduler, 0) };
    i32::try_from(policy).unwrap() & !libc::SCHED_RESET_ON_FORK
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
    check(result)
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
