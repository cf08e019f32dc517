//! Keys, and which of them is which.

use std::fmt;
use std::num::NonZeroU8;
use std::str::FromStr;

use hmac::{KeyInit as _, Mac as _};
use sha2::Sha256;
use thiserror::Error;

/// How much of the HMAC travels, in octets: 128 bits of it.
pub(super) const TAG: usize = 16;

/// What is signed, in the order in which it is.
pub(super) type Pieces<'a> = [&'a [u8]; 6];

/// A secret of 32 to 64 octets, the same on every node. It cannot be read back, and its `Debug`
/// shows nothing of it.
///
/// In text it is 64 to 128 hexadecimal digits, with or without Keepalived's `hex:` before them:
/// what `openssl rand -hex 32` prints.
#[derive(Clone)]
pub struct Key(hmac::Hmac<Sha256>);

impl Key {
    /// The fewest octets: fewer would weaken the 128 bits that travel.
    pub const MIN: usize = 32;
    /// The most octets: one block of SHA-256.
    pub const MAX: usize = 64;

    /// `octets` as they are.
    ///
    /// # Errors
    /// If they are fewer than [`MIN`](Self::MIN) or more than [`MAX`](Self::MAX).
    pub fn new(octets: &[u8]) -> Result<Self, KeyError> {
        if !(Self::MIN..=Self::MAX).contains(&octets.len()) {
            return Err(KeyError::Length(octets.len()));
        }
        let keyed = hmac::Hmac::new_from_slice(octets).expect("HMAC takes a key of any length");
        Ok(Self(keyed))
    }

    pub(super) fn sign(&self, pieces: Pieces<'_>) -> [u8; TAG] {
        let tag = self.over(pieces).finalize().into_bytes();
        *tag.first_chunk().expect("SHA-256 has 32 octets")
    }

    /// Takes the same time whatever `tag` is.
    pub(super) fn verifies(&self, pieces: Pieces<'_>, tag: &[u8; TAG]) -> bool {
        self.over(pieces).verify_truncated_left(tag).is_ok()
    }

    fn over(&self, pieces: Pieces<'_>) -> hmac::Hmac<Sha256> {
        let mut mac = self.0.clone();
        for piece in pieces {
            mac.update(piece);
        }
        mac
    }
}

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.strip_prefix("hex:").unwrap_or(text);
        let digits: Vec<u8> = text
            .chars()
            .map(|digit| digit.to_digit(16).map(|digit| digit as u8))
            .collect::<Option<_>>()
            .ok_or(KeyError::Digit)?;
        let (pairs, rest) = digits.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(KeyError::Odd);
        }
        let octets: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
        Self::new(&octets)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// Why octets or digits are no key. Says nothing of what they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// This many octets.
    #[error("a key has 32 to 64 octets, which are 64 to 128 hexadecimal digits; this has {0}")]
    Length(usize),
    /// A character that is no hexadecimal digit.
    #[error("a key is written in hexadecimal digits")]
    Digit,
    /// Half an octet at the end.
    #[error("a key has an even number of hexadecimal digits")]
    Odd,
}

/// A key's number, 1 to 255, by which a receiver finds it (Keepalived's `key ID …`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(NonZeroU8);

impl KeyId {
    /// `None` for 0.
    pub const fn new(id: u8) -> Option<Self> {
        match NonZeroU8::new(id) {
            Some(id) => Some(Self(id)),
            None => None,
        }
    }

    /// 1 to 255, as on the wire.
    pub const fn number(self) -> u8 {
        self.0.get()
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_two_to_sixty_four_octets() {
        assert_eq!(Key::new(&[7; 31]).unwrap_err(), KeyError::Length(31));
        assert_eq!(Key::new(&[7; 65]).unwrap_err(), KeyError::Length(65));
        assert!(Key::new(&[7; 32]).is_ok());
        assert!(Key::new(&[7; 64]).is_ok());
    }

    #[test]
    fn a_text_is_digits() {
        let parse = |text: &str| text.parse::<Key>();
        let (digits, message): (String, Pieces<'_>) = ("0aF1".repeat(16), [b"m"; 6]);
        let octets = [0x0a, 0xf1].repeat(16);
        let tag = Key::new(&octets).unwrap().sign(message);
        assert!(parse(&digits).unwrap().verifies(message, &tag));
        assert!(
            parse(&format!("hex:{digits}"))
                .unwrap()
                .verifies(message, &tag)
        );
        assert_eq!(parse(&digits[1..]).unwrap_err(), KeyError::Odd);
        assert_eq!(parse(&digits[2..]).unwrap_err(), KeyError::Length(31));
        assert_eq!(
            parse(&digits.replace('F', "g")).unwrap_err(),
            KeyError::Digit
        );
        assert_eq!(
            parse(&digits.replace('F', "é")).unwrap_err(),
            KeyError::Digit
        );
        assert_eq!(
            parse(&format!("+{}", &digits[1..])).unwrap_err(),
            KeyError::Digit
        );
    }

    #[test]
    fn a_key_is_not_shown() {
        let key = Key::new(&[0x42; 32]).unwrap();
        assert_eq!(format!("{key:?} {key:#?}"), "Key(..) Key(..)");
    }
}
