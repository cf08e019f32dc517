//! Fetches and expressions, ready to run.

use std::{fmt, sync::Arc};

use http::Version;
use lb_core::condition::{Fetch, Sample, SampleType};

use super::{
    convert::{Case, Chain},
    header::{self, Head},
    values::{Cast, Side, Values},
    view::{RequestView, View, join},
};

/// What an expression looks at, and so where it can stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Needs {
    /// Nothing, or what is there all the time: the connection, counters.
    Nothing,
    /// What is kept for a request: variables, captures.
    Transaction,
    /// The head of the request.
    Request,
    /// The head of the response.
    Response,
}

/// What shows its samples to a visitor until that says true.
type Take = dyn Fn(&View<'_>, &mut dyn FnMut(Sample<'_>) -> bool) -> bool + Send + Sync;

/// What is taken from a request or a response.
#[derive(Clone)]
pub(super) enum HttpFetch {
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
    Values(Side, Values, Cast),
    /// `hdr_cnt`, `req.fhdr_cnt`, `cook_cnt`.
    Count(Side, Values),
    /// All others.
    Other(Other),
}

/// A fetch with at most one sample.
#[derive(Clone)]
pub(super) struct Other {
    kind: SampleType,
    needs: Needs,
    take: Arc<Take>,
    /// Shows what it is outside conditions, where that is something else.
    one: Option<Arc<Take>>,
}

/// A fetch and the converters its samples pass through. Two are equal if they were written alike.
#[derive(Clone)]
pub struct HttpExpr {
    written: Arc<str>,
    fetch: HttpFetch,
    converters: Chain,
}

impl HttpExpr {
    pub(super) fn new(written: Arc<str>, fetch: HttpFetch, converters: Chain) -> Self {
        Self {
            written,
            fetch,
            converters,
        }
    }

    /// What must be there for it to have a sample.
    #[must_use]
    pub fn needs(&self) -> Needs {
        self.fetch.needs()
    }

    /// Hands over the one sample that the expression has outside conditions: the last of a header's or a named
    /// cookie's values, else the first. `None` if there is none.
    pub fn with_sample<R>(&self, view: &View<'_>, f: impl FnOnce(Sample<'_>) -> R) -> Option<R> {
        let mut f = Some(f);
        let mut result = None;
        self.fetch.one(view, &mut |sample| {
            self.converters.convert(sample, view, &mut |sample| {
                result = f.take().map(|f| f(sample));
                true
            })
        });
        result
    }
}

impl fmt::Debug for HttpExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HttpExpr").field(&self.written).finish()
    }
}

impl PartialEq for HttpExpr {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for HttpExpr {}

impl Fetch for HttpExpr {
    type Context<'a> = View<'a>;

    fn sample_type(&self) -> SampleType {
        self.converters.output()
    }

    fn each(&self, view: &View<'_>, visit: &mut dyn FnMut(Sample<'_>) -> bool) -> bool {
        self.fetch.each(view, &mut |sample| {
            self.converters.convert(sample, view, visit)
        })
    }

    fn never_has(&self, text: &[u8], start: bool) -> Option<String> {
        match self.converters.case() {
            Some(Case::Lower) if text.iter().any(u8::is_ascii_uppercase) => {
                return Some("there are no capital letters left".to_owned());
            }
            Some(Case::Upper) if text.iter().any(u8::is_ascii_lowercase) => {
                return Some("there are no small letters left".to_owned());
            }
            _ if !self.converters.is_empty() => return None,
            _ => {}
        }
        let why = match self.fetch {
            HttpFetch::Path | HttpFetch::PathQuery if start && !text.starts_with(b"/") => {
                "a path begins with `/`"
            }
            HttpFetch::Path if text.contains(&b'?') => {
                "a path ends before `?`; `pathq` has the query, too"
            }
            HttpFetch::Version if text.contains(&b'/') => "it is the number alone, as `1.1`",
            _ => return None,
        };
        Some(why.to_owned())
    }

    fn bounds(&self) -> Option<(i64, i64)> {
        let name = self.written.split(['(', ',']).next().unwrap_or_default();
        match name {
            _ if !self.converters.is_empty() => None,
            "src_port" | "dst_port" => Some((0, 65_535)),
            // RFC 9112 §4: three digits.
            "status" => Some((100, 999)),
            "nbsrv" | "be_conn" | "fe_conn" | "queue" | "srv_conn" => Some((0, i64::MAX)),
            _ if matches!(self.fetch, HttpFetch::Count(..)) => Some((0, i64::MAX)),
            _ => None,
        }
    }
}

