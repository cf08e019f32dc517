//! Hash functions whose output never changes: which server a key belongs to
//! depends on them, across restarts, versions and machines.
//!
//! They are HAProxy's (`hash-type`), bit for bit, so that a site can move over,
//! or run both side by side, without moving its users; `tests/vectors` holds
//! choices seen on a running HAProxy.
//!
//! ```
//! use lb_core::{hash::{Function, KeyHash}, policy::Key};
//!
//! let hash = KeyHash::new(Function::Sdbm).avalanche(true);
//! assert_eq!(hash.digest(Key::Bytes(b"/a")), hash.digest(Key::Bytes(b"/a")));
//! assert_eq!(hash.digest(Key::None), None);
//! ```

use crate::policy::Key;

/// Turns the bytes of a key into 32 bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Function {
    /// The hash of the sdbm library: spreads well, HAProxy's default.
    #[default]
    Sdbm,
    /// Dan Bernstein's `h * 33 + byte`, from 5381.
    Djb2,
    /// CRC-32 of Ethernet and zip: slower, the best spread of the three.
    Crc32,
    /// The key is a decimal number and its own hash; a key that is not has none.
    None,
}

impl Function {
    /// The words of configuration files, in the order of the variants.
    pub const NAMES: &'static [&'static str] = &["sdbm", "djb2", "crc32", "none"];

    /// The function that a configuration file calls `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "sdbm" => Self::Sdbm,
            "djb2" => Self::Djb2,
            "crc32" => Self::Crc32,
            "none" => Self::None,
            _ => return None,
        })
    }

    /// The hash of `bytes`; `None` only from [`Function::None`].
    pub fn hash(self, bytes: &[u8]) -> Option<u32> {
        match self {
            Self::Sdbm => Some(sdbm(bytes)),
            Self::Djb2 => Some(djb2(bytes)),
            Self::Crc32 => Some(crc32fast::hash(bytes)),
            Self::None => decimal(bytes),
        }
    }
}

/// A hash function and whether its result is mixed once more: how a policy that
/// hashes turns a [`Key`] into a number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct KeyHash {
    function: Function,
    avalanche: bool,
}

impl KeyHash {
    /// `function` without avalanche.
    pub const fn new(function: Function) -> Self {
        Self {
            function,
            avalanche: false,
        }
    }

    /// Passes the result through [`avalanche`], so that keys that differ in one
    /// letter land far apart (HAProxy's modifier of the same name).
    #[must_use]
    pub const fn avalanche(mut self, on: bool) -> Self {
        self.avalanche = on;
        self
    }

    /// The hash of a key, or `None` if there is nothing to hash. A
    /// [`Key::Number`] is its own hash and sees only the avalanche.
    pub fn digest(self, key: Key<'_>) -> Option<u32> {
        let raw = match key {
            Key::None => return None,
            Key::Bytes(bytes) => self.function.hash(bytes)?,
            Key::Number(number) => number,
        };
        Some(if self.avalanche { avalanche(raw) } else { raw })
    }
}

/// sdbm: `h * 65599 + byte`.
pub fn sdbm(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |hash: u32, &byte| {
        hash.wrapping_mul(65_599).wrapping_add(u32::from(byte))
    })
}

/// djb2: `h * 33 + byte`, starting at 5381.
pub fn djb2(bytes: &[u8]) -> u32 {
    bytes.iter().fold(5381, |hash: u32, &byte| {
        hash.wrapping_mul(33).wrapping_add(u32::from(byte))
    })
}

/// Bob Jenkins' 32-bit integer hash of full avalanche (every input bit changes
/// every output bit about half of the time), times 3 · 2³⁰ + 1 to lift low bits
/// into the high ones that choose a place on a ring. One-to-one: two different
/// values never collide.
pub const fn avalanche(value: u32) -> u32 {
    let mut a = value;
    a = a.wrapping_add(0x7ed5_5d16).wrapping_add(a << 12);
    a = (a ^ 0xc761_c23c) ^ (a >> 19);
    a = a.wrapping_add(0x1656_67b1).wrapping_add(a << 5);
    a = a.wrapping_add(0xd3a2_646c) ^ (a << 9);
    a = a.wrapping_add(0xfd70_46c5).wrapping_add(a << 3);
    a = (a ^ 0xb55a_4f09) ^ (a >> 16);
    a.wrapping_mul(3_221_225_473)
}

/// A whole decimal number, modulo 2³².
fn decimal(bytes: &[u8]) -> Option<u32> {
    if bytes.is_empty() {
        return None;
    }
    bytes.iter().try_fold(0u32, |number, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        Some(number.wrapping_mul(10).wrapping_add(u32::from(digit)))
    })
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn functions_give_their_published_values() {
        assert_eq!(djb2(b""), 5381);
        assert_eq!(djb2(b"a"), 177_670);
        assert_eq!(sdbm(b"a"), 97);
        assert_eq!(sdbm(b"ab"), 97 * 65_599 + 98);
        assert_eq!(Function::Crc32.hash(b"123456789"), Some(0xcbf4_3926));
    }

    #[test]
    fn none_takes_numbers_only() {
        let digest = |key| KeyHash::new(Function::None).digest(Key::Bytes(key));
        assert_eq!(digest(b"42"), Some(42));
        assert_eq!(digest(b"4294967297"), Some(1));
        assert_eq!(digest(b""), None);
        assert_eq!(digest(b"4x"), None);
        assert_eq!(digest(b"-4"), None);
    }

    #[test]
    fn a_number_skips_the_function_but_not_the_avalanche() {
        let plain = KeyHash::new(Function::Djb2);
        assert_eq!(plain.digest(Key::Number(7)), Some(7));
        assert_eq!(
            plain.avalanche(true).digest(Key::Number(7)),
            Some(avalanche(7))
        );
    }

    #[test]
    fn every_name_names_a_function() {
        for name in Function::NAMES {
            assert!(Function::from_name(name).is_some(), "{name}");
        }
    }
}
