//! What stands above the tables: the process, the sums, and other views of the same.

use std::fmt::{self, Write as _};

use super::{
    Page,
    spark::{self, Figure},
    text::{Grouped, Micros, Text, Time},
};
use crate::stats::{Column::*, Kind, Row, view::View};

impl Page<'_> {
    /// The process as a whole.
    pub(super) fn facts(&self, out: &mut String) -> fmt::Result {
        let uptime = self.system.started().elapsed().as_secs();
        out.push_str("<p id=\"facts\">");
        if !self.stats.hide_version {
            write!(out, "<span>lb <b>{}</b></span>", env!("CARGO_PKG_VERSION"))?;
        }
        write!(
            out,
            "<span>pid {}</span><span>{} workers</span><span>up for {}</span>",
            std::process::id(),
            self.system.workers(),
            Time(uptime)
        )?;
        if self.system.is_stopping() {
            out.push_str("<span><b>stopping</b></span>");
        }
        out.push_str("</p>");
        Ok(())
    }

    /// Sums over all that is shown.
    pub(super) fn tiles(&self, out: &mut String, rows: &[Row]) -> fmt::Result {
        let frontends: Vec<_> = rows
            .iter()
            .filter(|row| row.kind == Kind::Frontend)
            .collect();
        let sum = |column| -> u64 { frontends.iter().filter_map(|row| row.count(column)).sum() };
        let traces: Vec<_> = frontends
            .iter()
            .map(|row| spark::spans(self.system, row))
            .collect();
        let trace = spark::sum(&traces);
        out.push_str("<ul id=\"tiles\">");
        write!(
            out,
            "<li><span>Requests</span><b>{}<i>/s</i></b><small>{} in all</small>",
            Grouped(sum(ReqRate)),
            Grouped(sum(ReqTot))
        )?;
        spark::draw(out, &trace, Figure::Rate)?;
        out.push_str("</li><li><span>Response time</span>");
        match spark::last(&trace, Figure::Time) {
            Some(micros) => write!(out, "<b>{}</b><small>on average</small>", Micros(micros))?,
            None => out.push_str("<b>–</b>"),
        }
        spark::draw(out, &trace, Figure::Time)?;
        let (now, max, total) = self.system.connections();
        write!(
            out,
            "</li><li><span>Connections</span><b>{}</b><small>of {}</small><p>at most {}, {} in all</p></li>",
            Grouped(now.into()),
            Grouped(self.system.maxconn().into()),
            Grouped(max.into()),
            Grouped(total)
        )?;
        let servers = rows.iter().filter(|row| row.kind == Kind::Server);
        let of = |word: &str| {
            let is = |row: &&Row| row.word(Status).starts_with(word);
            servers.clone().filter(is).count()
        };
        let (all, down) = (servers.clone().count(), of("DOWN"));
        let up = of("UP") + of("no check");
        let class = if down > 0 { " class=\"bad\"" } else { "" };
        write!(
            out,
            "<li><span>Servers</span><b>{up}</b><small>of {all} up</small>\
             <p><em{class}>{down} down</em> {} in maintenance, {} draining</p></li>",
            of("MAINT"),
            of("DRAIN") + of("NOLB")
        )?;
        let responses = [Hrsp1xx, Hrsp2xx, Hrsp3xx, Hrsp4xx, Hrsp5xx, HrspOther];
        let responses: u64 = responses.into_iter().map(sum).sum();
        let errors = sum(Hrsp5xx);
        writeln!(
            out,
            "<li><span>Errors (5xx)</span><b>{}</b><small>{} % of all</small><p>{} were 4xx, {} denied</p></li></ul>",
            Grouped(errors),
            Percent(errors, responses),
            Grouped(sum(Hrsp4xx)),
            Grouped(sum(Dreq))
        )
    }

    /// Other views of the same.
    pub(super) fn options(&self, out: &mut String) -> fmt::Result {
        let (uri, view) = (Text(&self.stats.uri), self.view);
        out.push_str("<div class=\"bar\"><nav>");
        write!(
            out,
            "<a data-view href=\"{}\">Refresh now</a>",
            self.link(|_| {})
        )?;
        if let Some(period) = self.stats.refresh {
            let (text, href) = match view.still {
                true => (
                    format!("Refresh every {}", Time(period.as_secs())),
                    self.link(|view| view.still = false),
                ),
                false => (
                    "Stop refreshing".to_owned(),
                    self.link(|view| view.still = true),
                ),
            };
            write!(out, "<a data-view href=\"{href}\">{text}</a>")?;
        }
        let (text, href) = match view.up {
            true => ("Show DOWN servers", self.link(|view| view.up = false)),
            false => ("Hide DOWN servers", self.link(|view| view.up = true)),
        };
        write!(out, "<a data-view href=\"{href}\">{text}</a>")?;
        write!(
            out,
            "<a href=\"{uri};csv;norefresh\">CSV</a><a href=\"{uri};json;norefresh\">JSON</a>"
        )?;
        // A form replaces whatever stands behind a question mark.
        if !self.stats.uri.contains('?') {
            let class = if view.scope.is_empty() {
                "scope"
            } else {
                "scope set"
            };
            write!(
                out,
                "<form class=\"{class}\" method=\"get\" action=\"{uri}\"><label for=\"scope\">Scope</label>\
                 <input id=\"scope\" name=\"scope\" size=\"10\" maxlength=\"20\" value=\"{}\"></form>",
                Text(&view.scope)
            )?;
        }
        out.push_str(
            "</nav><label class=\"find\">Filter <input id=\"filter\" type=\"search\" size=\"14\" \
             placeholder=\"name or state\" autocomplete=\"off\"></label>\
             <span id=\"live\"></span></div>\n",
        );
        Ok(())
    }

    /// To this view, but for one thing.
    pub(super) fn link(&self, edit: impl FnOnce(&mut View)) -> String {
        let mut view = self.view.clone();
        edit(&mut view);
        format!("{}{}", Text(&self.stats.uri), Text(&view.suffix()))
    }
}

/// A part of a whole, with one digit behind the point.
struct Percent(u64, u64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = self.0.saturating_mul(1000).checked_div(self.1).unwrap_or(0);
        write!(f, "{}.{}", tenths / 10, tenths % 10)
    }
}
