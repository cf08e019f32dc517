//! Users, their passwords and groups: HAProxy's `userlist`.
//!
//! A password is given as text or, better, as crypt(3) hashed it: `$1$` (MD5), `$5$` (SHA-256), `$6$` (SHA-512). Such a
//! hash costs milliseconds by intent, so a worker remembers which passwords were right; the module `cache` says why that
//! gives nothing away.
//!
//! ```
//! use lb_http::users::{Password, UserList};
//!
//! let users = UserList::builder()
//!     .user("alice", Password::plain("wonderland"))
//!     .user("bob", Password::crypt("$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/").unwrap())
//!     .group("admins", ["alice"])
//!     .build();
//! assert!(users.admits(b"alice", b"wonderland"));
//! assert!(users.admits(b"bob", b"password"));
//! assert!(!users.admits(b"bob", b"wonderland"));
//! assert_eq!(users.groups_of(b"alice").collect::<Vec<_>>(), ["admins"]);
//! ```

mod cache;
mod crypt;
mod md5_crypt;

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};

pub use self::crypt::{Password, PasswordError};

/// Users with their passwords and groups.
#[derive(Debug)]
pub struct UserList {
    /// Tells lists apart where verdicts are remembered.
    number: u64,
    users: BTreeMap<Box<str>, User>,
}

#[derive(Debug)]
struct User {
    password: Password,
    groups: Vec<Box<str>>,
}

/// Collects users and groups.
#[derive(Debug, Default)]
pub struct UserListBuilder {
    users: BTreeMap<Box<str>, User>,
    groups: Vec<(Box<str>, Vec<Box<str>>)>,
}

impl UserList {
    /// Starts without users.
    #[must_use]
    pub fn builder() -> UserListBuilder {
        UserListBuilder::default()
    }

    /// Whether there is such a user with this password.
    ///
    /// Takes the time of a hash where one has to be made, which is milliseconds.
    #[must_use]
    pub fn admits(&self, user: &[u8], password: &[u8]) -> bool {
        let Some(known) = self.find(user) else {
            return false;
        };
        match known.password.is_costly() {
            true => cache::remembered(self.number, user, password, || known.password.is(password)),
            false => known.password.is(password),
        }
    }

    /// The groups of a user, in the order they were added; none for a user that does not exist.
    pub fn groups_of(&self, user: &[u8]) -> impl Iterator<Item = &str> {
        let groups = self.find(user).map(|user| &user.groups);
        groups.into_iter().flatten().map(|name| &**name)
    }

    fn find(&self, user: &[u8]) -> Option<&User> {
        self.users.get(std::str::from_utf8(user).ok()?)
    }
}

impl UserListBuilder {
    /// Adds a user.
    #[must_use]
    pub fn user(mut self, name: &str, password: Password) -> Self {
        let groups = Vec::new();
        self.users.insert(name.into(), User { password, groups });
        self
    }

    /// Adds a group; members that are no users are left out.
    #[must_use]
    pub fn group<'n>(mut self, name: &str, members: impl IntoIterator<Item = &'n str>) -> Self {
        let members = members.into_iter().map(Into::into).collect();
        self.groups.push((name.into(), members));
        self
    }

    /// The list.
    #[must_use]
    pub fn build(mut self) -> UserList {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        for (group, members) in self.groups {
            for member in members {
                if let Some(user) = self.users.get_mut(&member) {
                    user.groups.push(group.clone());
                }
            }
        }
        UserList {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            users: self.users,
        }
    }
}
