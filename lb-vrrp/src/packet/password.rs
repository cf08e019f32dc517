//! The password of RFC 2338's simple-text authentication: Keepalived's `auth_type PASS`.

use std::fmt;

use subtle::ConstantTimeEq as _;
use thiserror::Error;

/// 1 to 8 octets, which travel in the clear: proof against a mistake in configuration, and
/// against nothing else.
#[derive(Clone, PartialEq, Eq)]
pub struct Password([u8; Self::MAX]);

impl Password {
    /// The most octets that travel.
    pub const MAX: usize = 8;

    /// `text` as it is, padded with zeros.
    ///
    /// # Errors
    /// If it is empty, or longer than [`MAX`](Self::MAX): Keepalived cuts it off there and says so.
    pub fn new(text: impl AsRef<[u8]>) -> Result<Self, PasswordError> {
        let text = text.as_ref();
        if text.is_empty() {
            return Err(PasswordError::Empty);
        }
        let mut octets = [0; Self::MAX];
        octets
            .get_mut(..text.len())
            .ok_or(PasswordError::Long(text.len()))?
            .copy_from_slice(text);
        Ok(Self(octets))
    }

    pub(super) fn octets(&self) -> &[u8; Self::MAX] {
        &self.0
    }

    /// Takes the same time whatever `data` is.
    pub(super) fn is(&self, data: &[u8]) -> bool {
        self.0.ct_eq(data).into()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// A text that cannot be a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// Nothing at all.
    #[error("a password has at least one octet")]
    Empty,
    /// This many octets.
    #[error("a password has at most 8 octets, since no more travel, and this one has {0}")]
    Long(usize),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_octets_and_no_more() {
        assert_eq!(Password::new(""), Err(PasswordError::Empty));
        assert_eq!(Password::new("123456789"), Err(PasswordError::Long(9)));
        let password = Password::new("abc12").unwrap();
        assert!(password.is(b"abc12\0\0\0"));
        assert!(!password.is(b"abc12\0\0\x01"));
        assert!(!password.is(b"abc12"));
        assert_eq!(format!("{password:?}"), "Password(..)");
    }
}
