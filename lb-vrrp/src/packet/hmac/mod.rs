//! The HMAC trailer of Keepalived 2.4 (`auth_hmac`, draft-cassen-vrrp-auth-hmac).
//!
//! 28 octets after the message: type 1, the key's id, two of zero, the time of signing (see
//! `replay`), and 128 bits of HMAC-SHA256. It is taken over a pseudo-header of family, version,
//! virtual router and source address, the message with a checksum of zero, and the trailer with an
//! HMAC of zero; so no trailer serves another sender or another virtual router. The destination is
//! not covered. The checksum of IPv4 does not cover the trailer, that of IPv6 does.

mod key;
mod replay;

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use thiserror::Error;

pub use self::key::{Key, KeyError, KeyId};
pub use self::replay::{AntiReplay, Window, WindowError};

use self::key::{Pieces, TAG};
pub(super) use self::replay::Sequence;
use super::Refused;
use crate::{Family, Version, VirtualRouterId};

/// The trailer's length, in octets.
pub const TRAILER: usize = 28;
/// Of the trailer, what is before the HMAC.
const HEAD: usize = TRAILER - TAG;
/// The only type there is.
pub(super) const TYPE: u8 = 1;

/// What an unsigned advertisement is worth, and whether this node signs its own. A wrong signature
/// is refused in every mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Signs nothing and accepts unsigned ones: for nodes whose peers cannot read signatures yet.
    ReceiveOnly,
    /// Signs, and accepts unsigned ones.
    Permissive,
    /// Signs, and refuses unsigned ones.
    #[default]
    Enforce,
}

/// Keys and rules of signing: Keepalived's block `auth_hmac`.
#[derive(Clone, Debug)]
pub struct Hmac {
    keys: Vec<(KeyId, Key)>,
    active: KeyId,
    mode: Mode,
    replay: AntiReplay,
}

impl Hmac {
    /// Verifies with any of `keys` and signs with the `active` one, so that keys can be changed one
    /// node after the other. Enforced, with a window of 5 s, unless told otherwise.
    ///
    /// # Errors
    /// If two keys have one id, or none has the active one.
    pub fn new(
        keys: impl IntoIterator<Item = (KeyId, Key)>,
        active: KeyId,
    ) -> Result<Self, HmacError> {
        let mut hmac = Self {
            keys: Vec::new(),
            active,
            mode: Mode::default(),
            replay: AntiReplay::for_interval(crate::Interval::DEFAULT),
        };
        for (id, key) in keys {
            if hmac.key(id.number()).is_some() {
                return Err(HmacError::Twice(id));
            }
            hmac.keys.push((id, key));
        }
        hmac.key(active.number())
            .ok_or(HmacError::NotThere(active))?;
        Ok(hmac)
    }

    /// What unsigned advertisements are worth.
    #[must_use]
    pub const fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// How repeated ones are known.
    #[must_use]
    pub const fn anti_replay(mut self, replay: AntiReplay) -> Self {
        self.replay = replay;
        self
    }

    pub(super) fn signs(&self) -> bool {
        self.mode != Mode::ReceiveOnly
    }

    pub(super) fn accepts_unsigned(&self) -> bool {
        self.mode != Mode::Enforce
    }

    fn key(&self, id: u8) -> Option<&Key> {
        let known = self.keys.iter().find(|(known, _)| known.number() == id);
        known.map(|(_, key)| key)
    }

    /// Appends the trailer to `message`, signed later than `last`; when is returned.
    pub(super) fn sign(
        &self,
        scope: &Scope,
        last: Sequence,
        now: SystemTime,
        message: &mut Vec<u8>,
    ) -> Sequence {
        let sequence = last.next(now, self.replay);
        let mut head = [0; HEAD];
        head[0] = TYPE;
        head[1] = self.active.number();
        head[4..].copy_from_slice(&sequence.0.to_be_bytes());
        let key = self.key(self.active.number()).expect("checked in `new`");
        let tag = key.sign(scope.pieces(message, &head));
        message.extend_from_slice(&head);
        message.extend_from_slice(&tag);
        sequence
    }

    /// Verifies `trailer`; `last` is when its sender's last accepted message was signed.
    ///
    /// What costs nothing comes first, so that a flood of old messages is cheap. That a message is
    /// no repetition is looked at last: what is counted as a replay was signed by one of the keys.
    pub(super) fn verify(
        &self,
        scope: &Scope,
        message: &[u8],
        trailer: &[u8; TRAILER],
        last: Option<Sequence>,
        now: SystemTime,
    ) -> Result<Signed, Refused> {
        let (head, tag) = trailer
            .split_first_chunk::<HEAD>()
            .expect("a trailer is longer than its head");
        let [kind, id, _, _, sequence @ ..] = *head;
        if kind != TYPE {
            return Err(Refused::AuthenticationType);
        }
        let key = self.key(id).ok_or(Refused::AuthenticationKey)?;
        let sequence = Sequence(u64::from_be_bytes(sequence));
        let skew = sequence.distance(Sequence::at(now));
        if let AntiReplay::Window(window) = self.replay
            && skew > window.duration()
        {
            return Err(Refused::AuthenticationStale);
        }
        let tag = tag.first_chunk().expect("the rest of a trailer");
        if !key.verifies(scope.pieces(message, head), tag) {
            return Err(Refused::AuthenticationFailure);
        }
        if last.is_some_and(|last| sequence <= last) {
            return Err(Refused::AuthenticationReplay);
        }
        Ok(Signed { sequence, skew })
    }
}

/// When a message was signed, and how far that was from this node's clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signed {
    pub(super) sequence: Sequence,
    pub(super) skew: Duration,
}

/// What an HMAC covers besides the message: the 20 octets of its pseudo-header.
pub(super) struct Scope([u8; 20]);

impl Scope {
    pub(super) fn new(version: Version, id: VirtualRouterId, source: IpAddr) -> Self {
        let mut header = [0; 20];
        header[0] = match Family::of(source) {
            Family::V4 => 4,
            Family::V6 => 6,
        };
        header[1] = version.number();
        header[2] = id.number();
        match source {
            IpAddr::V4(source) => header[4..8].copy_from_slice(&source.octets()),
            IpAddr::V6(source) => header[4..].copy_from_slice(&source.octets()),
        }
        Self(header)
    }

    /// All that is covered; octets 6 and 7 of a message are its checksum.
    fn pieces<'a>(&'a self, message: &'a [u8], head: &'a [u8; HEAD]) -> Pieces<'a> {
        let (before, after) = message.split_at(6);
        [&self.0, before, &[0; 2], &after[2..], head, &[0; TAG]]
    }
}

/// Keys that do not go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HmacError {
    /// Two keys with this id.
    #[error("two keys have the id {0}")]
    Twice(KeyId),
    /// No key with the id to sign with.
    #[error("the active key {0} is not among the keys")]
    NotThere(KeyId),
}
