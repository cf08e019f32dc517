//! crypt(3)'s `$1$`: a thousand rounds of MD5, as FreeBSD made it in 1994. It is weak, and still in many files.

use md5::{Digest as _, Md5};
use subtle::ConstantTimeEq as _;

const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Characters of a hash.
const LENGTH: usize = 22;

/// Salt and hash of `$1$salt$hash`.
fn parts(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix("$1$")?.split_once('$')
}

pub(super) fn is_valid(text: &str) -> bool {
    parts(text).is_some_and(|(salt, hash)| {
        salt.len() <= 8 && hash.len() == LENGTH && hash.bytes().all(|b| ALPHABET.contains(&b))
    })
}

pub(super) fn verify(password: &[u8], text: &str) -> bool {
    parts(text).is_some_and(|(salt, hash)| {
        encoded(digest(password, salt.as_bytes()))
            .ct_eq(hash.as_bytes())
            .into()
    })
}

fn digest(password: &[u8], salt: &[u8]) -> [u8; 16] {
    let of = |parts: &[&[u8]]| -> [u8; 16] {
        let mut md5 = Md5::new();
        parts.iter().for_each(|part| md5.update(part));
        md5.finalize().into()
    };
    let other = of(&[password, salt, password]);
    let mut md5 = Md5::new();
    for part in [password, b"$1$", salt] {
        md5.update(part);
    }
    let mut left = password.len();
    while left > 0 {
        md5.update(&other[..left.min(16)]);
        left = left.saturating_sub(16);
    }
    // By the bits of the length: a zero for each that is set, else the first character.
    let mut bits = password.len();
    while bits > 0 {
        md5.update(if bits & 1 == 1 {
            &[0][..]
        } else {
            &password[..1]
        });
        bits >>= 1;
    }
    let mut digest: [u8; 16] = md5.finalize().into();
    for round in 0..1000 {
        let (first, last): (&[u8], &[u8]) = match round & 1 {
            1 => (password, &digest),
            _ => (&digest, password),
        };
        let salt = if round % 3 == 0 { &[][..] } else { salt };
        let again = if round % 7 == 0 { &[][..] } else { password };
        digest = of(&[first, salt, again, last]);
    }
    digest
}

/// Six bits a character, lowest first, of bytes in an order of its own.
fn encoded(digest: [u8; 16]) -> [u8; LENGTH] {
    const ORDER: [[usize; 3]; 5] = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]];
    let mut out = [0; LENGTH];
    let mut at = 0;
    let mut write = |mut bits: u32, characters: usize| {
        for _ in 0..characters {
            out[at] = ALPHABET[(bits & 63) as usize];
            at += 1;
            bits >>= 6;
        }
    };
    for [a, b, c] in ORDER {
        let [a, b, c] = [a, b, c].map(|at| u32::from(digest[at]));
        write(a << 16 | b << 8 | c, 4);
    }
    write(digest[11].into(), 2);
    out
}
