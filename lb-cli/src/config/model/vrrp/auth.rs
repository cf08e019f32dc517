//! `auth`: how advertisements are known to come from the other nodes.

use std::{collections::BTreeMap, time::Duration};

use lb_vrrp::Interval;

use crate::config::{
    Spanned,
    model::Secret,
    print::{ToToml, inline, quoted},
    section::{Place, Section},
    types::{FromValue, words},
    value::Value,
};

/// How advertisements are known to come from the other nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// The simple text password of RFC 2338, version 2 only: in the clear, against mistakes and not against attackers.
    /// 1 to 8 octets.
    Pass(Secret<String>),
    /// A keyed hash after each advertisement: Keepalived's `auth_hmac`.
    Hmac(HmacAuth),
}

/// Keys and rules of authentication by a keyed hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HmacAuth {
    /// By their numbers, 32 to 64 octets each.
    pub keys: BTreeMap<u8, Secret<Vec<u8>>>,
    /// The key that this node signs with; it is among `keys`.
    pub active: u8,
    /// What becomes of advertisements that are not signed, or wrongly.
    pub mode: HmacMode,
    /// How old an advertisement may be: 1 to 300 s. 3 intervals within 5 to 300 s.
    pub window: Duration,
}

words! {
    /// What becomes of advertisements that are not signed; for keys to be brought in without an outage.
    #[derive(Default)]
    pub enum HmacMode {
        /// They are dropped, as those that are signed wrongly are.
        #[default]
        Enforce = "enforce",
        /// They are accepted; own ones are signed.
        Permissive = "permissive",
        /// They are accepted; own ones are not signed.
        ReceiveOnly = "receive-only",
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Pass,
    Hmac,
}

/// What fits into a packet (RFC 2338 §5.3.10).
const LONGEST_PASSWORD: usize = 8;

/// Keepalived's bound of `time_window`.
const LONGEST_WINDOW: Duration = Duration::from_secs(300);

impl Auth {
    pub(super) fn read(owner: &Section<'_>, interval: Interval) -> Option<Self> {
        let section = owner.section("auth", Place::Plain)?;
        section.know(&["password"]);
        let hmac = ["keys", "active", "mode", "window"];
        let kind = section.required("type").and_then(|value| kind(&value));
        let refuse = |keys: &[&'static str], of: &str| {
            for key in keys {
                if let Some(value) = section.value(key) {
                    value.fail::<()>(format!("`{key}` is for auth of type \"{of}\""));
                }
            }
        };
        let auth = match kind {
            Some(Kind::Pass) => {
                refuse(&hmac, "hmac");
                let password = section.required("password");
                password.and_then(|value| pass(&value))
            }
            Some(Kind::Hmac) => {
                refuse(&["password"], "pass");
                HmacAuth::read(&section, interval).map(Self::Hmac)
            }
            // Of a type that was refused, whose keys may be right.
            None => {
                section.know(&hmac);
                None
            }
        };
        section.finish(&[]);
        auth
    }
}

fn kind(value: &Value<'_>) -> Option<Kind> {
    let text = value.text()?;
    if text.eq_ignore_ascii_case("ah") {
        let help = "use \"hmac\", or \"pass\" with nodes that know no better";
        return value.fail_with("authentication by AH is not supported", help);
    }
    value.word(&[("pass", Kind::Pass), ("hmac", Kind::Hmac)], &[])
}

fn pass(value: &Value<'_>) -> Option<Auth> {
    let text = value.text()?;
    let refuse = |message: String, help: Option<&str>| {
        value
            .cx
            .error(text.span(), message, help.map(ToOwned::to_owned));
        None
    };
    match text.len() {
        0 => refuse("the password is empty".to_owned(), None),
        1..=LONGEST_PASSWORD => Some(Auth::Pass(Secret::new(text.into_inner()))),
        length => refuse(
            format!("the password has {length} octets: only {LONGEST_PASSWORD} travel"),
            Some("Keepalived cuts longer ones: write the first 8 octets, on every node"),
        ),
    }
}

impl HmacAuth {
    fn read(section: &Section<'_>, interval: Interval) -> Option<Self> {
        let usual = (3 * interval.duration()).clamp(Duration::from_secs(5), LONGEST_WINDOW);
        let mode = section.get("mode").unwrap_or_default();
        let window = section.value("window").and_then(|value| window(&value));
        let active: Option<Spanned<u8>> = section.value("active").and_then(|value| {
            let id = value.number("active", &(1..=255))?;
            Some(Spanned::new(id, value.span()))
        });
        let table = section.required("keys")?;
        let keys = table.section(Place::Plain, section.child("keys"))?;
        let stated = keys.entries().count();
        let mut read = BTreeMap::new();
        for entry in keys.entries() {
            let id = entry.key.parse::<u8>().ok().filter(|id| *id > 0);
            // "01" would be a second name of 1.
            let Some(id) = id.filter(|id| id.to_string() == entry.key) else {
                let message = format!("`{}` is no number of a key: 1 to 255", entry.key);
                section.cx.error(entry.span, message, None);
                continue;
            };
            if let Some(key) = key(&entry.value) {
                read.insert(id, key);
            }
        }
        if stated == 0 {
            return table.fail("no key is stated");
        }
        // Keys that were refused are reported, and may be the one that is meant.
        if read.len() < stated {
            return None;
        }
        let numbers = || {
            read.keys()
                .map(u8::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        };
        let active = match active {
            Some(id) if read.contains_key(&id) => *id,
            Some(id) => {
                let help = format!("the keys are {}", numbers());
                section
                    .cx
                    .error(id.span(), format!("there is no key {id}"), Some(help));
                return None;
            }
            None if section.has("active") => return None,
            None if read.len() == 1 => *read.first_key_value()?.0,
            None => {
                let message = "`active` is missing: it says which key this node signs with";
                let help = format!("the keys are {}", numbers());
                return table.fail_with(message, help);
            }
        };
        Some(Self {
            keys: read,
            active,
            mode,
            window: window.unwrap_or(usual),
        })
    }
}

fn key(value: &Value<'_>) -> Option<Secret<Vec<u8>>> {
    let text = value.text()?;
    let refuse = |message: String| {
        let help = "`openssl rand -hex 32` makes one".to_owned();
        value.cx.error(text.span(), message, Some(help));
        None
    };
    // Keepalived's spelling.
    let digits = text.strip_prefix("hex:").unwrap_or(&text);
    let octets: Option<Vec<u8>> = digits
        .as_bytes()
        .chunks(2)
        .map(|pair| {
            let digits = pair.len() == 2 && pair.iter().all(u8::is_ascii_hexdigit);
            let digits = std::str::from_utf8(pair).ok().filter(|_| digits)?;
            u8::from_str_radix(digits, 16).ok()
        })
        .collect();
    match octets {
        None => refuse("a key is written in pairs of hexadecimal digits".to_owned()),
        Some(octets) if (32..=64).contains(&octets.len()) => Some(Secret::new(octets)),
        Some(octets) => refuse(format!(
            "the key has {} octets: it must have 32 to 64",
            octets.len()
        )),
    }
}

fn window(value: &Value<'_>) -> Option<Duration> {
    let window = Duration::from_value(value)?;
    if window < Duration::from_secs(1) || window > LONGEST_WINDOW {
        return value.fail("`window` must be from \"1s\" to \"300s\"");
    }
    Some(window)
}

impl ToToml for Auth {
    fn to_toml(&self) -> String {
        match self {
            Self::Pass(password) => inline([
                ("type", Some(quoted("pass"))),
                ("password", Some(password.reveal().to_toml())),
            ]),
            Self::Hmac(hmac) => inline([
                ("type", Some(quoted("hmac"))),
                ("keys", Some(hmac.keys_to_toml())),
                ("active", Some(hmac.active.to_toml())),
                ("mode", Some(hmac.mode.to_toml())),
                ("window", Some(hmac.window.to_toml())),
            ]),
        }
    }
}

impl HmacAuth {
    fn keys_to_toml(&self) -> String {
        let pairs = self.keys.iter().map(|(id, key)| {
            let digits: String = key
                .reveal()
                .iter()
                .map(|octet| format!("{octet:02x}"))
                .collect();
            format!("{id} = \"{digits}\"")
        });
        format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
    }
}
