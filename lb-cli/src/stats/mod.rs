//! HAProxy's statistics: what is known of every frontend, backend and server.
//!
//! [`collect`] makes [`Row`]s of a running system; [`csv`] and the page of a
//! frontend (`stats = { uri = … }`) are two ways to show them. Whoever serves
//! requests only counts (`run/tally.rs`); all else is done for who looks.

mod admin;
mod collect;
mod column;
mod csv;
pub(crate) mod form;
mod html;
mod legend;
mod origin;
mod row;
mod typed;
mod view;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode,
    header::{
        AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION,
        REFERRER_POLICY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
    },
};
use lb_http::{fetch, page::Pages, server::Incoming};

pub(crate) use self::collect::{numbered_backends, numbered_names};
pub use self::{
    collect::collect,
    column::Column,
    csv::csv,
    legend::legends,
    row::{Field, Kind, Row, Source},
    typed::{json, typed},
};
pub(crate) use view::is_for;

use crate::{plan, run::System};
use admin::Outcome;
use view::{Format, View};

/// The page of one frontend, or of one backend.
#[derive(Debug)]
pub(crate) struct Page {
    /// What its forms bear, and nobody else's can.
    token: String,
}

/// Whose page it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner<'a> {
    pub(crate) stats: &'a plan::Stats,
    pub(crate) pages: &'a Pages,
    /// `.` in its scope.
    pub(crate) name: &'a str,
}

const HTML: &str = "text/html; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";

impl Page {
    pub(crate) fn new() -> Self {
        Self {
            token: format!("{:032x}", rand::random::<u128>()),
        }
    }

    /// The answer to a request that is for the page.
    pub(crate) async fn answer(
        &self,
        system: &System,
        owner: Owner<'_>,
        request: Request<Incoming>,
    ) -> Response<Bytes> {
        let Owner { stats, pages, name } = owner;
        if !stats.admits(request.headers().get(AUTHORIZATION)) {
            let mut refusal = pages.response(StatusCode::UNAUTHORIZED);
            let headers = refusal.headers_mut();
            headers.insert(WWW_AUTHENTICATE, stats.challenge.clone());
            return refusal;
        }
        let (uri, view) = (&stats.model().uri, View::of(&stats.model().uri, &request));
        let may_change = stats.may_change(&fetch::View::of(&request));
        if request.method() == Method::POST {
            let outcome = match may_change {
                true => admin::change(system, &self.token, request).await,
                false => Outcome::Denied,
            };
            return see_other(&format!("{uri};st={}{}", outcome.code(), view.suffix()));
        }
        let rows = shown(collect(system), &view, stats.model(), name);
        let (kind, body) = match view.format {
            Format::Csv => (PLAIN, csv(&rows)),
            Format::Json => (JSON, json(&rows)),
            Format::Typed => (PLAIN, typed(&rows)),
            Format::Html => {
                let page = html::Page {
                    system,
                    stats: stats.model(),
                    view: &view,
                    token: may_change.then_some(&self.token),
                };
                (HTML, page.write(&rows))
            }
        };
        let mut response = Response::new(Bytes::from(body));
        describe(response.headers_mut(), kind);
        response
    }
}

/// The rows that the configuration and the request want.
fn shown(rows: Vec<Row>, view: &View, stats: &crate::config::model::Stats, own: &str) -> Vec<Row> {
    let in_scope = |name: &str| {
        let named = |one: &str| one == name || (one == "." && name == own);
        stats.scope.is_empty() || stats.scope.iter().any(|one| named(one))
    };
    let keeps = |row: &Row| {
        let status = row.word(Column::Status);
        let server = row.kind == Kind::Server;
        in_scope(&row.proxy)
            && row.proxy.contains(&view.scope)
            && !(server && view.up && (status.starts_with("DOWN") || status.starts_with("MAINT")))
            && !(server && view.no_maint && status.starts_with("MAINT"))
    };
    rows.into_iter().filter(keeps).collect()
}

fn describe(headers: &mut HeaderMap, kind: &'static str) {
    let fixed: [(HeaderName, &'static str); 5] = [
        (CACHE_CONTROL, "no-cache"),
        (CONTENT_TYPE, kind),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "same-origin"),
    ];
    headers.insert(CONTENT_SECURITY_POLICY, html::POLICY.clone());
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// Back to the page, so that a reload repeats nothing.
fn see_other(to: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::SEE_OTHER;
    describe(response.headers_mut(), PLAIN);
    let location = HeaderValue::from_str(to);
    let location = location.expect("a path of printable characters and what `encode` wrote");
    response.headers_mut().insert(LOCATION, location);
    response
}
