//! Where several values come from: header fields, cookies, parameters.

use std::net::IpAddr;

use http::HeaderName;
use lb_core::condition::{Sample, leading_int, leading_ipv4};

use super::{
    cookie,
    header::{self, Head},
    param,
    view::View,
};

/// Which of the two messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Request,
    Response,
}

/// Where several values come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Values {
    /// Header fields.
    Header {
        /// `None`: of all names.
        name: Option<HeaderName>,
        /// From 1 on from the first, from -1 on from the last, 0 for all.
        occurrence: i64,
        /// Whether commas part values.
        split: bool,
    },
    /// The cookies of this name; `None`: all.
    Cookie(Option<Box<str>>),
    /// Parameters of the target.
    Param {
        /// `None`: of all names.
        name: Option<Box<str>>,
        /// What they start after.
        delimiter: u8,
    },
}

/// What a value is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cast {
    /// Text.
    Text,
    /// A number: its leading digits, else 0.
    Int,
    /// An address, with a port or without; other values are passed over.
    Ip,
}

impl Values {
    pub(super) fn each(
        &self,
        side: Side,
        view: &View<'_>,
        visit: &mut dyn FnMut(&[u8]) -> bool,
    ) -> bool {
        let head = match side {
            Side::Request => view.request.as_ref().map(Head::of_request),
            Side::Response => view.response.as_ref().map(Head::of_response),
        };
        let Some(head) = head else { return false };
        match self {
            Self::Cookie(name) => cookie::each(&head, side, name.as_deref(), visit),
            Self::Param { name, delimiter } => view
                .request
                .is_some_and(|view| param::each(&view, name.as_deref(), *delimiter, visit)),
            Self::Header {
                name,
                occurrence: 0,
                split,
            } => header::each(&head, name.as_ref(), *split, visit),
            Self::Header {
                name,
                occurrence,
                split,
            } => {
                let name = name.as_ref();
                let wanted = if *occurrence > 0 {
                    *occurrence
                } else {
                    let mut count = 0;
                    header::each(&head, name, *split, &mut |_| {
                        count += 1;
                        false
                    });
                    count + 1 + occurrence
                };
                let mut at = 0;
                let mut verdict = false;
                header::each(&head, name, *split, &mut |value| {
                    at += 1;
                    if at == wanted {
                        verdict = visit(value);
                    }
                    at == wanted
                });
                verdict
            }
        }
    }

    pub(super) fn count(&self, side: Side, view: &View<'_>) -> i64 {
        let mut count = 0;
        self.each(side, view, &mut |_| {
            count += 1;
            false
        });
        count
    }
}

impl Cast {
    pub(super) fn apply(self, value: &[u8]) -> Option<Sample<'_>> {
        match self {
            Self::Text => Some(Sample::Str(value)),
            Self::Int => Some(Sample::Int(leading_int(value).unwrap_or(0))),
            Self::Ip => address(value).map(Sample::Ip),
        }
    }
}

/// An IPv6 address, or an IPv4 address with an optional port, and nothing else.
pub(super) fn address(value: &[u8]) -> Option<IpAddr> {
    let Some((address, rest)) = leading_ipv4(value) else {
        let address = std::str::from_utf8(value).ok()?.parse().ok()?;
        return Some(IpAddr::V6(address));
    };
    let valid = match rest {
        [] => true,
        [b':', port @ ..] => {
            !port.is_empty()
                && port.iter().all(u8::is_ascii_digit)
                && leading_int(port).is_some_and(|port| port <= i64::from(u16::MAX))
        }
        _ => false,
    };
    valid.then_some(IpAddr::V4(address))
}
