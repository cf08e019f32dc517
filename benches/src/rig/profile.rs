//! What both ends of a virtual router must agree on, by the names of the tables.

use std::{net::IpAddr, time::Duration};

use super::place::{VIRTUAL_V4, VIRTUAL_V6};

/// Version, interval, family, authentication and the way of sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    /// As in the tables.
    pub name: &'static str,
    /// 2 or 3.
    pub version: u8,
    /// Between two advertisements.
    pub interval: Duration,
    /// Of `auth_type PASS`, at most 8 octets.
    pub password: Option<&'static str>,
    /// To each peer instead of to the group.
    pub unicast: bool,
    /// IPv6 addresses in place of IPv4 ones.
    pub v6: bool,
}

impl Profile {
    /// Version 2, one second, `auth_type PASS`.
    pub const V2: Self = Self {
        name: "v2",
        version: 2,
        interval: Duration::from_secs(1),
        password: Some("s3cret88"),
        unicast: false,
        v6: false,
    };
    /// Version 2, one second, no authentication.
    pub const V2_OPEN: Self = Self {
        name: "v2open",
        password: None,
        ..Self::V2
    };
    /// Version 2 to each peer.
    pub const UNICAST: Self = Self {
        name: "uni",
        unicast: true,
        ..Self::V2_OPEN
    };
    /// Version 3, one second.
    pub const V3_SECOND: Self = Self {
        name: "v3s",
        version: 3,
        ..Self::V2_OPEN
    };
    /// Version 3, 100 ms.
    pub const V3: Self = Self {
        name: "v3c",
        interval: Duration::from_millis(100),
        ..Self::V3_SECOND
    };
    /// Version 3, 10 ms: the shortest there is.
    pub const V3_FASTEST: Self = Self {
        name: "v3cc",
        interval: Duration::from_millis(10),
        ..Self::V3_SECOND
    };
    /// Version 3 over IPv6, 100 ms.
    pub const V6: Self = Self {
        name: "v6",
        v6: true,
        ..Self::V3
    };

    /// Every profile, in the order of the tables.
    pub const ALL: [Self; 7] = [
        Self::V2,
        Self::V2_OPEN,
        Self::UNICAST,
        Self::V3_SECOND,
        Self::V3,
        Self::V3_FASTEST,
        Self::V6,
    ];

    /// The address that moves and that clients speak to.
    pub fn target(&self) -> IpAddr {
        if self.v6 {
            VIRTUAL_V6.into()
        } else {
            VIRTUAL_V4.into()
        }
    }
}
