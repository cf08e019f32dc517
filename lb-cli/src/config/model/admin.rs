//! `global.admin`: the socket that `lb ctl` speaks to; HAProxy's `stats socket`.

use std::path::PathBuf;

use super::bind::permissions;
use crate::config::{
    print::{ToToml, inline},
    section::{Place, Section},
    types::words,
    value::Value,
};

/// Where `lb serve` listens, and `lb ctl` connects, unless they are told otherwise.
pub const ADMIN_SOCKET: &str = "/run/lb/admin.sock";

/// The longest path of a Unix socket on Linux, without the NUL (`sockaddr_un`, unix(7)).
const LONGEST_PATH: usize = 107;

/// The admin socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    /// Where it is, absolute. [`ADMIN_SOCKET`].
    pub socket: PathBuf,
    /// Its permissions. 0600.
    pub mode: u32,
    /// What may be asked there. All.
    pub level: AdminLevel,
}

words! {
    /// What may be asked on an admin socket; each level may do what those before it may.
    #[derive(Default, PartialOrd, Ord)]
    pub enum AdminLevel {
        /// Look at what is no secret.
        User = "user",
        /// Look at everything.
        Operator = "operator",
        /// Change things.
        #[default]
        Admin = "admin",
    }
}

impl Admin {
    pub(crate) fn read(global: &Section<'_>) -> Option<Self> {
        let section = global.section("admin", Place::Plain)?;
        let admin = Self {
            socket: section
                .value("socket")
                .and_then(|path| socket(&path))
                .unwrap_or_else(|| ADMIN_SOCKET.into()),
            mode: section
                .value("mode")
                .and_then(|mode| permissions(&mode))
                .unwrap_or(0o600),
            level: section.get("level").unwrap_or_default(),
        };
        section.finish(&[]);
        Some(admin)
    }
}

fn socket(value: &Value<'_>) -> Option<PathBuf> {
    value.parse(|text| match text {
        _ if !text.starts_with('/') || text.ends_with('/') || text.contains('\0') => {
            Err("the path of a socket is absolute, as in \"/run/lb/admin.sock\"")
        }
        _ if text.len() > LONGEST_PATH => Err("the path of a socket has at most 107 octets"),
        _ => Ok(text.into()),
    })
}

impl ToToml for Admin {
    fn to_toml(&self) -> String {
        inline([
            ("socket", Some(self.socket.display().to_string().to_toml())),
            ("mode", Some(format!("{:04o}", self.mode).to_toml())),
            ("level", Some(self.level.to_toml())),
        ])
    }
}
