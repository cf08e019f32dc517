//! From an advertisement to bytes.

use std::net::IpAddr;
use std::time::SystemTime;

use super::checksum::{self, Sum};
use super::hmac::TRAILER;
use super::receive::{NO_AUTHENTICATION, SIMPLE_TEXT, first_is_fit};
use super::{Authentication, Codec, WriteError};
use crate::{Advertisement, Family, Interval, Version};

impl Codec {
    /// Puts the message to `destination` into `out`, in place of what was there: all that follows
    /// the IP header, checksum and authentication included. `now` is the wall clock's, which a
    /// signature bears; each call signs anew, so a message is sent to one destination only.
    ///
    /// # Errors
    /// If it cannot be written, `out` is empty and nothing has changed.
    pub fn write(
        &mut self,
        advertisement: &Advertisement,
        source: IpAddr,
        destination: IpAddr,
        now: SystemTime,
        out: &mut Vec<u8>,
    ) -> Result<(), WriteError> {
        out.clear();
        self.check(advertisement, source, destination)?;
        self.own = Some(source);
        self.put_message(advertisement, out);
        let checksum = self.checksum(source, destination, out).add(out).checksum();
        if let Authentication::Hmac(hmac) = &self.format.authentication
            && hmac.signs()
        {
            let scope = self.scope(source);
            self.signed = hmac.sign(&scope, self.signed, now, out);
        }
        // Only now is all there that IPv6's checksum covers.
        let checksum = match self.format.family {
            Family::V4 => checksum,
            Family::V6 => Sum::default()
                .pseudo_header(source, destination, out.len())
                .add(out)
                .checksum(),
        };
        out[6..8].copy_from_slice(&checksum.to_be_bytes());
        Ok(())
    }

    fn check(
        &self,
        advertisement: &Advertisement,
        source: IpAddr,
        destination: IpAddr,
    ) -> Result<(), WriteError> {
        let format = &self.format;
        if advertisement.version != format.version || advertisement.id != format.id {
            return Err(WriteError::Other);
        }
        let interval = advertisement.interval;
        if Interval::from_centiseconds(format.version, interval.centiseconds()).is_none() {
            return Err(WriteError::Interval);
        }
        let addresses = &advertisement.addresses;
        if addresses.is_empty() || addresses.len() > 255 {
            return Err(WriteError::Count(addresses.len()));
        }
        let all = addresses.iter().chain([&source, &destination]);
        if let Some(other) = all.copied().find(|ip| Family::of(*ip) != format.family) {
            return Err(WriteError::Family(other, format.family));
        }
        if !first_is_fit(addresses) {
            return Err(WriteError::FirstAddress(addresses[0]));
        }
        Ok(())
    }

    /// The message with a checksum of zero.
    fn put_message(&self, advertisement: &Advertisement, out: &mut Vec<u8>) {
        let version = self.format.version;
        let count = advertisement.addresses.len();
        out.reserve(self.format.unsigned_length(count) + TRAILER);
        out.extend([
            version.number() << 4 | super::ADVERTISEMENT,
            self.format.id.number(),
            advertisement.priority.0,
            count as u8, // at most 255, by `check`
        ]);
        let simple = match &self.format.authentication {
            Authentication::Simple(password) => Some(password),
            Authentication::None | Authentication::Hmac(_) => None,
        };
        let interval = advertisement.interval;
        match version {
            Version::V2 => {
                let kind = simple.map_or(NO_AUTHENTICATION, |_| SIMPLE_TEXT);
                out.extend([kind, interval.seconds()]);
            }
            Version::V3 => out.extend(interval.centiseconds().to_be_bytes()),
        }
        out.extend([0, 0]);
        for address in &advertisement.addresses {
            match address {
                IpAddr::V4(address) => out.extend(address.octets()),
                IpAddr::V6(address) => out.extend(address.octets()),
            }
        }
        if version == Version::V2 {
            out.extend(simple.map_or(&[0; 8], |password| password.octets()));
        }
    }

    /// What IPv4's checksum begins with.
    fn checksum(&self, source: IpAddr, destination: IpAddr, message: &[u8]) -> Sum {
        match self.format.version {
            Version::V2 => Sum::default(),
            Version::V3 => {
                checksum::start(self.form(destination), source, destination, message.len())
            }
        }
    }
}
