//! The user a program runs as: Keepalived's `script_user` and a script's `user`.

use std::path::PathBuf;
use std::str::FromStr;

use thiserror::Error;

/// A user and a group that exist, resolved once. Written `name`, `name:group`, `uid` or
/// `uid:gid`; without a group it is the user's own. Names are looked up in `/etc/passwd` and
/// `/etc/group`, not in a directory service.
///
/// A program that runs as another user has no supplementary groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    name: String,
    uid: u32,
    gid: u32,
    home: Option<PathBuf>,
}

impl User {
    /// As it was written.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The user's number.
    pub const fn uid(&self) -> u32 {
        self.uid
    }

    /// The group's number.
    pub const fn gid(&self) -> u32 {
        self.gid
    }

    /// Where the user's home is, if the local database knows the user.
    pub(super) fn home(&self) -> Option<&PathBuf> {
        self.home.as_ref()
    }

    fn find(text: &str, users: &str, groups: &str) -> Result<Self, UserError> {
        let (user, group) = match text.split_once(':') {
            Some((user, group)) => (user, Some(group)),
            None => (text, None),
        };
        // name:password:uid:gid:comment:home:shell
        let number = user.parse::<u32>().ok();
        let entry = users
            .lines()
            .map(|line| line.split(':').collect::<Vec<_>>())
            .find(|entry| match number {
                Some(uid) => entry.get(2).is_some_and(|field| field.parse() == Ok(uid)),
                None => !user.is_empty() && entry.first() == Some(&user),
            });
        let field = |at: usize| entry.as_ref()?.get(at)?.parse::<u32>().ok();
        let unknown = || UserError::Unknown(user.to_owned());
        let uid = number.or_else(|| field(2)).ok_or_else(unknown)?;
        let gid = match group {
            Some(group) => group
                .parse()
                .ok()
                .or_else(|| find_group(group, groups))
                .ok_or_else(|| UserError::UnknownGroup(group.to_owned()))?,
            None => field(3).ok_or(UserError::NoGroup(uid))?,
        };
        Ok(Self {
            name: text.to_owned(),
            uid,
            gid,
            home: entry.and_then(|entry| entry.get(5).map(PathBuf::from)),
        })
    }
}

fn find_group(name: &str, groups: &str) -> Option<u32> {
    let line = groups
        .lines()
        .find(|line| line.split(':').next() == Some(name))?;
    line.split(':').nth(2)?.parse().ok()
}

impl FromStr for User {
    type Err = UserError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        Self::find(text, &read("/etc/passwd"), &read("/etc/group"))
    }
}

/// A user that does not exist here.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UserError {
    /// Not in `/etc/passwd`, and no number.
    #[error("no user {0:?} in /etc/passwd")]
    Unknown(String),
    /// Not in `/etc/group`, and no number.
    #[error("no group {0:?} in /etc/group")]
    UnknownGroup(String),
    /// A number that `/etc/passwd` does not hold, without a group.
    #[error("user {0} is not in /etc/passwd, so its group must be said: \"{0}:GID\"")]
    NoGroup(u32),
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: &str = "root:x:0:0:root:/root:/bin/sh\nwww:x:33:34::/srv:/bin/false\nbad:x:::\n";
    const GROUPS: &str = "root:x:0:\nweb:x:70:www\n";

    fn find(text: &str) -> Result<(u32, u32), UserError> {
        User::find(text, USERS, GROUPS).map(|user| (user.uid, user.gid))
    }

    #[test]
    fn names_and_numbers_are_found() {
        assert_eq!(find("www"), Ok((33, 34)));
        assert_eq!(find("www:web"), Ok((33, 70)));
        assert_eq!(find("33"), Ok((33, 34)));
        assert_eq!(find("5000:70"), Ok((5000, 70)));
        let www = User::find("www", USERS, GROUPS).unwrap();
        assert_eq!(www.home(), Some(&PathBuf::from("/srv")));
    }

    #[test]
    fn what_is_unknown_is_said() {
        assert_eq!(find("ww"), Err(UserError::Unknown("ww".into())));
        assert_eq!(find(""), Err(UserError::Unknown(String::new())));
        assert_eq!(find("-1"), Err(UserError::Unknown("-1".into())));
        assert_eq!(find("bad"), Err(UserError::Unknown("bad".into())));
        assert_eq!(find("www:no"), Err(UserError::UnknownGroup("no".into())));
        assert_eq!(find("5000"), Err(UserError::NoGroup(5000)));
    }
}
