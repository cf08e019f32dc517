//! Fetches and expressions, ready to run.

use std::net::IpAddr;

use http::{HeaderName, Version};
use lb_core::condition::{Fetch, Sample, SampleType, leading_int, leading_ipv4};
use smallvec::SmallVec;

use super::{
    convert::Converter,
    cookie,
    counters::Counter,
    header, param,
    view::{RequestView, View, join},
};

/// What is taken from a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpFetch {
    /// `always_true`, `always_false`; also `req.proto_http`, true of every request that gets here.
    Always(bool),
    /// `method`.
    Method,
    /// `req.ver`: `1.1`, `2.0`.
    Version,
    /// `url`: the target as it was sent.
    Url,
    /// `path`.
    Path,
    /// `pathq`: the path with the query.
    PathQuery,
    /// `query`: what follows `?`, which may be empty.
    Query,
    /// `base`: the first `Host` and the path.
    Base,
    /// `baseq`: the same with the query.
    BaseQuery,
    /// `src`.
    Src,
    /// `src_port`.
    SrcPort,
    /// `dst`.
    Dst,
    /// `dst_port`.
    DstPort,
    /// `hdr`, `hdr_ip`, `hdr_val`, `cook`, `urlp` and their kin.
    Values(Values, Cast),
    /// `hdr_cnt`, `req.fhdr_cnt`, `cook_cnt`.
    Count(Values),
    /// `sc0_http_req_rate`, `src_conn_cur` and the others of tables.
    Counter(Counter),
}

/// Where several values come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Values {
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
pub enum Cast {
    /// Text.
    Text,
    /// A number: its leading digits, else 0.
    Int,
    /// An address, with a port or without; other values are passed over.
    Ip,
}

/// A fetch and the converters its samples pass through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpExpr {
    fetch: HttpFetch,
    converters: Box<[Converter]>,
}

impl HttpExpr {
    pub(super) fn new(fetch: HttpFetch, converters: Vec<Converter>) -> Self {
        Self {
            fetch,
            converters: converters.into_boxed_slice(),
        }
    }

    /// Hands over the one sample that the expression has outside conditions: the last of a header's or a named
    /// cookie's values, else the first. `None` if there is none.
    pub fn with_sample<R>(&self, view: &View<'_>, f: impl FnOnce(Sample<'_>) -> R) -> Option<R> {
        let mut f = Some(f);
        let mut result = None;
        self.fetch.one(view, &mut |sample| {
            self.convert(sample, &mut |sample| {
                result = f.take().map(|f| f(sample));
                true
            })
        });
        result
    }

    fn convert(&self, sample: Sample<'_>, visit: &mut dyn FnMut(Sample<'_>) -> bool) -> bool {
        if self.converters.is_empty() {
            return visit(sample);
        }
        let mut buffer: SmallVec<[u8; 256]> = sample.with_text(SmallVec::from_slice);
        let converted = self.converters.iter().all(|c| c.apply(&mut buffer));
        converted && visit(Sample::Str(&buffer))
    }
}

impl Fetch for HttpExpr {
    type Context<'a> = View<'a>;

    fn sample_type(&self) -> SampleType {
        self.converters
            .last()
            .map_or_else(|| self.fetch.sample_type(), Converter::output)
    }

    fn each(&self, view: &View<'_>, visit: &mut dyn FnMut(Sample<'_>) -> bool) -> bool {
        if self.converters.is_empty() {
            return self.fetch.each(view, visit);
        }
        self.fetch
            .each(view, &mut |sample| self.convert(sample, visit))
    }
}

impl HttpFetch {
    fn sample_type(&self) -> SampleType {
        match self {
            Self::Always(_) => SampleType::Bool,
            Self::Src | Self::Dst | Self::Values(_, Cast::Ip) => SampleType::Ip,
            Self::SrcPort | Self::DstPort | Self::Count(_) | Self::Values(_, Cast::Int) => {
                SampleType::Int
            }
            Self::Counter(counter) => counter.sample_type(),
            _ => SampleType::Str,
        }
    }

