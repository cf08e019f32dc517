//! What a virtual router counts, by the names of the VRRPv3 MIB (RFC 6527).

/// Counters of one virtual router since it was made.
///
/// What cannot be read at all is counted by
/// [`packet::Receiver`](crate::packet) with its reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// `vrrpv3StatisticsMasterTransitions`: how often it became master.
    pub master_transitions: u64,
    /// Advertisements sent, with priority 0 too.
    pub sent_advertisements: u64,
    /// `vrrpv3StatisticsRcvdAdvertisements`.
    pub received_advertisements: u64,
    /// `vrrpv3StatisticsSentPriZeroPackets`.
    pub sent_priority_zero: u64,
    /// `vrrpv3StatisticsRcvdPriZeroPackets`.
    pub received_priority_zero: u64,
    /// `vrrpv3StatisticsAdvIntervalErrors`: another interval than this node's.
    pub interval_errors: u64,
    /// `vrrpv3StatisticsAddressListErrors`: other addresses than this node's.
    pub address_list_errors: u64,
    /// Advertisements of another master heard while master: split brain.
    pub other_master: u64,
    /// Claims of an address heard while master.
    pub claims: u64,
}
