//! What becomes of interfaces and addresses, as the kernel tells it.

use std::io;
use std::net::IpAddr;
use std::task::{Context, Poll};

use netlink_packet_core::{NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use tokio::io::unix::AsyncFd;

use super::{Address, Link, socket::split};
use crate::linux::readable::poll_read;
use crate::sys;

const GROUPS: [libc::c_int; 3] = [
    libc::RTNLGRP_LINK as libc::c_int,
    libc::RTNLGRP_IPV4_IFADDR as libc::c_int,
    libc::RTNLGRP_IPV6_IFADDR as libc::c_int,
];

/// Something that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// An interface has come, gone, or is another now.
    Link { index: u32, name: String },
    /// An address has come, or its lifetime is new.
    Added { index: u32, ip: IpAddr },
    /// An address is gone.
    Removed { index: u32, ip: IpAddr },
    /// The kernel had more to tell than the socket holds: anything may have changed.
    Anything,
}

/// A socket that is told of changes.
pub(crate) struct Monitor(AsyncFd<Socket>);

impl Monitor {
    /// # Errors
    /// Of the socket.
    pub(crate) fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind(&SocketAddr::new(0, 0))?;
        for group in GROUPS {
            socket.add_membership(group as u32)?;
        }
        socket.set_non_blocking(true)?;
        sys::readable(socket).map(Self)
    }

    /// The next changes, in order; there may be none that matters among them.
    ///
    /// # Errors
    /// Of the socket, but for an overflow, which is [`Change::Anything`].
    pub(crate) fn poll_changes(&self, cx: &mut Context<'_>) -> Poll<io::Result<Vec<Change>>> {
        poll_read(&self.0, cx, |socket| match socket.recv_from_full() {
            Ok((octets, _)) => Ok(split(&octets).filter_map(change).collect()),
            Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => Ok(vec![Change::Anything]),
            Err(error) => Err(error),
        })
    }
}

fn change(octets: &[u8]) -> Option<Change> {
    let Ok(message) = NetlinkMessage::<RouteNetlinkMessage>::deserialize(octets) else {
        return Some(Change::Anything);
    };
    let NetlinkPayload::InnerMessage(message) = message.payload else {
        return None;
    };
    match message {
        RouteNetlinkMessage::NewLink(message) | RouteNetlinkMessage::DelLink(message) => {
            let Link { index, name, .. } = Link::of(&message);
            Some(Change::Link { index, name })
        }
        RouteNetlinkMessage::NewAddress(message) => {
            Address::of(&message).map(|Address { index, ip, .. }| Change::Added { index, ip })
        }
        RouteNetlinkMessage::DelAddress(message) => {
            Address::of(&message).map(|Address { index, ip, .. }| Change::Removed { index, ip })
        }
        _ => None,
    }
}
