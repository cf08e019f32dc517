//! Address patterns, and comparing IPv4 with IPv6 as HAProxy does.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::range::RangeSet;

/// One address or network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Net {
    /// Any mask, as HAProxy takes `10.0.0.1/255.0.0.255` too.
    V4 {
        address: u32,
        mask: u32,
    },
    V6 {
        address: u128,
        bits: u32,
    },
}

/// Reads `192.0.2.1`, `192.0.2.0/24`, `192.0.2.0/255.255.255.0`, `2001:db8::/32` and the short forms of IPv4.
///
/// A short form is `inet_aton`'s: the last part fills what is left, `10.12` is 10.0.0.12 and `192.168.1` is
/// 192.168.0.1. A single part is taken with a mask only, and as a network: `10/8` is 10.0.0.0/8.
pub(super) fn parse(text: &str) -> Result<Net, &'static str> {
    let (address, mask) = match text.split_once('/') {
        Some((address, mask)) => (address, Some(mask)),
        None => (text, None),
    };
    if address.contains(':') {
        let address: Ipv6Addr = address.parse().map_err(|_| "not an IPv6 address")?;
        let bits = match mask {
            None => 128,
            Some(mask) => prefix(mask, 128).ok_or("an IPv6 mask is a number of bits, 0 to 128")?,
        };
        let address = u128::from(address) & !u128::MAX.checked_shr(bits).unwrap_or(0);
        return Ok(Net::V6 { address, bits });
    }
    let mask = mask.map(ipv4_mask).transpose()?;
    let address = ipv4(address, mask.is_some())?;
    let mask = mask.unwrap_or(u32::MAX);
    Ok(Net::V4 {
        address: address & mask,
        mask,
    })
}

fn prefix(text: &str, most: u32) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let bits = digits.then(|| text.parse().ok()).flatten()?;
    (bits <= most).then_some(bits)
}

fn ipv4_mask(text: &str) -> Result<u32, &'static str> {
    if let Some(bits) = prefix(text, 32) {
        return Ok(!u32::MAX.checked_shr(bits).unwrap_or(0));
    }
    let mask: Result<Ipv4Addr, _> = text.parse();
    mask.map(u32::from)
        .map_err(|_| "an IPv4 mask is 0 to 32 bits, or like 255.255.255.0")
}

fn ipv4(text: &str, masked: bool) -> Result<u32, &'static str> {
    let mut parts = [0u32; 4];
    let mut count = 0;
    for part in text.split('.') {
        if count == 4 || part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
            return Err("not an address; host names are not resolved here");
        }
        if part.len() > 1 && part.starts_with('0') {
            return Err("a leading zero would make the part octal");
        }
        parts[count] = part
            .parse()
            .map_err(|_| "a part of the address is too large")?;
        count += 1;
    }
    if count == 1 {
        return match (masked, parts[0]) {
            (true, first @ 0..=255) => Ok(first << 24),
            _ => Err("a lone number is no address"),
        };
    }
    let (last, front) = parts[..count]
        .split_last()
        .expect("split yields at least one part");
    let room = 8 * (4 - front.len() as u32);
    if front.iter().any(|part| *part > 255) || u64::from(*last) >= 1u64 << room {
        return Err("a part of the address is too large");
    }
    let shifted = front
        .iter()
        .enumerate()
        .map(|(i, part)| part << (24 - 8 * i));
    Ok(shifted.fold(*last, |address, part| address | part))
}

impl Net {
    /// Whether `ip` is in this network, by HAProxy's rules across the families.
    pub(super) fn contains(&self, ip: IpAddr) -> bool {
        match *self {
            Self::V4 { address, mask } => as_v4(ip).is_some_and(|ip| ip & mask == address),
            Self::V6 { address, bits } => {
                as_v6(ip) & !u128::MAX.checked_shr(bits).unwrap_or(0) == address
            }
        }
    }
}

/// The IPv4 address in an IPv6 one, if it is `::ffff:a.b.c.d`, `::a.b.c.d` or `2002:aabb:ccdd::`.
pub(super) fn as_v4(ip: IpAddr) -> Option<u32> {
    let bits = match ip {
        IpAddr::V4(ip) => return Some(ip.into()),
        IpAddr::V6(ip) => u128::from(ip),
    };
    match (bits >> 32, bits >> 112) {
        (0 | 0xffff, _) => Some(bits as u32),
        (_, 0x2002) => Some((bits >> 80) as u32),
        _ => None,
    }
}

fn as_v6(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().into(),
        IpAddr::V6(ip) => ip.into(),
    }
}

/// Any number of networks, searched in logarithmic time.
#[derive(Debug, Clone)]
pub(super) struct IpSet {
    v4: RangeSet<u32>,
    v6: RangeSet<u128>,
    /// IPv4 masks with holes, which are no range. Nobody has many.
    holed: Box<[Net]>,
}

impl IpSet {
    pub(super) fn new(nets: impl IntoIterator<Item = Net>) -> Self {
        let (mut v4, mut v6, mut holed) = (Vec::new(), Vec::new(), Vec::new());
        for net in nets {
            match net {
                Net::V4 { address, mask } if mask.leading_ones() + mask.trailing_zeros() == 32 => {
                    v4.push((address, address | !mask));
                }
                Net::V4 { .. } => holed.push(net),
                Net::V6 { address, bits } => {
                    v6.push((address, address | u128::MAX.checked_shr(bits).unwrap_or(0)));
                }
            }
        }
        Self {
            v4: RangeSet::new(v4),
            v6: RangeSet::new(v6),
            holed: holed.into_boxed_slice(),
        }
    }

    pub(super) fn contains(&self, ip: IpAddr) -> bool {
        as_v4(ip).is_some_and(|ip| self.v4.contains(ip))
            || self.v6.contains(as_v6(ip))
            || self.holed.iter().any(|net| net.contains(ip))
    }
}