impl Other {
    /// One that shows its sample itself.
    pub(super) fn fetch(
        kind: SampleType,
        needs: Needs,
        take: impl Fn(&View<'_>, &mut dyn FnMut(Sample<'_>) -> bool) -> bool + Send + Sync + 'static,
    ) -> HttpFetch {
        HttpFetch::Other(Self {
            kind,
            needs,
            take: Arc::new(take),
            one: None,
        })
    }

    /// One that is something else outside conditions.
    pub(super) fn fetch_with_one(
        kind: SampleType,
        needs: Needs,
        take: impl Fn(&View<'_>, &mut dyn FnMut(Sample<'_>) -> bool) -> bool + Send + Sync + 'static,
        one: impl Fn(&View<'_>, &mut dyn FnMut(Sample<'_>) -> bool) -> bool + Send + Sync + 'static,
    ) -> HttpFetch {
        HttpFetch::Other(Self {
            kind,
            needs,
            take: Arc::new(take),
            one: Some(Arc::new(one)),
        })
    }

    /// A number that is there at all times, or not at all.
    pub(super) fn int(f: impl Fn(&View<'_>) -> Option<i64> + Send + Sync + 'static) -> HttpFetch {
        Self::fetch(SampleType::Int, Needs::Nothing, move |view, visit| {
            f(view).is_some_and(|value| visit(Sample::Int(value)))
        })
    }

    /// A verdict, likewise.
    pub(super) fn bool(f: impl Fn(&View<'_>) -> Option<bool> + Send + Sync + 'static) -> HttpFetch {
        Self::fetch(SampleType::Bool, Needs::Nothing, move |view, visit| {
            f(view).is_some_and(|value| visit(Sample::Bool(value)))
        })
    }
}

impl HttpFetch {
    pub(super) fn sample_type(&self) -> SampleType {
        match self {
            Self::Always(_) => SampleType::Bool,
            Self::Src | Self::Dst | Self::Values(_, _, Cast::Ip) => SampleType::Ip,
            Self::SrcPort | Self::DstPort | Self::Count(..) | Self::Values(_, _, Cast::Int) => {
                SampleType::Int
            }
            Self::Other(other) => other.kind,
            _ => SampleType::Str,
        }
    }

    pub(super) fn needs(&self) -> Needs {
        match self {
            Self::Always(_) | Self::Src | Self::SrcPort | Self::Dst | Self::DstPort => {
                Needs::Nothing
            }
            Self::Other(other) => other.needs,
            Self::Values(Side::Response, ..) | Self::Count(Side::Response, _) => Needs::Response,
            // Kept over the request by what is kept for it.
            Self::Method => Needs::Nothing,
            _ => Needs::Request,
        }
    }

    fn each(&self, view: &View<'_>, visit: &mut dyn FnMut(Sample<'_>) -> bool) -> bool {
        let address = match self {
            Self::Always(value) => return visit(Sample::Bool(*value)),
            Self::Src => view.source().map(|a| Sample::Ip(a.ip())),
            Self::SrcPort => view.source().map(|a| port(a.port())),
            Self::Dst => view.destination().map(|a| Sample::Ip(a.ip())),
            Self::DstPort => view.destination().map(|a| port(a.port())),
            Self::Method => {
                return view
                    .method()
                    .is_some_and(|method| visit(Sample::Str(method.as_str().as_bytes())));
            }
            Self::Values(side, values, cast) => {
                return values.each(*side, view, &mut |value| {
                    cast.apply(value).is_some_and(&mut *visit)
                });
            }
            Self::Count(side, values) => {
                let there = match side {
                    Side::Request => view.request.is_some(),
                    Side::Response => view.response.is_some(),
                };
                return there && visit(Sample::Int(values.count(*side, view)));
            }
            Self::Other(other) => return (other.take)(view, visit),
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
            Self::Version => visit(Sample::Str(version(view.version))),
            Self::Url => view.with_url(|url| visit(Sample::Str(url))),
            Self::Path => text(view.path(), visit),
            Self::PathQuery => text(view.path_and_query(), visit),
            Self::Query => text(view.query(), visit),
            Self::Base => based(view, view.path(), visit),
            Self::BaseQuery => based(view, view.path_and_query(), visit),
            _ => false,
        }
    }

    fn one(&self, view: &View<'_>, visit: &mut dyn FnMut(Sample<'_>) -> bool) {
        let (side, values, cast) = match self {
            Self::Values(side, values, cast) => (side, values, cast),
            Self::Other(Other { one: Some(one), .. }) => {
                one(view, visit);
                return;
            }
            _ => {
                self.each(view, visit);
                return;
            }
        };
        let last = match values {
            Values::Header { occurrence, .. } => *occurrence == 0,
            Values::Cookie(name) => name.is_some(),
            Values::Param { .. } => false,
        };
        let wanted = if last { values.count(*side, view) } else { 1 };
        let mut at = 0;
        values.each(*side, view, &mut |value| {
            at += 1;
            if at == wanted {
                cast.apply(value).map(&mut *visit);
            }
            at == wanted
        });
    }
}

fn text(text: Option<&str>, visit: &mut dyn FnMut(Sample<'_>) -> bool) -> bool {
    text.is_some_and(|text| visit(Sample::Str(text.as_bytes())))
}

fn port(port: u16) -> Sample<'static> {
    Sample::Int(i64::from(port))
}

fn based(
    view: &RequestView<'_>,
    rest: Option<&str>,
    visit: &mut dyn FnMut(Sample<'_>) -> bool,
) -> bool {
    let rest = rest.unwrap_or_default().as_bytes();
    with_host(view, rest, |base| visit(Sample::Str(base)))
}

/// The first value of `Host`, then `rest`; either may be missing.
pub(super) fn with_host<R>(view: &RequestView<'_>, rest: &[u8], f: impl FnOnce(&[u8]) -> R) -> R {
    let mut f = Some(f);
    let mut result = None;
    header::each(
        &Head::of_request(view),
        Some(&http::header::HOST),
        true,
        &mut |host| {
            result = f.take().map(|f| f(&join(&[host, rest])));
            true
        },
    );
    match (result, f) {
        (Some(result), _) => result,
        (None, Some(f)) => f(rest),
        (None, None) => unreachable!("what took it gave a result"),
    }
}

pub(super) fn version(version: Version) -> &'static [u8] {
    match version {
        Version::HTTP_09 => b"0.9",
        Version::HTTP_10 => b"1.0",
        Version::HTTP_2 => b"2.0",
        Version::HTTP_3 => b"3.0",
        _ => b"1.1",
    }
}
