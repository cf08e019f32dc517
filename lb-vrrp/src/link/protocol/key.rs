//! The shared key, and everything that is made of it.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thiserror::Error;

/// 32 random octets, used on one connection only.
pub type Nonce = [u8; 32];

pub(super) const PROOF: usize = 32;
pub(super) const TAG: usize = 16;

/// One life of one process: random, so that a restart is never taken for the same process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Incarnation(pub [u8; 16]);

/// The key all nodes of a link share: any text of at least 16 octets. Its `Debug` hides it.
#[derive(Clone)]
pub struct Key {
    root: Hmac<Sha256>,
}

/// A key that could be guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "a peer link's key needs at least {shortest} octets, this one has {0}",
    shortest = Key::SHORTEST
)]
pub struct KeyTooShort(usize);

/// What a derived key is for; each has its own text, of one length.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    WatcherProof,
    NodeProof,
    FramesOfWatcher,
    FramesOfNode,
}

impl Purpose {
    const fn label(self) -> &'static [u8; 8] {
        match self {
            Self::WatcherProof => b"watcher?",
            Self::NodeProof => b"node....",
            Self::FramesOfWatcher => b"frames>n",
            Self::FramesOfNode => b"frames>w",
        }
    }
}

impl Key {
    /// The fewest octets a key may have.
    pub const SHORTEST: usize = 16;

    /// The key of `text`.
    ///
    /// # Errors
    /// Fewer than 16 octets.
    pub fn new(text: impl AsRef<[u8]>) -> Result<Self, KeyTooShort> {
        let text = text.as_ref();
        if text.len() < Self::SHORTEST {
            return Err(KeyTooShort(text.len()));
        }
        // HKDF's two steps (RFC 5869): extract here, expand in `derive`.
        let extracted = mac(&hmac_of(b"lb-vrrp peer link 1"), &[text]);
        Ok(Self {
            root: hmac_of(&extracted),
        })
    }

    fn derive(&self, purpose: Purpose, transcript: &[u8]) -> [u8; 32] {
        mac(&self.root, &[purpose.label(), transcript, &[1]])
    }

    pub(super) fn proof(&self, purpose: Purpose, transcript: &[u8]) -> [u8; PROOF] {
        self.derive(purpose, transcript)
    }

    /// In constant time.
    pub(super) fn proves(&self, purpose: Purpose, transcript: &[u8], proof: &[u8]) -> bool {
        self.root
            .clone()
            .chain_update(purpose.label())
            .chain_update(transcript)
            .chain_update([1])
            .verify_slice(proof)
            .is_ok()
    }

    pub(super) fn frames(&self, purpose: Purpose, transcript: &[u8]) -> FrameKey {
        FrameKey {
            key: hmac_of(&self.derive(purpose, transcript)),
            number: 0,
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// The key of the frames in one direction of one connection, and the number of the next one.
pub(super) struct FrameKey {
    key: Hmac<Sha256>,
    number: u64,
}

impl FrameKey {
    pub(super) fn seal(&mut self, frame: &[u8]) -> [u8; TAG] {
        let mut tag = [0; TAG];
        tag.copy_from_slice(&self.next(frame).finalize().into_bytes()[..TAG]);
        tag
    }

    /// In constant time.
    pub(super) fn opens(&mut self, frame: &[u8], tag: &[u8]) -> bool {
        tag.len() == TAG && self.next(frame).verify_truncated_left(tag).is_ok()
    }

    fn next(&mut self, frame: &[u8]) -> Hmac<Sha256> {
        let number = self.number;
        self.number += 1;
        self.key
            .clone()
            .chain_update(number.to_be_bytes())
            .chain_update(frame)
    }
}

fn hmac_of(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes a key of any length")
}

fn mac(key: &Hmac<Sha256>, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = key.clone();
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_key_is_refused_and_no_key_is_shown() {
        assert_eq!(
            Key::new("fifteen octets.").unwrap_err().to_string(),
            "a peer link's key needs at least 16 octets, this one has 15"
        );
        let key = Key::new("sixteen octets..").unwrap();
        assert_eq!(format!("{key:?}"), "Key(..)");
    }

    #[test]
    fn every_purpose_has_a_key_of_its_own() {
        let key = Key::new("sixteen octets..").unwrap();
        let all = [
            Purpose::WatcherProof,
            Purpose::NodeProof,
            Purpose::FramesOfWatcher,
            Purpose::FramesOfNode,
        ]
        .map(|purpose| key.derive(purpose, b"transcript"));
        for (at, one) in all.iter().enumerate() {
            assert!(!all[..at].contains(one));
        }
        let proof = key.proof(Purpose::NodeProof, b"transcript");
        assert!(key.proves(Purpose::NodeProof, b"transcript", &proof));
        assert!(!key.proves(Purpose::WatcherProof, b"transcript", &proof));
        assert!(!key.proves(Purpose::NodeProof, b"another", &proof));
        assert!(!key.proves(Purpose::NodeProof, b"transcript", &proof[..31]));
        assert!(!key.proves(Purpose::NodeProof, b"transcript", &[]));
    }
}
