//! The `Set-Cookie` field of an inserted cookie:
//! `SRV=c1; path=/; domain=D; HttpOnly; Secure; SameSite=Lax`.

use ahash::AHashMap;
use arc_swap::ArcSwap;
use bytes::Bytes;
use http::HeaderValue;
use lb_core::{Server, server::ServerUid};

use super::{
    date::Limits,
    settings::{Settings, Value},
};
use crate::Upstream;

/// Servers whose field is kept ready. Servers that come and go by discovery
/// would fill the memory; those of one configuration never get there.
const CAPACITY: usize = 4096;

/// Writes the field, and keeps what was written where it has no date in it.
#[derive(Debug)]
pub(super) struct SetCookie {
    /// `SRV=`
    head: Box<[u8]>,
    /// `; path=/` and so on
    tail: Box<[u8]>,
    limits: Limits,
    deletion: Option<HeaderValue>,
    ready: ArcSwap<AHashMap<ServerUid, Option<HeaderValue>>>,
}

impl SetCookie {
    pub(super) fn new(name: &str, attributes: &str, limits: Limits) -> Self {
        let deletion = format!("{name}=; Expires=Thu, 01-Jan-1970 00:00:01 GMT{attributes}");
        Self {
            head: [name.as_bytes(), b"="].concat().into(),
            tail: attributes.as_bytes().into(),
            limits,
            deletion: HeaderValue::from_maybe_shared(Bytes::from(deletion)).ok(),
            ready: ArcSwap::default(),
        }
    }

    /// The field for a client of `server`, which came first at `first` if that
    /// is known: the deletion of the cookie if the server has no value, and
    /// `None` if it has one that cannot stand in a field.
    pub(super) fn field(
        &self,
        settings: &Settings,
        server: &Server<Upstream>,
        first: Option<u64>,
        now: impl FnOnce() -> u64,
    ) -> Option<HeaderValue> {
        if self.limits.any() {
            return match settings.value_of(server) {
                Some(value) => self.write(&value, first, now()),
                None => self.deletion.clone(),
            };
        }
        if let Some(field) = self.ready.load().get(&server.uid()) {
            return field.clone();
        }
        let field = match settings.value_of(server) {
            Some(value) => self.write(&value, None, 0),
            None => self.deletion.clone(),
        };
        self.ready.rcu(|ready| {
            let mut ready = if ready.len() < CAPACITY {
                AHashMap::clone(ready)
            } else {
                AHashMap::new()
            };
            ready.insert(server.uid(), field.clone());
            ready
        });
        field
    }

    fn write(&self, value: &Value<'_>, first: Option<u64>, now: u64) -> Option<HeaderValue> {
        /// `|awAFT|awAFT`
        const DATES: usize = 12;
        let value = value.as_bytes();
        let length = self.head.len() + value.len() + DATES + self.tail.len();
        let mut field = Vec::with_capacity(length);
        field.extend_from_slice(&self.head);
        field.extend_from_slice(value);
        self.limits.suffix(first, now, &mut field);
        field.extend_from_slice(&self.tail);
        HeaderValue::from_maybe_shared(Bytes::from(field)).ok()
    }
}
