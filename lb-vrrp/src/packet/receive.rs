//! From bytes to an advertisement.

use std::net::IpAddr;
use std::time::SystemTime;

use super::checksum::{self, Sum};
use super::hmac::Signed;
use super::parts::Parts;
use super::{Authentication, ChecksumForm, Codec, Delivery, Refused};
use crate::network::Datagram;
use crate::{Advertisement, Family, Interval, Priority, Version};

/// Version 2's authentication types (RFC 2338 §5.3.6).
pub(super) const NO_AUTHENTICATION: u8 = 0;
pub(super) const SIMPLE_TEXT: u8 = 1;

impl Codec {
    /// What `datagram` says, if it is for this virtual router and all is well with it. `now` is the
    /// wall clock's, to which signatures are compared.
    ///
    /// Whether an interval or a list of addresses is the configured one, and what a priority
    /// means, is not asked here.
    ///
    /// # Errors
    /// Why it is not listened to. That is counted, and has no other effect.
    pub fn receive(
        &mut self,
        datagram: &Datagram,
        now: SystemTime,
    ) -> Result<Advertisement, Refused> {
        let read = self.read(datagram, now);
        match read {
            Ok((advertisement, proof)) => {
                self.note(datagram.source, proof);
                Ok(advertisement)
            }
            Err(reason) => {
                self.refusals.add(reason);
                Err(reason)
            }
        }
    }

    fn note(&mut self, source: IpAddr, proof: Proof) {
        self.senders.heard(source, proof.form);
        if self.format.version == Version::V3 && self.format.family == Family::V4 {
            self.checksums[proof.form.index()] += 1;
        }
        if let Some(signed) = proof.signed {
            self.signers.heard(source, signed);
        }
    }

    fn read(
        &self,
        datagram: &Datagram,
        now: SystemTime,
    ) -> Result<(Advertisement, Proof), Refused> {
        self.is_for_us(datagram)?;
        let parts = Parts::of(&datagram.message, &self.format)?;
        let form = self.verify_checksum(datagram, &parts)?;
        let advertisement = self.understand(&parts)?;
        let signed = self.authenticate(datagram.source, &parts, now)?;
        Ok((advertisement, Proof { form, signed }))
    }

    /// Another virtual router's packets come first: its nodes may well have another version, and
    /// nothing about them is an error here.
    fn is_for_us(&self, datagram: &Datagram) -> Result<(), Refused> {
        let id = datagram.message.get(1).ok_or(Refused::Length)?;
        if *id != self.format.id.number() {
            return Err(Refused::VirtualRouterId);
        }
        let family = self.format.family;
        if Family::of(datagram.source) != family || Family::of(datagram.destination) != family {
            return Err(Refused::AddressFamily);
        }
        let multicast = datagram.destination.is_multicast();
        if multicast != (self.format.delivery == Delivery::Multicast) {
            return Err(Refused::Destination);
        }
        if self.own == Some(datagram.source) {
            return Err(Refused::Looped);
        }
        let peers = &self.format.peers;
        if !peers.is_empty() && !peers.contains(&datagram.source) {
            return Err(Refused::Peer);
        }
        let expected = match &self.format.delivery {
            Delivery::Multicast => datagram.ttl == super::TTL,
            Delivery::Unicast { ttl } => ttl.as_ref().is_none_or(|ttl| ttl.contains(&datagram.ttl)),
        };
        if expected { Ok(()) } else { Err(Refused::Ttl) }
    }

    fn verify_checksum(
        &self,
        datagram: &Datagram,
        parts: &Parts<'_>,
    ) -> Result<ChecksumForm, Refused> {
        let (source, destination) = (datagram.source, datagram.destination);
        let whole = |sum: Sum| sum.add(parts.message).is_whole();
        match (self.format.version, self.format.family) {
            (Version::V2, _) => whole(Sum::default()).then_some(ChecksumForm::Message),
            (Version::V3, Family::V6) => {
                let octets = &datagram.message;
                let sum = Sum::default().pseudo_header(source, destination, octets.len());
                let whole = sum.add(octets).is_whole();
                whole.then_some(ChecksumForm::PseudoHeader)
            }
            // The form a sender used before comes first: a message may by chance fit two.
            (Version::V3, Family::V4) => (self.senders.of(source).copied().into_iter())
                .chain(ChecksumForm::ALL)
                .filter(|form| self.format.checksum.accepts(*form))
                .find(|form| {
                    let length = parts.message.len();
                    whole(checksum::start(*form, source, destination, length))
                }),
        }
        .ok_or(Refused::Checksum)
    }

    fn understand(&self, parts: &Parts<'_>) -> Result<Advertisement, Refused> {
        let [_, _, priority, _, high, low, ..] = *parts.header;
        let centiseconds = match self.format.version {
            Version::V2 => u16::from(low) * 100,
            // The upper four bits are reserved, and ignored.
            Version::V3 => u16::from_be_bytes([high & 0xf, low]),
        };
        let interval = Interval::from_centiseconds(self.format.version, centiseconds)
            .ok_or(Refused::Interval)?;
        let addresses: Vec<IpAddr> = match self.format.family {
            Family::V4 => {
                let (addresses, _) = parts.addresses.as_chunks::<4>();
                addresses.iter().copied().map(IpAddr::from).collect()
            }
            Family::V6 => {
                let (addresses, _) = parts.addresses.as_chunks::<16>();
                addresses.iter().copied().map(IpAddr::from).collect()
            }
        };
        if !first_is_fit(&addresses) {
            return Err(Refused::FirstAddress);
        }
        Ok(Advertisement {
            version: self.format.version,
            id: self.format.id,
            priority: Priority(priority),
            interval,
            addresses,
        })
    }

    fn authenticate(
        &self,
        source: IpAddr,
        parts: &Parts<'_>,
        now: SystemTime,
    ) -> Result<Option<Signed>, Refused> {
        if self.format.version == Version::V2 {
            self.authenticate_simply(parts)?;
        }
        let Authentication::Hmac(hmac) = &self.format.authentication else {
            return Ok(None);
        };
        match parts.trailer {
            None if hmac.accepts_unsigned() => Ok(None),
            None => Err(Refused::AuthenticationMissing),
            Some(trailer) => {
                let last = self.signers.of(source).map(|signed| signed.sequence);
                hmac.verify(&self.scope(source), parts.message, trailer, last, now)
                    .map(Some)
            }
        }
    }

    fn authenticate_simply(&self, parts: &Parts<'_>) -> Result<(), Refused> {
        match (parts.header[4], &self.format.authentication) {
            (SIMPLE_TEXT, Authentication::Simple(password)) if password.is(parts.data) => Ok(()),
            (SIMPLE_TEXT, Authentication::Simple(_)) => Err(Refused::AuthenticationFailure),
            // The data is then of no meaning (RFC 3768 §5.3.10).
            (NO_AUTHENTICATION, Authentication::None | Authentication::Hmac(_)) => Ok(()),
            (NO_AUTHENTICATION | SIMPLE_TEXT, _) => Err(Refused::AuthenticationTypeMismatch),
            _ => Err(Refused::AuthenticationType),
        }
    }
}

/// What a packet showed of its sender.
#[derive(Clone, Copy)]
struct Proof {
    form: ChecksumForm,
    signed: Option<Signed>,
}

/// Whether the first of `addresses` may be first: in IPv6 it is link-local (RFC 9568 §5.2.9).
pub(super) fn first_is_fit(addresses: &[IpAddr]) -> bool {
    match addresses.first() {
        Some(IpAddr::V6(first)) => first.is_unicast_link_local(),
        _ => true,
    }
}
