//! One request and its response: what the client brought, and what it gets.

use std::mem;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode,
    header::{self, COOKIE, SET_COOKIE},
};
use lb_core::Server;
use smallvec::SmallVec;

use super::{
    Alternatives, Persistence, cacheable,
    date::{Age, Dates},
    request::{self, Stripped},
    response,
    settings::{DATE_DELIMITER, Mode, PREFIX_DELIMITER, Settings},
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

/// The cookies of that name.
#[derive(Debug, Default)]
struct Brought {
    /// Was there one at all?
    any: bool,
    /// `Expired` or `Old`, if one was.
    expired: Option<RequestCookie>,
    /// Was there one with a value to look for?
    usable: bool,
    /// The dates of the first usable one.
    dates: Dates,
    /// The usable ones after the first.
    others: Vec<(Box<str>, Dates)>,
}

impl Visit {
    /// Reads the cookie, asks for its server, and makes the request what the
    /// server is to see.
    pub(super) fn begin<B>(
        settings: &Settings,
        request: &mut Request<B>,
        now: impl Fn() -> u64,
    ) -> Self {
        let mut brought = Brought::default();
        let mut affinity = None;
        for field in request.headers().get_all(COOKIE) {
            if settings.may_be_in(field.as_bytes()) {
                for value in request::values(field.as_bytes(), settings.name()) {
                    brought.take(settings, value, &mut affinity, &now);
                }
            }
        }
        let rule = request.extensions().get().copied();
        if brought.any {
            rewrite_request(settings, request.headers_mut());
        }
        if let Some(affinity) = affinity
            && !matches!(rule, Some(Persistence::Ignore | Persistence::UseServer))
        {
            let even_if_down = settings.options.even_if_down || rule == Some(Persistence::Force);
            let extensions = request.extensions_mut();
            extensions.insert(Prefer {
                affinity,
                even_if_down,
            });
            if !brought.others.is_empty() {
                let others = brought.others.iter().map(|(value, _)| value.clone());
                extensions.insert(Alternatives(others.collect()));
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
    /// [`Exchange`] its cookie states.
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
        let mut headers = mem::take(response.headers_mut());
        if let Some(exchange) = response.extensions_mut().get_mut::<Exchange>() {
            exchange.request_cookie = self.request_cookie(exchange);
            exchange.response_cookie = ResponseCookie::None;
            let answered = exchange.failure.is_none() || exchange.responded.is_some();
            if let Some(server) = exchange.server.as_deref()
                && answered
                && self.rule != Some(Persistence::Ignore)
            {
                exchange.response_cookie = self.answer(
                    settings,
                    server,
                    exchange.preference,
                    status,
                    &mut headers,
                    now,
                );
            }
        }
        *response.headers_mut() = headers;
    }

    /// The third character of the termination state.
    fn request_cookie(&self, exchange: &Exchange) -> RequestCookie {
        let without_server = self.brought.expired.unwrap_or(RequestCookie::Invalid);
        if !self.brought.any {
            return RequestCookie::None;
        }
        if self.overruled(exchange.preference) {
            return self.brought.expired.unwrap_or(RequestCookie::Unused);
        }
        match exchange.preference {
            _ if !self.brought.usable => without_server,
            Preference::Honoured => match &exchange.server {
                // Followed only because it was to be followed even there.
                Some(server) if !server.takes_bound_clients() => RequestCookie::Down,
                _ => RequestCookie::Valid,
            },
            Preference::Down => RequestCookie::Down,
            Preference::Unknown | Preference::None => without_server,
        }
    }

    /// Did a rule choose the server, whatever the cookie says?
    fn overruled(&self, preference: Preference) -> bool {
        matches!(
            self.rule,
            Some(Persistence::Ignore | Persistence::UseServer)
        ) || self.brought.usable && preference == Preference::None
    }

    /// Deals with the server's own cookie and with ours; the result is the
    /// fourth character of the termination state.
    fn answer(
        &self,
        settings: &Settings,
        server: &Server<Upstream>,
        preference: Preference,
        status: StatusCode,
        headers: &mut HeaderMap,
        now: impl Fn() -> u64,
    ) -> ResponseCookie {
        let options = &settings.options;
        let honoured = preference == Preference::Honoured;
        let own = settle_own(settings, server, honoured, headers);
        if options.mode != Mode::Insert
            || own == ResponseCookie::Provided
            || options.postonly && !self.is_post
        {
            return own;
        }
        let overruled = self.overruled(preference);
        let dates = self.dates(server);
        let outcome = if !honoured && !overruled {
            ResponseCookie::Inserted
        } else if self.brought.any
            && (options.limits.any() || dates != Dates::default())
            && options.limits.wants_refresh(dates, now())
        {
            ResponseCookie::Updated
        } else {
            return own;
        };
        let Some(field) = settings
            .set_cookie
            .field(settings, server, dates.first, now)
        else {
            return own;
        };
        let cacheable =
            options.nocache && cacheable::is_cacheable(self.may_be_cached, status, headers);
        headers.append(SET_COOKIE, field);
        if cacheable {
            headers.append(header::CACHE_CONTROL, HeaderValue::from_static("private"));
        }
        outcome
    }

    /// The dates of the cookie that led to `server`, or of the first one.
    fn dates(&self, server: &Server<Upstream>) -> Dates {
        self.brought
            .others
            .iter()
            .find(|(value, _)| server.affinity_value() == Some(value))
            .map_or(self.brought.dates, |&(_, dates)| dates)
    }
}

impl Brought {
    /// Takes one value in; the first usable one becomes `affinity`.
    fn take(
        &mut self,
        settings: &Settings,
        value: &[u8],
        affinity: &mut Option<Box<str>>,
        now: impl Fn() -> u64,
    ) {
        self.any = true;
        let delimiter = match settings.options.mode {
            Mode::Prefix => PREFIX_DELIMITER,
            _ => DATE_DELIMITER,
        };
        let (name, dates) = match memchr::memchr(delimiter, value) {
            Some(end) if delimiter == DATE_DELIMITER => {
                (&value[..end], Dates::parse(&value[end + 1..]))
            }
            Some(end) => (&value[..end], Dates::default()),
            None => (value, Dates::default()),
        };
        if dates != Dates::default() {
            match settings.options.limits.judge(dates, now()) {
                Age::Good => {}
                Age::Idle => return self.expired = Some(RequestCookie::Expired),
                Age::Old => return self.expired = Some(RequestCookie::Old),
            }
        }
        // A value that is not UTF-8 can name no server.
        let Some(name) = std::str::from_utf8(name)
            .ok()
            .filter(|name| !name.is_empty())
        else {
            return;
        };
        if self.usable {
            self.others.push((name.into(), dates));
        } else {
            self.usable = true;
            self.dates = dates;
            *affinity = Some(name.into());
        }
    }
}

/// Hides from the server what is ours.
fn rewrite_request(settings: &Settings, headers: &mut HeaderMap) {
    let name = settings.name();
    match settings.options.mode {
        Mode::Insert if settings.options.indirect => {
            replace_all(headers, &COOKIE, |field| {
                match request::strip(field.as_bytes(), name) {
                    Stripped::Unchanged => Some(field),
                    Stripped::Rest(rest) => into_value(rest),
                    Stripped::Nothing => None,
                }
            });
        }
        Mode::Prefix => replace_all(headers, &COOKIE, |field| {
            match request::unprefix(field.as_bytes(), name, PREFIX_DELIMITER) {
                Some(rest) => into_value(rest),
                None => Some(field),
            }
        }),
        _ => {}
    }
}

/// Deals with cookies of our name that the server set.
fn settle_own(
    settings: &Settings,
    server: &Server<Upstream>,
    honoured: bool,
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
    if options.mode == Mode::Insert || options.indirect && honoured {
        replace_all(headers, &SET_COOKIE, |field| {
            (!is_own(&field)).then_some(field)
        });
        return ResponseCookie::Deleted;
    }
    let Some(value) = settings.value_of(server) else {
        return ResponseCookie::Provided;
    };
    let value = value.as_bytes();
    let change = |field: &[u8]| match options.mode {
        Mode::Rewrite => response::rewrite(field, name, value),
        Mode::Prefix => response::prefix(field, name, value, PREFIX_DELIMITER),
        Mode::Passive | Mode::Insert => None,
    };
    let mut outcome = ResponseCookie::Provided;
    replace_all(headers, &SET_COOKIE, |field| {
        match change(field.as_bytes()).and_then(into_value) {
            Some(changed) => {
                outcome = ResponseCookie::Rewritten;
                Some(changed)
            }
            None => Some(field),
        }
    });
    outcome
}

/// Puts every field of this name through `change`, in order; `None` removes it.
fn replace_all(
    headers: &mut HeaderMap,
    name: &header::HeaderName,
    change: impl FnMut(HeaderValue) -> Option<HeaderValue>,
) {
    let header::Entry::Occupied(entry) = headers.entry(name) else {
        return;
    };
    let (name, fields) = entry.remove_entry_mult();
    let fields: SmallVec<[HeaderValue; 4]> = fields.filter_map(change).collect();
    for field in fields {
        headers.append(name.clone(), field);
    }
}

fn into_value(field: Vec<u8>) -> Option<HeaderValue> {
    HeaderValue::from_maybe_shared(Bytes::from(field)).ok()
}
