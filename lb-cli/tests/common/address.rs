//! Addresses that nobody else has.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    sync::atomic::{AtomicU16, Ordering},
};

/// Below the ports that the kernel gives away.
static NEXT: AtomicU16 = AtomicU16::new(10_000);

/// A loopback address that no other process uses: between our letting a port of it go and a proxy's
/// taking it, nobody else gets it.
fn own() -> Ipv4Addr {
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, 1 + (high & 0x7f), middle, low)
}

/// A listener on a port of the kernel's choice.
pub(crate) fn bind() -> Result<TcpListener, String> {
    let own = own();
    TcpListener::bind((own, 0)).map_err(|e| format!("bind a port of {own}: {e}"))
}

/// An address that is free, and stays so for whoever is told of it.
pub(crate) fn free() -> SocketAddr {
    loop {
        let address = (own(), NEXT.fetch_add(1, Ordering::Relaxed));
        // Taken only by somebody who listens on all addresses.
        if TcpListener::bind(address).is_ok() {
            return address.into();
        }
    }
}

/// The same of `::1`, which is shared with all processes.
pub(crate) fn free_v6() -> SocketAddr {
    let listener = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).expect("the machine has IPv6");
    listener
        .local_addr()
        .expect("a bound listener has an address")
}
