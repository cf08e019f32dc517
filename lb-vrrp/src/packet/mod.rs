//! Advertisements as bytes.
//!
//! A [`Codec`] reads and writes the packets of one virtual router as its [`Format`] says: VRRP
//! version 2 (RFC 3768) with or without the password of RFC 2338, version 3 (RFC 5798, RFC 9568)
//! over IPv4 and IPv6, and either with Keepalived's HMAC. It opens no socket and reads no clock.
//! What it does not listen to it names ([`Refused`]) and counts ([`Refusals`]).
//!
//! | octets | version 2 | version 3 |
//! |---|---|---|
//! | 0 | version 2, type 1: `0x21` | `0x31` |
//! | 1 to 3 | virtual router, priority, number of addresses | likewise |
//! | 4, 5 | authentication type, interval in seconds | interval in centiseconds, 12 bits |
//! | 6, 7 | checksum of the message | see [`ChecksumForm`]; over IPv6 with its pseudo-header |
//! | 8 … | addresses, then 8 octets of password or of zero | addresses |
//! | then | the HMAC's 28 octets, if there is one | likewise |

mod checksum;
mod codec;
mod format;
pub mod hmac;
pub mod ipv4;
mod parts;
mod password;
mod receive;
mod recent;
mod refused;
mod write;

#[cfg(test)]
mod tests;

pub use self::checksum::{ChecksumForm, ChecksumPolicy, PROTOCOL};
pub use self::codec::{Codec, Sender, WriteError};
pub use self::format::{Authentication, Delivery, Format, FormatBuilder, FormatError};
pub use self::hmac::Hmac;
pub use self::password::{Password, PasswordError};
pub use self::refused::{Refusals, Refused};

/// The TTL or hop limit every advertisement is sent with (RFC 9568 §5.1.1.3).
pub const TTL: u8 = 255;

/// The part that every message has, in octets.
const HEADER: usize = 8;
/// The only type of packet.
const ADVERTISEMENT: u8 = 1;
