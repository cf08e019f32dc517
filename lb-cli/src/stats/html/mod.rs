//! The page: HAProxy's columns, in a table for each section. It needs nothing from elsewhere, and
//! light or dark is the reader's choice. Its script only keeps the reader's place: every link and
//! every form works without it.

use std::{
    fmt::{self, Write as _},
    sync::LazyLock,
};

use http::HeaderValue;
use sha2::{Digest as _, Sha256};

use super::{Column::*, Row, admin, view::View};
use crate::{config::model, plan::base64, run::System};

mod cell;
#[cfg(test)]
mod contrast;
mod overview;
mod spark;
mod state;
mod table;
mod text;
mod widths;

use state::LEGEND;
use text::Text;
use widths::Widths;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// This style and this script and no other, nothing from elsewhere, and nobody frames the page.
pub(super) static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = |text: &str| base64(&Sha256::digest(text.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; connect-src 'self'; \
         img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    HeaderValue::try_from(policy).expect("hashes are of letters and digits")
});

/// A page to be written.
pub(super) struct Page<'a> {
    pub(super) system: &'a System,
    pub(super) stats: &'a model::Stats,
    pub(super) view: &'a View,
    /// For whoever may change servers.
    pub(super) token: Option<&'a String>,
}

impl Page<'_> {
    pub(super) fn write(&self, rows: &[Row]) -> String {
        let mut out = String::with_capacity(24 * 1024 + 4096 * rows.len());
        // Writing to a String cannot fail.
        let _ = self.write_to(&mut out, rows);
        out
    }

    fn write_to(&self, out: &mut String, rows: &[Row]) -> fmt::Result {
        let node = Text(self.system.node().unwrap_or("lb"));
        let refresh = self.stats.refresh.filter(|_| !self.view.still);
        let seconds = refresh.map_or(0, |period| period.as_secs());
        write!(
            out,
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
             <meta name=\"robots\" content=\"noindex\"><link rel=\"icon\" href=\"data:,\">\
             <title>{node}: statistics</title><style>{STYLE}</style>"
        )?;
        if seconds > 0 {
            write!(
                out,
                "<noscript><meta http-equiv=\"refresh\" content=\"{seconds}\"></noscript>"
            )?;
        }
        write!(
            out,
            "</head>\n<body data-refresh=\"{seconds}\" data-self=\"{}\"><header><h1>{node}</h1>",
            self.link(|_| {})
        )?;
        self.facts(out)?;
        out.push_str("</header>\n");
        self.tiles(out, rows)?;
        self.options(out)?;
        if let Some((good, said)) = self.view.outcome.as_deref().and_then(admin::message) {
            let class = if good { "good" } else { "bad" };
            writeln!(
                out,
                "<p class=\"said {class}\" role=\"status\">{}</p>",
                Text(said)
            )?;
        }
        out.push_str("<ul class=\"legend\">");
        for (class, meaning) in LEGEND {
            write!(out, "<li class=\"{class}\">{meaning}</li>")?;
        }
        out.push_str("</ul>\n<main>\n");
        let widths = Widths::of(table::columns(), rows);
        for section in rows.chunk_by(|one, next| one.count(Iid) == next.count(Iid)) {
            self.section(out, section, &widths)?;
        }
        if rows.is_empty() {
            out.push_str("<p>Nothing is in this scope.</p>\n");
        }
        writeln!(out, "</main>\n<script>{SCRIPT}</script></body></html>")
    }
}
