//! Users and groups by name, for the owner of a Unix socket and for who runs a script.

/// The local database of users.
pub(super) const USERS: &str = "/etc/passwd";

/// Who runs a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// The user's number.
    pub uid: u32,
    /// The number of the user's own group.
    pub gid: u32,
}

/// A user by name or number, if the host has one.
pub(super) fn user(name: &str) -> Option<User> {
    user_in(name, &std::fs::read_to_string(USERS).ok()?)
}

fn user_in(name: &str, database: &str) -> Option<User> {
    database.lines().find_map(|line| {
        let fields: Vec<_> = line.split(':').collect();
        let [own, _, uid, gid, ..] = fields.as_slice() else {
            return None;
        };
        let (uid, gid) = (uid.parse().ok()?, gid.parse().ok()?);
        let is_it = *own == name || name.parse() == Ok(uid);
        is_it.then_some(User { uid, gid })
    })
}

/// The number of a user or group: a number itself, or looked up in the local
/// database, whose lines are `name:password:number:…`.
pub(super) fn find(name: &str, database: &str) -> Option<u32> {
    name.parse().ok().or_else(|| {
        let text = std::fs::read_to_string(database).ok()?;
        lookup(name, &text)
    })
}

fn lookup(name: &str, database: &str) -> Option<u32> {
    database.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name))
            .then(|| fields.nth(1)?.parse().ok())
            .flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_in_its_own_line() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nwww:x:33:33::/:/bin/false\n";
        assert_eq!(lookup("www", passwd), Some(33));
        assert_eq!(lookup("ww", passwd), None);
        let www = User { uid: 33, gid: 34 };
        let passwd = passwd.replace("33:33", "33:34");
        assert_eq!(user_in("www", &passwd), Some(www));
        assert_eq!(user_in("33", &passwd), Some(www));
        assert_eq!(user_in("34", &passwd), None);
    }
}
