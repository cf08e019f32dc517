//! Cookie values made from a server's address and a secret (`dynamic`,
//! `dynamic-cookie-key`): the same on every balancer that knows the secret,
//! whatever the servers are called there.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};

use twox_hash::XxHash64;

/// Such a value: 16 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct DynamicValue([u8; 16]);

/// The value of the server at `address`: XXH64 of the key, the octets of the IP
/// address and the port in 32 bits, big-endian, with seed 0.
///
/// A server that is to be found again by it needs it as its
/// [`affinity`](lb_core::Server::affinity):
///
/// ```
/// use std::net::SocketAddr;
///
/// use lb_core::Server;
/// use lb_http::{Upstream, sticky};
///
/// let address: SocketAddr = "10.0.0.1:80".parse()?;
/// let server = Server::new("a", Upstream::from(address))
///     .affinity(sticky::dynamic_value("MYKEY", address));
/// # assert_eq!(server.affinity_value().map(str::len), Some(16));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
pub fn dynamic_value(key: impl AsRef<[u8]>, address: SocketAddr) -> DynamicValue {
    let mut bytes = key.as_ref().to_vec();
    match address.ip() {
        IpAddr::V4(ip) => bytes.extend_from_slice(&ip.octets()),
        IpAddr::V6(ip) => bytes.extend_from_slice(&ip.octets()),
    }
    bytes.extend_from_slice(&u32::from(address.port()).to_be_bytes());
    let hash = XxHash64::oneshot(0, &bytes);
    // The index is below 16.
    DynamicValue(std::array::from_fn(|digit| {
        b"0123456789abcdef"[(hash >> (60 - 4 * digit)) as usize & 15]
    }))
}

impl DynamicValue {
    /// As text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("hexadecimal digits are ASCII")
    }
}

impl fmt::Display for DynamicValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<DynamicValue> for String {
    fn from(value: DynamicValue) -> Self {
        value.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_value_of_haproxy() {
        // `dynamic-cookie-key MYKEY`, `server s1 127.0.0.1:39299`, HAProxy 2.6.12.
        let address = SocketAddr::from(([127, 0, 0, 1], 39299));
        assert_eq!(dynamic_value("MYKEY", address).as_str(), "1861c0cdb85c9389");
    }
}
