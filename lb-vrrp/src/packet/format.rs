//! What one virtual router's packets look like.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use thiserror::Error;

use super::{ChecksumPolicy, Hmac, Password};
use crate::{Family, Version, VirtualRouterId};

/// How one virtual router's packets are written, and which are listened to.
///
/// ```
/// use lb_vrrp::packet::{Authentication, Format, Password};
/// use lb_vrrp::{Family, Version, VirtualRouterId};
///
/// let id = VirtualRouterId::new(51).expect("not 0");
/// let format = Format::builder(Version::V2, Family::V4, id)
///     .authentication(Authentication::Simple(Password::new("1111")?))
///     .build()?;
/// # let _ = format;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Format {
    pub(super) version: Version,
    pub(super) family: Family,
    pub(super) id: VirtualRouterId,
    pub(super) authentication: Authentication,
    pub(super) checksum: ChecksumPolicy,
    pub(super) delivery: Delivery,
    pub(super) peers: Vec<IpAddr>,
}

/// How a packet proves where it comes from.
#[derive(Clone, Debug, Default)]
pub enum Authentication {
    /// Not at all, as RFC 3768 and all later ones have it.
    #[default]
    None,
    /// A password in the clear: version 2 only (RFC 2338, Keepalived's `auth_type PASS`).
    Simple(Password),
    /// A signature: Keepalived's `auth_hmac`.
    Hmac(Hmac),
}

/// Where packets go to. What arrives in the other way is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// To the group. They arrive with a TTL of 255, or they came through a router.
    #[default]
    Multicast,
    /// To configured peers, which may be several routers away.
    Unicast {
        /// The TTL or hop limit that is demanded, if any (Keepalived's `min_ttl` and `max_ttl`).
        ttl: Option<RangeInclusive<u8>>,
    },
}

impl Format {
    /// Multicast, no authentication, [`ChecksumPolicy::Auto`].
    pub fn builder(version: Version, family: Family, id: VirtualRouterId) -> FormatBuilder {
        FormatBuilder(Self {
            version,
            family,
            id,
            authentication: Authentication::default(),
            checksum: ChecksumPolicy::default(),
            delivery: Delivery::default(),
            peers: Vec::new(),
        })
    }

    /// The version it is of.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// The family of its addresses, and of the IP header before it.
    pub const fn family(&self) -> Family {
        self.family
    }

    /// Which virtual router it is.
    pub const fn id(&self) -> VirtualRouterId {
        self.id
    }

    /// The length of a message with this many addresses, in octets and without the IP header: what
    /// must fit into an interface's MTU.
    pub fn message_length(&self, addresses: usize) -> usize {
        let trailer = match &self.authentication {
            Authentication::Hmac(hmac) if hmac.signs() => super::hmac::TRAILER,
            _ => 0,
        };
        self.unsigned_length(addresses) + trailer
    }

    pub(super) fn unsigned_length(&self, addresses: usize) -> usize {
        let address = match self.family {
            Family::V4 => 4,
            Family::V6 => 16,
        };
        let data = match self.version {
            Version::V2 => Password::MAX,
            Version::V3 => 0,
        };
        super::HEADER + address * addresses + data
    }
}

/// Puts a [`Format`] together.
#[derive(Clone, Debug)]
pub struct FormatBuilder(Format);

impl FormatBuilder {
    /// How packets are authenticated.
    #[must_use]
    pub fn authentication(mut self, authentication: Authentication) -> Self {
        self.0.authentication = authentication;
        self
    }

    /// Which checksums of version 3 over IPv4 are sent and accepted.
    #[must_use]
    pub fn checksum(mut self, policy: ChecksumPolicy) -> Self {
        self.0.checksum = policy;
        self
    }

    /// Where packets go to.
    #[must_use]
    pub fn delivery(mut self, delivery: Delivery) -> Self {
        self.0.delivery = delivery;
        self
    }

    /// Listens to these nodes alone (Keepalived's `check_unicast_src`); without this, to anybody.
    #[must_use]
    pub fn peers(mut self, peers: impl IntoIterator<Item = IpAddr>) -> Self {
        self.0.peers.extend(peers);
        self
    }

    /// The format, if there is such a one.
    ///
    /// # Errors
    /// [`FormatError`].
    pub fn build(self) -> Result<Format, FormatError> {
        let format = self.0;
        if format.version == Version::V2 && format.family == Family::V6 {
            return Err(FormatError::Family);
        }
        if format.version == Version::V3
            && matches!(format.authentication, Authentication::Simple(_))
        {
            return Err(FormatError::Password);
        }
        match &format.delivery {
            Delivery::Unicast { ttl: Some(ttl) } if ttl.is_empty() => Err(FormatError::Ttl),
            Delivery::Unicast { .. } | Delivery::Multicast => Ok(format),
        }
    }
}

/// Settings that go not together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FormatError {
    /// IPv6 in version 2.
    #[error("version 2 knows no IPv6")]
    Family,
    /// A password in version 3.
    #[error("version 3 carries no password")]
    Password,
    /// A range of TTLs with nothing in it.
    #[error("the lowest TTL is above the highest")]
    Ttl,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn builder(version: Version, family: Family) -> FormatBuilder {
        Format::builder(version, family, VirtualRouterId::new(1).unwrap())
    }

    #[test]
    fn what_goes_not_together() {
        let error = |builder: FormatBuilder| builder.build().unwrap_err();
        let password = || Authentication::Simple(Password::new("x").unwrap());
        assert_eq!(error(builder(Version::V2, Family::V6)), FormatError::Family);
        let with_password = builder(Version::V3, Family::V4).authentication(password());
        assert_eq!(error(with_password), FormatError::Password);
        #[allow(clippy::reversed_empty_ranges, reason = "it is what is refused")]
        let ttl = Some(255..=254);
        let empty = builder(Version::V3, Family::V4).delivery(Delivery::Unicast { ttl });
        assert_eq!(error(empty), FormatError::Ttl);
        assert!(
            builder(Version::V2, Family::V4)
                .authentication(password())
                .build()
                .is_ok()
        );
    }
}
