//! Where a check connects to, and what it sends before its own bytes.

use std::{io, net::IpAddr};

use lb_core::health::{Status, Verdict};
use lb_tcp::{Address, ConnectError, Connecting, Connector, Stream, proxy_protocol::Header};

use crate::{ProxyVersion, Upstream};

/// HAProxy's `port`, `addr`, `source` and `check-send-proxy`.
#[derive(Clone, Debug, Default)]
pub(super) struct Dial {
    pub(super) port: Option<u16>,
    pub(super) address: Option<IpAddr>,
    pub(super) send_proxy: Option<ProxyVersion>,
}

impl Dial {
    pub(super) fn connect(&self, upstream: &Upstream) -> Connecting {
        let own = upstream.address();
        match self.inet(&own) {
            Some(address) => Connector::new().connect(&address),
            None => upstream.connect(),
        }
    }

    /// The address, where it is not the server's own.
    fn inet(&self, own: &Address) -> Option<Address> {
        if !self.is_elsewhere() {
            return None;
        }
        let inet = own.inet();
        let ip = self.address.or(inet.map(|own| own.ip()))?;
        let port = self.port.or(inet.map(|own| own.port()))?;
        Some(Address::from(std::net::SocketAddr::from((ip, port))))
    }

    fn is_elsewhere(&self) -> bool {
        self.port.is_some() || self.address.is_some()
    }

    /// Appends the PROXY header that is to go first. The server's own
    /// `send_proxy` holds only for the server's own address, as in HAProxy.
    pub(super) fn write_preamble(&self, upstream: &Upstream, stream: &Stream, out: &mut Vec<u8>) {
        let inherited = match self.is_elsewhere() {
            true => None,
            false => upstream.proxy_version(),
        };
        match self.send_proxy.or(inherited) {
            None => {}
            // Version 1 has no word for a connection of the proxy's own.
            Some(ProxyVersion::V1) => match (stream.local(), stream.peer()) {
                (Ok(local), Ok(peer)) => Header::proxy(local, peer).encode_v1(out),
                _ => Header::unknown().encode_v1(out),
            },
            Some(ProxyVersion::V2) => Header::local().encode_v2(out),
        }
    }
}

/// A connection that could not be made.
pub(super) fn not_connected(error: &ConnectError) -> Verdict {
    let status = if error.is_local() {
        Status::SocketError
    } else if error.is_timeout() {
        Status::L4Timeout
    } else {
        Status::L4Connection
    };
    Verdict::new(status).with_info(reason(error.io_error()))
}

/// The operating system's words, without the number that std appends.
pub(super) fn reason(error: &io::Error) -> String {
    let mut text = error.to_string();
    if let Some(at) = text.find(" (os error") {
        text.truncate(at);
    }
    text
}
