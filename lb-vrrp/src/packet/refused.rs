//! Why a packet was not listened to, and how often.
//!
//! Names follow the statistics of RFC 6527 and, for authentication, RFC 2787. Keepalived logs each
//! kind once in its life; counters tell a passing fault from a lasting one.

use thiserror::Error;

/// The reason a packet was dropped. It changes nothing but its counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Refused {
    /// RFC 6527's `vrrpv3RouterVrIdErrors`.
    #[error("it is for another virtual router")]
    VirtualRouterId,
    /// An IPv4 packet for a virtual router of IPv6, or the other way round.
    #[error("it came over the other address family")]
    AddressFamily,
    /// Multicast for a virtual router with unicast peers, or unicast for one without.
    #[error("it was sent by unicast where multicast is expected, or the other way round")]
    Destination,
    /// Its source is the address this node sends from.
    #[error("it bears this node's own address: looped back, or two nodes have one address")]
    Looped,
    /// Its source is none of the unicast peers (Keepalived's `check_unicast_src`).
    #[error("it comes from a node that is not configured as a peer")]
    Peer,
    /// RFC 6527's `vrrpv3StatisticsIpTtlErrors`.
    #[error("its TTL or hop limit is not the one demanded: it may come from beyond the link")]
    Ttl,
    /// RFC 6527's `vrrpv3RouterVersionErrors`.
    #[error("it is of another version of VRRP")]
    Version,
    /// RFC 6527's `vrrpv3StatisticsRcvdInvalidTypePackets`.
    #[error("it is no advertisement")]
    Type,
    /// RFC 6527's `vrrpv3StatisticsPacketLengthErrors`.
    #[error("its length is not what its number of addresses demands")]
    Length,
    /// It lists no address (RFC 9568, erratum 8299).
    #[error("it lists no address")]
    AddressCount,
    /// RFC 6527's `vrrpv3RouterChecksumErrors`.
    #[error("its checksum is wrong, or of a form that is not accepted")]
    Checksum,
    /// An interval of 0 (RFC 9568, erratum 8301). One that only differs is not refused here.
    #[error("its advertisement interval is 0")]
    Interval,
    /// The first IPv6 address must be link-local (RFC 9568 §5.2.9).
    #[error("its first IPv6 address is not link-local")]
    FirstAddress,
    /// RFC 2787's `vrrpStatsInvalidAuthType`: one that does not exist, or AH's.
    #[error("its type of authentication is not known here")]
    AuthenticationType,
    /// RFC 2787's `vrrpStatsAuthTypeMismatch`.
    #[error("it is not authenticated in the way this node is configured to be")]
    AuthenticationTypeMismatch,
    /// It bears no HMAC where one is enforced.
    #[error("it is not signed, and signatures are enforced")]
    AuthenticationMissing,
    /// Signed with a key this node has not.
    #[error("it is signed with a key whose id is not configured")]
    AuthenticationKey,
    /// RFC 2787's `vrrpStatsAuthFailures`: a wrong password or a wrong HMAC.
    #[error("its password or signature is wrong")]
    AuthenticationFailure,
    /// Signed too long ago, or in the future.
    #[error("it was signed at a time outside of the window: compare the nodes' clocks")]
    AuthenticationStale,
    /// Signed rightly, but not after the last one from this sender.
    #[error("it repeats an advertisement that was received before")]
    AuthenticationReplay,
}

impl Refused {
    /// Every reason, in the order in which a packet is examined.
    pub const ALL: [Self; 20] = [
        Self::VirtualRouterId,
        Self::AddressFamily,
        Self::Destination,
        Self::Looped,
        Self::Peer,
        Self::Ttl,
        Self::Version,
        Self::Type,
        Self::Length,
        Self::AddressCount,
        Self::Checksum,
        Self::Interval,
        Self::FirstAddress,
        Self::AuthenticationType,
        Self::AuthenticationTypeMismatch,
        Self::AuthenticationMissing,
        Self::AuthenticationKey,
        Self::AuthenticationFailure,
        Self::AuthenticationStale,
        Self::AuthenticationReplay,
    ];

    /// A short name for metrics and tables: lower case, words joined by `_`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::VirtualRouterId => "vrid",
            Self::AddressFamily => "address_family",
            Self::Destination => "destination",
            Self::Looped => "looped",
            Self::Peer => "peer",
            Self::Ttl => "ttl",
            Self::Version => "version",
            Self::Type => "type",
            Self::Length => "length",
            Self::AddressCount => "address_count",
            Self::Checksum => "checksum",
            Self::Interval => "interval",
            Self::FirstAddress => "first_address",
            Self::AuthenticationType => "auth_type",
            Self::AuthenticationTypeMismatch => "auth_type_mismatch",
            Self::AuthenticationMissing => "auth_missing",
            Self::AuthenticationKey => "auth_key",
            Self::AuthenticationFailure => "auth_failure",
            Self::AuthenticationStale => "auth_stale",
            Self::AuthenticationReplay => "auth_replay",
        }
    }
}

/// How many packets were refused, for each reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusals([u64; Refused::ALL.len()]);

impl Refusals {
    pub(super) fn add(&mut self, reason: Refused) {
        self.0[reason as usize] += 1;
    }

    /// How many were refused for `reason`.
    pub fn count(&self, reason: Refused) -> u64 {
        self.0[reason as usize]
    }

    /// Every reason with its count, those of 0 as well.
    pub fn iter(&self) -> impl Iterator<Item = (Refused, u64)> + '_ {
        Refused::ALL.into_iter().zip(self.0)
    }

    /// How many were refused in all.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_reason_counts_for_itself() {
        let mut refusals = Refusals::default();
        for (index, reason) in Refused::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, index);
            for _ in 0..=index {
                refusals.add(reason);
            }
        }
        for (index, (reason, count)) in refusals.iter().enumerate() {
            assert_eq!(count, index as u64 + 1);
            assert_eq!(refusals.count(reason), count);
        }
        assert_eq!(refusals.total(), (1..=Refused::ALL.len() as u64).sum());
    }

    #[test]
    fn names_differ() {
        let names: HashSet<_> = Refused::ALL.map(Refused::name).into_iter().collect();
        assert_eq!(names.len(), Refused::ALL.len());
    }
}
