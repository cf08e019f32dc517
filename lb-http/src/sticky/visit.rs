//! One request and its response: what the client brought, and what it gets.

use std::mem;

use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode,
    header::{CACHE_CONTROL, SET_COOKIE},
};
use lb_core::Server;

use super::{
    Alternatives, Persistence,
    brought::{Brought, hide},
    cacheable,
    headers::{into_value, replace_all},
    response,
    settings::{Mode, PREFIX_DELIMITER, Settings},
};
use crate::{
    Upstream,
    exchange::{Exchange, Prefer, Preference, RequestCookie, ResponseCookie},
};

/// What is remembered of a request until its response.
#[derive(Debug)]
pub(super) struct Visit {
    brought: Brought,
    rule: Option<Persistence>,
    is_post: bool,
    may_be_cached: bool,
}

impl Visit {
    /// Reads the cookie, asks for its server, and makes the request what the
    /// server is to see.
    pub(super) fn begin<B>(
        settings: &Settings,
        request: &mut Request<B>,
        now: impl Fn() -> u64,
    ) -> Self {
        let mut affinity = None;
        let mut others = Vec::new();
        let brought = Brought::read(settings, request.headers(), now, |value| match affinity {
            None => affinity = Some(Box::from(value)),
            Some(_) => others.push(Box::from(value)),
        });
        if brought.any {
            hide(settings, request.headers_mut());
        }
        let rule = request.extensions().get().copied();
        if let Some(affinity) = affinity
            && !matches!(rule, Some(Persistence::Ignore | Persistence::UseServer))
        {
            let even_if_down = settings.options.even_if_down || rule == Some(Persistence::Force);
            let extensions = request.extensions_mut();
            extensions.insert(Prefer {
                affinity,
                even_if_down,
            });
            if !others.is_empty() {
                extensions.insert(Alternatives(others));
            }
        }
        Self {
            brought,
            rule,
            is_post: request.method() == Method::POST,
            may_be_cached: cacheable::allows_method(request.method()),
        }
    }

    /// Gives the response the cookie that the client is to have, and the
    /// [`Exchange`] its cookie states. A response without an exchange is none of
    /// a proxy and stays as it is.
    pub(super) fn end<RB>(
        &self,
        settings: &Settings,
        response: &mut Response<RB>,
        now: impl Fn() -> u64,
    ) {
        if !settings.tracks_responses() {
            return;
        }
        let status = response.status();
        // Apart from the fields, which are borrowed beside them.
        let mut extensions = mem::take(response.extensions_mut());
        if let Some(exchange) = extensions.get_mut::<Exchange>() {
            let answered = exchange.failure.is_none() || exchange.responded.is_some();
            exchange.request_cookie = self.request_cookie(exchange);
            exchange.response_cookie = match &exchange.server {
                Some(server) if answered && self.rule != Some(Persistence::Ignore) => {
                    let settled = exchange.by_table || self.is_settled(exchange.preference);
                    let headers = response.headers_mut();
                    self.answer(settings, server, settled, status, headers, now)
                }
                _ => ResponseCookie::None,
            };
        }
        *response.extensions_mut() = extensions;
    }

    /// The third character of the termination state.
    fn request_cookie(&self, exchange: &Exchange) -> RequestCookie {
        let brought = &self.brought;
        if !brought.any {
            return RequestCookie::None;
        }
        if self.is_overruled(exchange.preference) {
            return brought.expired.unwrap_or(RequestCookie::Unused);
        }
        match exchange.preference {
            Preference::Honoured => match &exchange.server {
                // Followed only because it was to be followed even there.
                Some(server) if !server.takes_bound_clients() => RequestCookie::Down,
                _ => RequestCookie::Valid,
            },
            Preference::Down => RequestCookie::Down,
            Preference::Unknown | Preference::None => {
                brought.expired.unwrap_or(RequestCookie::Invalid)
            }
        }
    }

    /// Did a rule choose the server, whatever the cookie says? A proxy that has
    /// such rules itself does not answer to what was preferred.
    fn is_overruled(&self, preference: Preference) -> bool {
        matches!(
            self.rule,
            Some(Persistence::Ignore | Persistence::UseServer)
        ) || self.brought.usable && preference == Preference::None
    }

    /// Was the server chosen otherwise than by balancing?
    fn is_settled(&self, preference: Preference) -> bool {
        preference == Preference::Honoured || self.is_overruled(preference)
    }

    /// Deals with the server's own cookie and with ours; the result is the
    /// fourth character of the termination state.
    fn answer(
        &self,
        settings: &Settings,
        server: &Server<Upstream>,
        settled: bool,
        status: StatusCode,
        headers: &mut HeaderMap,
        now: impl Fn() -> u64,
    ) -> ResponseCookie {
        let own = deal_with_own(settings, server, settled, headers);
        let options = &settings.options;
        let dates = self.brought.dates;
        if options.mode != Mode::Insert
            || own == ResponseCookie::Provided
            || options.postonly && !self.is_post
            || settled && !options.limits.wants_refresh(dates, &now)
        {
            return own;
        }
        let set_cookie = &settings.set_cookie;
        let Some(field) = set_cookie.field(settings, server, dates.first, now) else {
            return own;
        };
        if options.nocache && cacheable::is_cacheable(self.may_be_cached, status, headers) {
            headers.append(CACHE_CONTROL, HeaderValue::from_static("private"));
        }
        headers.append(SET_COOKIE, field);
        if settled && settings.value_of(server).is_some() {
            ResponseCookie::Updated
        } else {
            ResponseCookie::Inserted
        }
    }
}

/// Deals with cookies of our name that the server set.
fn deal_with_own(
    settings: &Settings,
    server: &Server<Upstream>,
    settled: bool,
    headers: &mut HeaderMap,
) -> ResponseCookie {
    let name = settings.name();
    let is_own = |field: &HeaderValue| response::sets(field.as_bytes(), name);
    if !headers.get_all(SET_COOKIE).iter().any(is_own) {
        return ResponseCookie::None;
    }
    let options = &settings.options;
    if options.preserve {
        return ResponseCookie::Provided;
    }
    if options.mode == Mode::Insert || options.indirect && settled {
        replace_all(headers, &SET_COOKIE, |field| {
            (!is_own(&field)).then_some(field)
        });
        return ResponseCookie::Deleted;
    }
    let Some(value) = settings.value_of(server) else {
        return ResponseCookie::Provided;
    };
    let value = value.as_bytes();
    let mut outcome = ResponseCookie::Provided;
    replace_all(headers, &SET_COOKIE, |field| {
        let changed = match options.mode {
            Mode::Rewrite => response::rewrite(field.as_bytes(), name, value),
            Mode::Prefix => response::prefix(field.as_bytes(), name, value, PREFIX_DELIMITER),
            Mode::Passive | Mode::Insert => None,
        };
        let Some(changed) = changed.and_then(into_value) else {
            return Some(field);
        };
        outcome = ResponseCookie::Rewritten;
        Some(changed)
    });
    outcome
}
