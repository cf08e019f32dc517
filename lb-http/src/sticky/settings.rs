//! The options of a cookie, made ready for requests.

use lb_core::Server;
use memchr::memmem::Finder;

use super::{
    date::Limits,
    dynamic::{DynamicValue, dynamic_value},
    set::SetCookie,
};
use crate::Upstream;

/// Ends the server's value in front of the application's.
pub(super) const PREFIX_DELIMITER: u8 = b'~';

/// Ends the server's value in front of the dates.
pub(super) const DATE_DELIMITER: u8 = b'|';

/// Who makes the cookie.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Mode {
    #[default]
    Passive,
    Insert,
    Prefix,
    Rewrite,
}

/// What needs no preparation.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Options {
    pub(super) mode: Mode,
    pub(super) indirect: bool,
    pub(super) nocache: bool,
    pub(super) postonly: bool,
    pub(super) preserve: bool,
    pub(super) httponly: bool,
    pub(super) secure: bool,
    pub(super) even_if_down: bool,
    pub(super) limits: Limits,
}

/// All of it.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) options: Options,
    pub(super) set_cookie: SetCookie,
    name: Finder<'static>,
    dynamic_key: Option<Box<[u8]>>,
}

/// What names a server in the cookie.
pub(super) enum Value<'a> {
    Configured(&'a str),
    Dynamic(DynamicValue),
}

impl Settings {
    pub(super) fn new(
        name: &str,
        options: Options,
        attributes: &str,
        dynamic_key: Option<&str>,
    ) -> Self {
        Self {
            options,
            set_cookie: SetCookie::new(name, attributes, options.limits),
            name: Finder::new(name).into_owned(),
            dynamic_key: dynamic_key.map(|key| key.as_bytes().into()),
        }
    }

    pub(super) fn name(&self) -> &[u8] {
        self.name.needle()
    }

    /// Could the cookie be in this field? Cheaper than to parse it.
    pub(super) fn may_be_in(&self, field: &[u8]) -> bool {
        self.name.find(field).is_some()
    }

    /// Without a mode and `indirect`, HAProxy looks at requests only, and logs
    /// no cookie states.
    pub(super) fn tracks_responses(&self) -> bool {
        self.options.mode != Mode::Passive || self.options.indirect
    }

    pub(super) fn value_of<'a>(&self, server: &'a Server<Upstream>) -> Option<Value<'a>> {
        if let Some(value) = server.affinity_value() {
            return Some(Value::Configured(value));
        }
        let key = self.dynamic_key.as_ref()?;
        let address = server.target().socket_addr()?;
        Some(Value::Dynamic(dynamic_value(key, address)))
    }
}

impl Value<'_> {
    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Configured(value) => value.as_bytes(),
            Self::Dynamic(value) => value.as_str().as_bytes(),
        }
    }
}
