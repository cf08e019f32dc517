//! Passwords as they are kept, and whether one that is given is the same.

use std::fmt;

use sha_crypt::{PasswordVerifier as _, ShaCrypt};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::md5_crypt;

/// A password as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Kept);

#[derive(Clone, PartialEq, Eq)]
enum Kept {
    /// Its SHA-256, so that comparing takes no longer for a longer one.
    Plain([u8; 32]),
    /// `$1$`.
    Md5(Box<str>),
    /// `$5$`, `$6$`.
    Sha2(Box<str>),
}

/// Why a text is no password that can be checked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// Another function of crypt(3): yescrypt, bcrypt.
    #[error("passwords that start with `{0}` are not built yet")]
    NotBuilt(String),
    /// It has no form that crypt(3) knows.
    #[error("not a password as crypt(3) hashes it: `$1$`, `$5$` or `$6$`, a salt and a hash")]
    Malformed,
}

impl Password {
    /// One that is given as it is.
    #[must_use]
    pub fn plain(text: &str) -> Self {
        Self(Kept::Plain(Sha256::digest(text).into()))
    }

    /// One that crypt(3) has hashed.
    ///
    /// # Errors
    /// Functions that are not built, texts that are no hash.
    pub fn crypt(text: &str) -> Result<Self, PasswordError> {
        let mut parts = text.split('$');
        let (Some(""), Some(function)) = (parts.next(), parts.next()) else {
            return Err(PasswordError::Malformed);
        };
        match function {
            "1" if md5_crypt::is_valid(text) => Ok(Self(Kept::Md5(text.into()))),
            // A try tells whether the hash can be read at all.
            "5" | "6" if verify(b"", text).is_ok() => Ok(Self(Kept::Sha2(text.into()))),
            "2a" | "2b" | "2y" | "y" | "7" | "gy" => {
                Err(PasswordError::NotBuilt(format!("${function}$")))
            }
            _ => Err(PasswordError::Malformed),
        }
    }

    /// Whether checking it takes long.
    pub(super) fn is_costly(&self) -> bool {
        !matches!(self.0, Kept::Plain(_))
    }

    /// Whether it is `given`, in a time that does not depend on where they differ.
    pub(super) fn is(&self, given: &[u8]) -> bool {
        match &self.0 {
            Kept::Plain(hash) => Sha256::digest(given).as_slice().ct_eq(hash).into(),
            Kept::Md5(text) => md5_crypt::verify(given, text),
            Kept::Sha2(text) => verify(given, text).unwrap_or(false),
        }
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

fn verify(given: &[u8], text: &str) -> Result<bool, PasswordError> {
    use sha_crypt::password_hash::Error;

    match ShaCrypt::default().verify_password(given, text) {
        Ok(()) => Ok(true),
        Err(Error::PasswordInvalid) => Ok(false),
        Err(_) => Err(PasswordError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hashes by `openssl passwd`, and by the specification of SHA-crypt.
    #[test]
    fn hashes_of_crypt_are_checked() {
        for (hash, password) in [
            ("$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/", "password"),
            (
                "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5",
                "Hello world!",
            ),
            (
                "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
                "Hello world!",
            ),
        ] {
            let Ok(kept) = Password::crypt(hash) else {
                panic!("{hash}");
            };
            assert!(kept.is(password.as_bytes()), "{hash}");
            assert!(!kept.is(b"password "), "{hash}");
            assert!(!kept.is(b""), "{hash}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "secret",
            "$1$",
            "$1$salt$short",
            "$6$",
            "$6$salt$short",
            "$9$a$b",
        ] {
            assert_eq!(
                Password::crypt(text),
                Err(PasswordError::Malformed),
                "{text}"
            );
        }
        for text in ["$y$j9T$salt$hash", "$2y$05$abcdefghijklmnopqrstuv"] {
            assert!(
                matches!(Password::crypt(text), Err(PasswordError::NotBuilt(_))),
                "{text}"
            );
        }
    }
}