    fn each(&self, view: &View<'_>, visit: &mut dyn FnMut(Sample<'_>) -> bool) -> bool {
        let address = match self {
            Self::Always(value) => return visit(Sample::Bool(*value)),
            Self::Src => view.source().map(|a| Sample::Ip(a.ip())),
            Self::SrcPort => view.source().map(|a| port(a.port())),
            Self::Dst => view.destination().map(|a| Sample::Ip(a.ip())),
            Self::DstPort => view.destination().map(|a| port(a.port())),
            Self::Counter(counter) => counter.take(view),
            _ => {
                return view
                    .request
                    .is_some_and(|view| self.in_request(&view, visit));
            }
        };
        address.is_some_and(visit)
    }

    /// What only a request has.
    fn in_request(
        &self,
        view: &RequestView<'_>,
        visit: &mut dyn FnMut(Sample<'_>) -> bool,
    ) -> bool {
        match self {
            Self::Method => visit(Sample::Str(view.method.as_str().as_bytes())),
            Self::Version => visit(Sample::Str(version(view.version))),
            Self::Url => view.with_url(|url| visit(Sample::Str(url))),
            Self::Path => text(view.path(), visit),
            Self::PathQuery => text(view.path_and_query(), visit),
            Self::Query => text(view.query(), visit),
            Self::Base => based(view, view.path(), visit),
            Self::BaseQuery => based(view, view.path_and_query(), visit),
            Self::Values(values, cast) => values.each(view, &mut |value| {
                cast.apply(value).is_some_and(&mut *visit)
            }),
            Self::Count(values) => visit(Sample::Int(values.count(view))),
            Self::Always(_)
            | Self::Src
            | Self::SrcPort
            | Self::Dst
            | Self::DstPort
            | Self::Counter(_) => false,
        }
    }

    fn one(&self, view: &View<'_>, visit: &mut dyn FnMut(Sample<'_>) -> bool) {
        let (Self::Values(values, cast), Some(view)) = (self, &view.request) else {
            self.each(view, visit);
            return;
        };
        let last = match values {
            Values::Header { occurrence, .. } => *occurrence == 0,
            Values::Cookie(name) => name.is_some(),
            Values::Param { .. } => false,
        };
        let wanted = if last { values.count(view) } else { 1 };
        let mut at = 0;
        values.each(view, &mut |value| {
            at += 1;
            if at == wanted {
                cast.apply(value).map(&mut *visit);
            }
            at == wanted
        });
    }
}

impl Values {
    fn each(&self, view: &RequestView<'_>, visit: &mut dyn FnMut(&[u8]) -> bool) -> bool {
        match self {
            Self::Cookie(name) => cookie::each(view, name.as_deref(), visit),
            Self::Param { name, delimiter } => {
                param::each(view, name.as_deref(), *delimiter, visit)
            }
            Self::Header {
                name,
                occurrence: 0,
                split,
            } => header::each(view, name.as_ref(), *split, visit),
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
                    header::each(view, name, *split, &mut |_| {
                        count += 1;
                        false
                    });
                    count + 1 + occurrence
                };
                let mut at = 0;
                let mut verdict = false;
                header::each(view, name, *split, &mut |value| {
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

    fn count(&self, view: &RequestView<'_>) -> i64 {
        let mut count = 0;
        self.each(view, &mut |_| {
            count += 1;
            false
        });
        count
    }
}

impl Cast {
    fn apply(self, value: &[u8]) -> Option<Sample<'_>> {
        match self {
            Self::Text => Some(Sample::Str(value)),
            Self::Int => Some(Sample::Int(leading_int(value).unwrap_or(0))),
            Self::Ip => address(value).map(Sample::Ip),
        }
    }
}

/// An IPv6 address, or an IPv4 address with an optional port, and nothing else.
fn address(value: &[u8]) -> Option<IpAddr> {
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

fn text(text: Option<&str>, visit: &mut dyn FnMut(Sample<'_>) -> bool) -> bool {
    text.is_some_and(|text| visit(Sample::Str(text.as_bytes())))
}

fn port(port: u16) -> Sample<'static> {
    Sample::Int(i64::from(port))
}

/// The first value of `Host`, then `rest`; either may be missing.
fn based(
    view: &RequestView<'_>,
    rest: Option<&str>,
    visit: &mut dyn FnMut(Sample<'_>) -> bool,
) -> bool {
    let rest = rest.unwrap_or_default().as_bytes();
    let mut verdict = None;
    header::each(view, Some(&http::header::HOST), true, &mut |host| {
        verdict = Some(visit(Sample::Str(&join(&[host, rest]))));
        true
    });
    verdict.unwrap_or_else(|| visit(Sample::Str(rest)))
}

fn version(version: Version) -> &'static [u8] {
    match version {
        Version::HTTP_09 => b"0.9",
        Version::HTTP_10 => b"1.0",
        Version::HTTP_2 => b"2.0",
        Version::HTTP_3 => b"3.0",
        _ => b"1.1",
    }
}
