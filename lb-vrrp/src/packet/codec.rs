//! One virtual router's packets, in and out.

use std::net::IpAddr;
use std::time::Duration;

use thiserror::Error;

use super::hmac::{Scope, Sequence, Signed};
use super::recent::Recent;
use super::{ChecksumForm, ChecksumPolicy, Format, Refusals};
use crate::Family;

/// Reads and writes the packets of one virtual router.
///
/// It remembers, for the last few senders, the form of their checksums and when they last signed;
/// a packet that is refused changes nothing of that.
///
/// ```
/// use std::time::SystemTime;
/// use lb_vrrp::network::Datagram;
/// use lb_vrrp::packet::{Codec, Format};
/// use lb_vrrp::{Advertisement, Family, Interval, Priority, Version, VirtualRouterId};
///
/// let id = VirtualRouterId::new(88).expect("not 0");
/// let format = Format::builder(Version::V3, Family::V4, id).build()?;
/// let advertisement = Advertisement {
///     version: Version::V3,
///     id,
///     priority: Priority::DEFAULT,
///     interval: Interval::DEFAULT,
///     addresses: vec!["10.77.0.100".parse()?],
/// };
/// let (source, destination) = ("10.77.0.1".parse()?, Family::V4.group());
/// let mut message = Vec::new();
/// let now = SystemTime::now();
/// Codec::new(format.clone()).write(&advertisement, source, destination, now, &mut message)?;
/// assert_eq!(message, b"\x31\x58\x64\x01\x00\x64\x74\xb4\x0a\x4d\x00\x64");
///
/// let datagram = Datagram { source, destination, ttl: 255, message };
/// assert_eq!(Codec::new(format).receive(&datagram, now)?, advertisement);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Codec {
    pub(super) format: Format,
    pub(super) own: Option<IpAddr>,
    pub(super) senders: Recent<ChecksumForm>,
    pub(super) checksums: [u64; ChecksumForm::ALL.len()],
    /// Apart from `senders`: an unsigned packet must not push out what a signed one left.
    pub(super) signers: Recent<Signed>,
    pub(super) signed: Sequence,
    pub(super) refusals: Refusals,
}

impl Codec {
    /// Reads and writes `format`; nobody was heard yet.
    pub fn new(format: Format) -> Self {
        Self {
            format,
            own: None,
            senders: Recent::default(),
            checksums: [0; ChecksumForm::ALL.len()],
            signers: Recent::default(),
            signed: Sequence::default(),
            refusals: Refusals::default(),
        }
    }

    /// What it reads and writes.
    pub const fn format(&self) -> &Format {
        &self.format
    }

    /// The address this node sends from: packets that bear it are not listened to. [`write`](Self::write)
    /// notes it too.
    pub fn set_source(&mut self, source: Option<IpAddr>) {
        self.own = source;
    }

    /// How many packets were refused, and why.
    pub const fn refusals(&self) -> &Refusals {
        &self.refusals
    }

    /// How many packets of version 3 over IPv4 were accepted with a checksum of this form.
    pub fn accepted(&self, form: ChecksumForm) -> u64 {
        self.checksums[form.index()]
    }

    /// The form of checksum that goes to `destination`; it matters in version 3 over IPv4 only.
    pub fn form(&self, destination: IpAddr) -> ChecksumForm {
        match self.format.checksum {
            ChecksumPolicy::PseudoHeader => ChecksumForm::PseudoHeader,
            ChecksumPolicy::Message => ChecksumForm::Message,
            ChecksumPolicy::Auto => {
                let heard = if destination.is_multicast() {
                    self.senders.last()
                } else {
                    self.senders.of(destination)
                };
                heard.copied().unwrap_or(ChecksumForm::PseudoHeader)
            }
        }
    }

    /// The nodes whose packets were accepted, the last one first; at most 32.
    pub fn senders(&self) -> impl Iterator<Item = Sender> + '_ {
        self.senders.iter().map(|(source, form)| Sender {
            source,
            checksum: *form,
            skew: self.signers.of(source).map(|signed| signed.skew),
        })
    }

    pub(super) fn scope(&self, source: IpAddr) -> Scope {
        Scope::new(self.format.version, self.format.id, source)
    }
}

/// What is remembered of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender {
    /// Its address.
    pub source: IpAddr,
    /// What its last checksum covered; it matters in version 3 over IPv4 only.
    pub checksum: ChecksumForm,
    /// If it signs: how far its clock was from this node's, the way of the packet included. At
    /// more than half the window it is time to mend the clocks.
    pub skew: Option<Duration>,
}

/// An advertisement that cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WriteError {
    /// It is another virtual router's, or of another version.
    #[error("the advertisement is of another virtual router or version")]
    Other,
    /// No address, or more than 255.
    #[error("an advertisement has 1 to 255 addresses, and this one {0}")]
    Count(usize),
    /// A virtual address, the source or the destination is not of the virtual router's family.
    #[error("{0} is not of the virtual router's family, {1}")]
    Family(IpAddr, Family),
    /// The first IPv6 address must be link-local (RFC 9568 §5.2.9).
    #[error("the first IPv6 address must be link-local, and {0} is not")]
    FirstAddress(IpAddr),
    /// Version 2 has whole seconds, 1 to 255; version 3 centiseconds, 1 to 4095.
    #[error("the version cannot carry this interval")]
    Interval,
}
