//! The messages, as bytes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use thiserror::Error;

use crate::link::{RouterState, RouterView};
use crate::{Family, Priority, VirtualRouterId};

/// One message. The watcher sends [`Ping`](Self::Ping); all others are the node's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Message {
    /// "Are you there?"; answered by [`Pong`](Self::Pong).
    Ping,
    /// "I am."
    Pong,
    /// All of the node's virtual routers: at the start and after every change.
    View(Vec<RouterView>),
    /// Planned handover: the node, which is master, asks the watcher to take over now.
    TakeOver {
        /// Which virtual router.
        id: VirtualRouterId,
        /// And of which family.
        family: Family,
    },
    /// The node's process ends as it should.
    Goodbye,
}

/// A message that does not fit into a frame, or an interface's name above 255 octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a peer link's message has at most 65535 octets, and an interface's name 255")]
pub struct TooLong;

/// A body that ends too early or holds what its type cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a message is malformed")]
pub struct Malformed;

impl Message {
    /// Its type on the wire.
    pub const fn kind(&self) -> u8 {
        match self {
            Self::Ping => 1,
            Self::Pong => 2,
            Self::View(_) => 3,
            Self::TakeOver { .. } => 4,
            Self::Goodbye => 5,
        }
    }

    /// Appends the body to `out`.
    ///
    /// # Errors
    /// What a frame cannot hold; `out` then ends with a part of it.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), TooLong> {
        let start = out.len();
        match self {
            Self::Ping | Self::Pong | Self::Goodbye => {}
            Self::View(routers) => {
                let count = u16::try_from(routers.len()).map_err(|_| TooLong)?;
                out.extend(count.to_be_bytes());
                for router in routers {
                    encode_router(router, out)?;
                }
            }
            Self::TakeOver { id, family } => out.extend([id.number(), family_number(*family)]),
        }
        if out.len() - start > usize::from(u16::MAX) {
            return Err(TooLong);
        }
        Ok(())
    }

    /// The message of type `kind`; `None` for a type that is not known. What follows the known
    /// fields is skipped.
    ///
    /// # Errors
    /// A known type's body that cannot be read.
    pub fn decode(kind: u8, body: &[u8]) -> Result<Option<Self>, Malformed> {
        let mut rest = Reader(body);
        Ok(Some(match kind {
            1 => Self::Ping,
            2 => Self::Pong,
            3 => {
                let count = rest.u16()?;
                let mut routers = Vec::new();
                for _ in 0..count {
                    let length = rest.u16()?;
                    let record = Reader(rest.take(usize::from(length))?);
                    routers.extend(decode_router(record)?);
                }
                Self::View(routers)
            }
            4 => Self::TakeOver {
                id: VirtualRouterId::new(rest.u8()?).ok_or(Malformed)?,
                family: family_of(rest.u8()?).ok_or(Malformed)?,
            },
            5 => Self::Goodbye,
            _ => return Ok(None),
        }))
    }
}

fn encode_router(router: &RouterView, out: &mut Vec<u8>) -> Result<(), TooLong> {
    let name = router.interface.as_bytes();
    let name_length = u8::try_from(name.len()).map_err(|_| TooLong)?;
    let length_at = out.len();
    out.extend([0, 0]);
    out.extend([
        router.id.number(),
        family_number(router.family),
        router.priority.0,
        state_number(router.state),
    ]);
    match router.source {
        None => out.push(0),
        Some(IpAddr::V4(address)) => {
            out.push(4);
            out.extend(address.octets());
        }
        Some(IpAddr::V6(address)) => {
            out.push(6);
            out.extend(address.octets());
        }
    }
    out.push(name_length);
    out.extend(name);
    let length = u16::try_from(out.len() - length_at - 2).map_err(|_| TooLong)?;
    out[length_at..length_at + 2].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

/// `None` for a record with a family or a state of a later version.
fn decode_router(mut rest: Reader<'_>) -> Result<Option<RouterView>, Malformed> {
    let id = VirtualRouterId::new(rest.u8()?).ok_or(Malformed)?;
    let family = family_of(rest.u8()?);
    let priority = Priority(rest.u8()?);
    let state = state_of(rest.u8()?);
    let source = match rest.u8()? {
        0 => None,
        4 => Some(IpAddr::V4(Ipv4Addr::from(rest.array::<4>()?))),
        6 => Some(IpAddr::V6(Ipv6Addr::from(rest.array::<16>()?))),
        _ => return Err(Malformed),
    };
    let name_length = rest.u8()?;
    let name = rest.take(usize::from(name_length))?;
    let interface = str::from_utf8(name).map_err(|_| Malformed)?.to_owned();
    let (Some(family), Some(state)) = (family, state) else {
        return Ok(None);
    };
    Ok(Some(RouterView {
        id,
        family,
        interface,
        source,
        priority,
        state,
    }))
}

const fn family_number(family: Family) -> u8 {
    match family {
        Family::V4 => 4,
        Family::V6 => 6,
    }
}

const fn family_of(number: u8) -> Option<Family> {
    match number {
        4 => Some(Family::V4),
        6 => Some(Family::V6),
        _ => None,
    }
}

const fn state_number(state: RouterState) -> u8 {
    match state {
        RouterState::Initialize => 0,
        RouterState::Backup => 1,
        RouterState::Master => 2,
        RouterState::Fault => 3,
    }
}

const fn state_of(number: u8) -> Option<RouterState> {
    match number {
        0 => Some(RouterState::Initialize),
        1 => Some(RouterState::Backup),
        2 => Some(RouterState::Master),
        3 => Some(RouterState::Fault),
        _ => None,
    }
}

/// What is left of a body.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(Malformed)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn u8(&mut self) -> Result<u8, Malformed> {
        self.array::<1>().map(|[octet]| octet)
    }

    fn u16(&mut self) -> Result<u16, Malformed> {
        self.array().map(u16::from_be_bytes)
    }
}

#[cfg(test)]
#[path = "message_tests.rs"]
pub(super) mod tests;
