//! One pattern on its own, for those who look up what belongs to it: maps.

use std::net::IpAddr;

use super::{
    Method, Pattern, Source,
    ip::{self, Net},
    number,
};
use crate::condition::{
    error::{ConditionError, Span},
    sample::Sample,
};

/// One pattern and the method it is compared by.
#[derive(Debug, Clone)]
pub struct SinglePattern {
    method: Method,
    pattern: Pattern,
}

impl SinglePattern {
    /// Reads `text` for the method of this name: `str`, `beg`, `int`, `ip`.
    ///
    /// # Errors
    /// An unknown method, a text that is no pattern of it.
    pub fn parse(method: &str, text: &str) -> Result<Self, ConditionError> {
        let span = Span {
            offset: 0,
            len: text.len(),
        };
        let method = Method::parse(method.as_bytes())
            .ok_or_else(|| ConditionError::new(span, format!("there is no matcher `{method}`")))?;
        let source = Source {
            bytes: text.as_bytes().to_vec(),
            span,
            ignore_case: false,
            // Operators are for conditions; in a file there are none.
            line: Some(0),
        };
        let pattern = match method {
            Method::Int | Method::Len => number::parse(&[source])
                .ok()
                .and_then(|mut patterns| patterns.pop())
                .map(|(_, pattern)| pattern)
                .ok_or_else(|| ConditionError::new(span, "not a number or a range of numbers"))?,
            Method::Ip => ip::parse(text)
                .map(Pattern::Net)
                .map_err(|what| ConditionError::new(span, what))?,
            _ => source.pattern(method)?,
        };
        Ok(Self { method, pattern })
    }

    /// Whether it matches.
    #[must_use]
    pub fn matches(&self, sample: &Sample<'_>) -> bool {
        self.pattern.matches(self.method, sample)
    }

    /// The network and the length of its prefix, if it is one.
    #[must_use]
    pub fn network(&self) -> Option<(IpAddr, u8)> {
        match self.pattern {
            Pattern::Net(Net::V4 { address, mask })
                if mask.leading_ones() + mask.trailing_zeros() == 32 =>
            {
                let address = std::net::Ipv4Addr::from(address);
                Some((address.into(), mask.leading_ones() as u8))
            }
            Pattern::Net(Net::V6 { address, bits }) => {
                let address = std::net::Ipv6Addr::from(address);
                Some((address.into(), bits as u8))
            }
            _ => None,
        }
    }
}

/// The IPv4 address that an IPv4 pattern sees in `ip`: itself, or the one in `::ffff:a.b.c.d`, `::a.b.c.d` and
/// `2002:aabb:ccdd::`.
#[must_use]
pub fn embedded_ipv4(ip: IpAddr) -> Option<std::net::Ipv4Addr> {
    ip::as_v4(ip).map(Into::into)
}
