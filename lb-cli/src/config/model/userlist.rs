//! `[userlist.NAME]`: users, their passwords and groups; HAProxy's `userlist`.

use lb_http::users::{Password, UserList as Users};

use super::{Secret, checked_name};
use crate::config::{
    Spanned,
    print::{Printer, inline, quoted},
    section::{Place, Section},
    value::Value,
};

/// Users with their passwords and groups, for `http_auth` and `http_auth_group`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserList {
    /// Its name.
    pub name: Spanned<String>,
    /// In the order of the file.
    pub users: Vec<User>,
    /// Groups and their members, in the order of the file.
    pub groups: Vec<(Spanned<String>, Vec<Spanned<String>>)>,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name.
    pub name: Spanned<String>,
    /// As crypt(3) hashed it, or as it is.
    pub password: Secret<Given>,
}

/// A password as the file has it.
#[derive(Clone, PartialEq, Eq)]
pub enum Given {
    /// `"$6$…"`.
    Crypt(String),
    /// `{ plain = "…" }`.
    Plain(String),
}

impl UserList {
    pub(crate) fn read(name: Spanned<String>, section: &Section<'_>) -> Self {
        let users = section.merged("users", Place::Plain);
        let users: Vec<User> = users
            .entries()
            .filter_map(|entry| {
                let name = entry.name();
                if name.is_empty() || name.contains(':') {
                    section.cx.error(
                        name.span(),
                        format!("`{}` cannot be the name of a user", *name),
                        Some("HTTP parts a user from the password by `:`".to_owned()),
                    );
                }
                let password = Secret::new(password(&entry.value)?);
                Some(User { name, password })
            })
            .collect();
        let groups = section.merged("groups", Place::Plain);
        let groups = groups.entries().map(|entry| {
            let members = entry.value.one_or_more();
            let members = members.iter().filter_map(Value::text).collect();
            (checked_name(section.cx, entry.name(), "a group"), members)
        });
        let list = Self {
            name: checked_name(section.cx, name, "a userlist"),
            groups: groups.collect(),
            users,
        };
        list.check_members(section);
        section.finish(&[]);
        list
    }

    fn check_members(&self, section: &Section<'_>) {
        // Those whose password was refused are there, too.
        let users = section.merged("users", Place::Plain);
        let known: Vec<&str> = users.entries().map(|entry| entry.key).collect();
        for member in self.groups.iter().flat_map(|(_, members)| members) {
            if !known.contains(&member.as_str()) {
                let help = crate::config::nearest(member, known.iter().copied())
                    .map(|near| format!("did you mean `{near}`?"));
                let message = format!("there is no user `{}` in [{}]", **member, section.path);
                section.cx.error(member.span(), message, help);
            }
        }
    }

    pub(crate) fn print(&self, out: &mut Printer) {
        out.table(&["userlist", &self.name, "users"]);
        for user in &self.users {
            let password = match user.password.reveal() {
                Given::Crypt(text) => quoted(text),
                Given::Plain(text) => inline([("plain", Some(quoted(text)))]),
            };
            out.set_raw(&user.name, &password);
        }
        if !self.groups.is_empty() {
            out.table(&["userlist", &self.name, "groups"]);
        }
        for (group, members) in &self.groups {
            out.set(group, members.as_slice());
        }
    }

    /// What can check passwords.
    pub fn compile(&self) -> Users {
        let mut list = Users::builder();
        for user in &self.users {
            let password = match user.password.reveal() {
                Given::Plain(text) => Password::plain(text),
                Given::Crypt(text) => match Password::crypt(text) {
                    Ok(password) => password,
                    // It has been reported where it was read.
                    Err(_) => continue,
                },
            };
            list = list.user(&user.name, password);
        }
        for (group, members) in &self.groups {
            list = list.group(group, members.iter().map(|member| member.as_str()));
        }
        list.build()
    }
}

fn password(value: &Value<'_>) -> Option<Given> {
    if value.is_table() {
        let section = value.section(Place::Plain, "password")?;
        let plain = section.require::<String>("plain");
        section.finish(&[]);
        return plain.map(Given::Plain);
    }
    let text = value.text()?;
    match Password::crypt(&text) {
        Ok(_) => Some(Given::Crypt(text.to_string())),
        Err(why) => value.fail_with(
            why.to_string(),
            "`openssl passwd -6` makes a hash; a password as it is stands in `{ plain = \"…\" }`",
        ),
    }
}
