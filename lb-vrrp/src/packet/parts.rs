//! Where a message ends, and what comes after it.

use super::hmac::{self, TRAILER};
use super::{Format, HEADER, Refused, ipv4};
use crate::{Family, Version};

/// What Ethernet carries at least, in octets.
const SHORTEST_FRAME: usize = 46;

/// A message of the right version, type and length, split where its parts meet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts<'a> {
    /// The first 8 octets.
    pub(super) header: &'a [u8; HEADER],
    /// The addresses, 1 to 255 of them.
    pub(super) addresses: &'a [u8],
    /// Version 2's authentication data: 8 octets, or none in version 3.
    pub(super) data: &'a [u8],
    /// The three above: what the HMAC and IPv4's checksum cover.
    pub(super) message: &'a [u8],
    /// The signature, if there is one.
    pub(super) trailer: Option<&'a [u8; TRAILER]>,
}

impl<'a> Parts<'a> {
    pub(super) fn of(octets: &'a [u8], format: &Format) -> Result<Self, Refused> {
        let header: &[u8; HEADER] = octets.first_chunk().ok_or(Refused::Length)?;
        if header[0] >> 4 != format.version.number() {
            return Err(Refused::Version);
        }
        if header[0] & 0xf != super::ADVERTISEMENT {
            return Err(Refused::Type);
        }
        let count = usize::from(header[3]);
        if count == 0 {
            return Err(Refused::AddressCount);
        }
        let length = format.unsigned_length(count);
        let (message, rest) = octets.split_at_checked(length).ok_or(Refused::Length)?;
        let trailer = match rest.len() {
            0 => None,
            TRAILER => Some(rest.first_chunk().expect("it is as long")),
            _ if is_padding(rest, length, format.family) => None,
            _ => return Err(Refused::Length),
        };
        // A signed message where no signature is looked for is told apart from a wrong length.
        if let Some(trailer) = trailer
            && !matches!(format.authentication, super::Authentication::Hmac(_))
        {
            return Err(match trailer[0] {
                hmac::TYPE => Refused::AuthenticationTypeMismatch,
                _ => Refused::Length,
            });
        }
        let data = match format.version {
            Version::V2 => length - super::Password::MAX,
            Version::V3 => length,
        };
        Ok(Self {
            header,
            addresses: &message[HEADER..data],
            data: &message[data..],
            message,
            trailer,
        })
    }
}

/// Whether `rest` is what filled a short frame and was counted into the IP header's length.
/// Messages and headers are multiples of 4 octets and the shortest frame is not, nor is it with the
/// tag of a VLAN in it.
fn is_padding(rest: &[u8], length: usize, family: Family) -> bool {
    family == Family::V4
        && ipv4::HEADER + length + rest.len() <= SHORTEST_FRAME
        && rest.len() % 4 == SHORTEST_FRAME % 4
}
