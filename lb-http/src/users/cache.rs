//! Passwords that were right, so that a hash of milliseconds is made once for each worker and not for each request.
//!
//! What is kept is no password: it is HMAC-SHA-256 of list, user and password, under a key that is drawn when the
//! worker first needs one and never leaves it. Who could read it could read the password on its way, too; two
//! credentials do not meet in it, since nobody finds collisions of that function. Only right passwords are kept: wrong
//! ones cost the hash each time, so that guessing is no faster for it, and cannot push others out.

use std::cell::RefCell;

use hmac::{Hmac, KeyInit as _, Mac as _};
use rand::RngExt as _;
use sha2::Sha256;

/// As many as a worker keeps; with one more it starts again.
const MOST: usize = 1024;

struct Cache {
    key: [u8; 32],
    right: std::collections::HashSet<[u8; 32], ahash::RandomState>,
}

thread_local! {
    static CACHE: RefCell<Cache> = RefCell::new(Cache {
        key: rand::rng().random(),
        right: std::collections::HashSet::default(),
    });
}

/// Whether the password is right: as `check` says, which is not asked if it has said so before.
pub(super) fn remembered(
    list: u64,
    user: &[u8],
    password: &[u8],
    check: impl FnOnce() -> bool,
) -> bool {
    let (mark, known) = CACHE.with_borrow(|cache| {
        let mark = mark(&cache.key, list, user, password);
        (mark, cache.right.contains(&mark))
    });
    if known {
        return true;
    }
    let right = check();
    if right {
        CACHE.with_borrow_mut(|cache| {
            if cache.right.len() >= MOST {
                cache.right.clear();
            }
            cache.right.insert(mark);
        });
    }
    right
}

fn mark(key: &[u8; 32], list: u64, user: &[u8], password: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(&list.to_be_bytes());
    // The length parts the two: `ab`, `c` is not `a`, `bc`.
    mac.update(&(user.len() as u64).to_be_bytes());
    mac.update(user);
    mac.update(password);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_password_is_checked_once_and_a_wrong_one_each_time() {
        let mut checks = 0;
        for _ in 0..3 {
            assert!(remembered(u64::MAX, b"ab", b"c", || {
                checks += 1;
                true
            }));
        }
        assert_eq!(checks, 1);
        for (list, user, password) in [
            (u64::MAX, &b"a"[..], &b"bc"[..]),
            (u64::MAX - 1, b"ab", b"c"),
        ] {
            for _ in 0..2 {
                assert!(!remembered(list, user, password, || {
                    checks += 1;
                    false
                }));
            }
        }
        assert_eq!(checks, 5);
    }

    #[test]
    fn it_is_bounded() {
        for n in 0..3 * MOST as u64 {
            remembered(u64::MAX - 2, b"u", &n.to_be_bytes(), || true);
        }
        assert!(CACHE.with_borrow(|cache| cache.right.len()) <= MOST);
    }
}
