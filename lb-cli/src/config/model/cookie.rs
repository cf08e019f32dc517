//! `cookie`: keeping a client on one server.

use std::time::Duration;

use crate::config::{
    Spanned,
    print::Printer,
    section::{Place, Section},
    types::words,
    value::Value,
};

/// Keeping a client on one server by a cookie that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cookie {
    /// The cookie.
    pub name: Spanned<String>,
    /// How it comes about.
    pub mode: CookieMode,
    /// The server does not see the cookie, and the client is not sent it again.
    pub indirect: bool,
    /// Responses that set the cookie are kept out of shared caches.
    pub nocache: bool,
    /// Only responses to POST set the cookie.
    pub postonly: bool,
    /// The server may set the cookie itself, or remove it.
    pub preserve: bool,
    /// Adds `HttpOnly`.
    pub httponly: bool,
    /// Adds `Secure`.
    pub secure: bool,
    /// Adds a `Domain` for each.
    pub domain: Vec<String>,
    /// Adds each as it is, such as `SameSite=Lax`.
    pub attr: Vec<String>,
    /// The cookie counts no more after this long without a request.
    pub max_idle: Option<Duration>,
    /// The cookie counts no more this long after it was set.
    pub max_life: Option<Duration>,
    /// Servers without a cookie value of their own get one made of their address and this key.
    pub dynamic_key: Option<String>,
}

words! {
    /// How the cookie comes about.
    #[derive(Default)]
    pub enum CookieMode {
        /// `lb` sets a cookie of its own.
        #[default]
        Insert = "insert",
        /// `lb` puts the server's name before the value of the application's cookie.
        Prefix = "prefix",
        /// `lb` replaces the value of a cookie that the application sets.
        Rewrite = "rewrite",
    }
}

impl Cookie {
    pub(crate) fn read(owner: &Section<'_>) -> Option<Self> {
        let section = owner.section("cookie", Place::Plain)?;
        let texts = |key| section.one_or_more::<String>(key);
        let cookie = Self {
            name: section
                .require("name")
                .unwrap_or_else(|| Spanned::new(String::new(), section.span)),
            mode: section.get("mode").unwrap_or_default(),
            indirect: section.flag("indirect"),
            nocache: section.flag("nocache"),
            postonly: section.flag("postonly"),
            preserve: section.flag("preserve"),
            httponly: section.flag("httponly"),
            secure: section.flag("secure"),
            domain: texts("domain"),
            attr: texts("attr"),
            max_idle: section.duration("max_idle"),
            max_life: section.duration("max_life"),
            dynamic_key: section.get("dynamic_key"),
        };
        section.finish(&[]);
        cookie.check(&section);
        Some(cookie)
    }

    /// Refuses what HAProxy refuses, and what could have no effect.
    fn check(&self, section: &Section<'_>) {
        let at = |key| section.value(key);
        if let Some(name) = at("name") {
            if !self.name.bytes().all(is_token) {
                name.fail::<()>("a cookie's name has letters, digits and !#$%&'*+-.^_`|~ only");
            } else if self.name.starts_with('$') {
                name.fail_with::<()>(
                    "a cookie's name does not begin with `$`",
                    "such names are attributes of the cookie before them (RFC 2965)",
                );
            }
        }
        let pieces = |key| {
            at(key)
                .map(|value: Value<'_>| value.one_or_more())
                .unwrap_or_default()
        };
        for (domain, value) in self.domain.iter().zip(pieces("domain")) {
            if !is_attribute(domain) {
                value.fail::<()>(
                    "a cookie's domain has no blanks, semicolons or control characters",
                );
            } else if !domain.trim_start_matches('.').contains('.') {
                section.cx.warning(
                    value.span(),
                    "browsers ignore a domain without a dot in it",
                    "see RFC 6265, 5.2.3",
                );
            }
        }
        for (attr, value) in self.attr.iter().zip(pieces("attr")) {
            if !is_attribute(attr) {
                value.fail_with::<()>(
                    "an attribute has no semicolons or control characters",
                    "give an array of attributes",
                );
            }
        }
        let contradiction = |key, why: &str| {
            if let Some(value) = at(key) {
                value.fail::<()>(why);
            }
        };
        let mode = self.mode;
        if mode == CookieMode::Rewrite && self.indirect {
            contradiction(
                "indirect",
                "`indirect` contradicts mode \"rewrite\": the application sets this cookie",
            );
        }
        if mode == CookieMode::Prefix && self.indirect {
            let why = "`indirect` with mode \"prefix\" keeps changes of the application's cookie from the client";
            let span = at("indirect").map_or(section.span, |value| value.span());
            section.cx.warning(span, why, "leave `indirect` out");
        }
        if mode != CookieMode::Insert {
            if self.preserve && !self.indirect {
                contradiction("preserve", "`preserve` needs mode \"insert\"");
            }
            contradiction(
                "max_idle",
                "`max_idle` needs mode \"insert\": other cookies carry no date",
            );
            contradiction(
                "max_life",
                "`max_life` needs mode \"insert\": other cookies carry no date",
            );
        }
        if let (Some(idle), Some(life), Some(value)) =
            (self.max_idle, self.max_life, at("max_idle"))
            && idle > life
        {
            value.fail::<()>("`max_idle` is longer than `max_life`");
        }
    }

    pub(crate) fn print(&self, path: &[&str], out: &mut Printer) {
        out.table(&[path, &["cookie"]].concat());
        out.set("name", &self.name);
        out.set("mode", self.mode);
        out.set("indirect", self.indirect);
        out.set("nocache", self.nocache);
        out.set("postonly", self.postonly);
        out.set("preserve", self.preserve);
        out.set("httponly", self.httponly);
        out.set("secure", self.secure);
        out.set_any("domain", &self.domain);
        out.set_any("attr", &self.attr);
        out.set_some("max_idle", self.max_idle);
        out.set_some("max_life", self.max_life);
        out.set_some("dynamic_key", self.dynamic_key.as_ref());
    }
}

/// A token of RFC 9110.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn is_attribute(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b != b';' && (0x20..0x7f).contains(&b))
}
