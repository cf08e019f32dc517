//! Users and groups by name, for the owner of a Unix socket.

/// The local database of users.
pub(super) const USERS: &str = "/etc/passwd";

/// The same of groups.
pub(super) const GROUPS: &str = "/etc/group";

/// The numbers of a user and, where it stands in the database, of its group.
pub(super) fn user(name: &str) -> Option<(u32, Option<u32>)> {
    let text = std::fs::read_to_string(USERS).unwrap_or_default();
    let group = |line: &str| line.split(':').nth(3)?.parse().ok();
    let number: Option<u32> = name.parse().ok();
    let found = text.lines().find(|line| {
        let mut fields = line.split(':');
        let first = fields.next();
        let id = fields.nth(1).and_then(|field| field.parse::<u32>().ok());
        first == Some(name) || (number.is_some() && id == number)
    });
    match found {
        Some(line) => Some((line.split(':').nth(2)?.parse().ok()?, group(line))),
        None => Some((number?, None)),
    }
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
    }
}
