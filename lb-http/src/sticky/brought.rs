//! The cookies of our name that a request brought.

use http::{HeaderMap, header::COOKIE};
use memchr::memchr;

use super::{
    date::{Age, Dates},
    headers::{into_value, replace_all},
    request::{self, Stripped},
    settings::{DATE_DELIMITER, Mode, PREFIX_DELIMITER, Settings},
};
use crate::exchange::RequestCookie;

/// What they say.
#[derive(Debug, Default)]
pub(super) struct Brought {
    /// Was there one at all?
    pub(super) any: bool,
    /// Was there one that names a server, perhaps one that does not exist?
    pub(super) usable: bool,
    /// `Expired` or `Old`, if one was.
    pub(super) expired: Option<RequestCookie>,
    /// Each date as the last one that had it said, if none has expired since.
    pub(super) dates: Dates,
}

impl Brought {
    /// Reads the request and gives the values that may be followed to `usable`.
    pub(super) fn read(
        settings: &Settings,
        headers: &HeaderMap,
        now: impl Fn() -> u64,
        mut usable: impl FnMut(&str),
    ) -> Self {
        let mut brought = Self::default();
        for field in headers.get_all(COOKIE) {
            if settings.may_be_in(field.as_bytes()) {
                for value in request::values(field.as_bytes(), settings.name()) {
                    if let Some(name) = brought.take(settings, value, &now) {
                        usable(name);
                    }
                }
            }
        }
        brought
    }

    /// Takes one value in; the result is the part of it that names a server.
    fn take<'a>(
        &mut self,
        settings: &Settings,
        value: &'a [u8],
        now: impl Fn() -> u64,
    ) -> Option<&'a str> {
        self.any = true;
        let name = if settings.options.mode == Mode::Prefix {
            let end = memchr(PREFIX_DELIMITER, value).unwrap_or(value.len());
            &value[..end]
        } else if let Some(end) = memchr(DATE_DELIMITER, value) {
            self.take_dates(settings, Dates::parse(&value[end + 1..]), now)?;
            &value[..end]
        } else {
            value
        };
        // A value that is not UTF-8 can name no server.
        let name = std::str::from_utf8(name)
            .ok()
            .filter(|name| !name.is_empty())?;
        self.usable = true;
        Some(name)
    }

    /// `None` if the cookie has expired.
    fn take_dates(
        &mut self,
        settings: &Settings,
        dates: Dates,
        now: impl Fn() -> u64,
    ) -> Option<()> {
        let expired = match settings.options.limits.judge(dates, now) {
            Age::Good => {
                self.dates.last = dates.last.or(self.dates.last);
                self.dates.first = dates.first.or(self.dates.first);
                return Some(());
            }
            Age::Idle => RequestCookie::Expired,
            Age::Old => RequestCookie::Old,
        };
        self.expired = Some(expired);
        self.dates = Dates::default();
        None
    }
}

/// Hides from the server what is ours.
pub(super) fn hide(settings: &Settings, headers: &mut HeaderMap) {
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
        Mode::Insert | Mode::Passive | Mode::Rewrite => {}
    }
}
