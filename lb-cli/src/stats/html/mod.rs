//! The page: HAProxy's columns, in a table for each section. It needs nothing
//! from elsewhere and runs no script; light or dark is the reader's choice.

use std::fmt::{self, Write as _};

use super::{
    Column::{self, *},
    Kind, Row, admin,
    view::View,
};
use crate::{config::model, run::System};

mod cell;
mod text;

use cell::{Detail, Since, cell};
use text::{Grouped, Text, Time};

const STYLE: &str = include_str!("page.css");

/// Groups of columns, with what each is called.
const GROUPS: [(&str, &[(Column, &str)]); 8] = [
    ("Queue", &[(Qcur, "Cur"), (Qmax, "Max"), (Qlimit, "Limit")]),
    (
        "Session rate",
        &[(Rate, "Cur"), (RateMax, "Max"), (RateLim, "Limit")],
    ),
    (
        "Sessions",
        &[
            (Scur, "Cur"),
            (Smax, "Max"),
            (Slim, "Limit"),
            (Stot, "Total"),
            (Lbtot, "LbTot"),
            (Lastsess, "Last"),
        ],
    ),
    ("Bytes", &[(Bin, "In"), (Bout, "Out")]),
    ("Denied", &[(Dreq, "Req"), (Dresp, "Resp")]),
    ("Errors", &[(Ereq, "Req"), (Econ, "Conn"), (Eresp, "Resp")]),
    ("Warnings", &[(Wretr, "Retr"), (Wredis, "Redis")]),
    (
        "Server",
        &[
            (Status, "Status"),
            (CheckStatus, "LastChk"),
            (Weight, "Wght"),
            (Act, "Act"),
            (Bck, "Bck"),
            (Chkfail, "Chk"),
            (Chkdown, "Dwn"),
            (Downtime, "Dwntme"),
            (Throttle, "Thrtle"),
        ],
    ),
];

/// Classes of rows, with what they mean.
const LEGEND: [(&str, &str); 8] = [
    ("up", "UP"),
    ("backup", "backup UP"),
    ("going-down", "UP, going down"),
    ("going-up", "DOWN, going up"),
    ("down", "DOWN"),
    ("nocheck", "not checked"),
    ("drain", "DRAIN or NOLB"),
    ("maint", "MAINT"),
];

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
        let mut out = String::with_capacity(16 * 1024 + 2048 * rows.len());
        // Writing to a String cannot fail.
        let _ = self.write_to(&mut out, rows);
        out
    }

    fn write_to(&self, out: &mut String, rows: &[Row]) -> fmt::Result {
        let node = self.system.node().unwrap_or("lb");
        write!(
            out,
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
             <meta name=\"robots\" content=\"noindex\"><link rel=\"icon\" href=\"data:,\">\
             <title>{0}: statistics</title><style>{STYLE}</style></head>\n<body><h1>{0}: statistics</h1>\n",
            Text(node)
        )?;
        self.facts(out)?;
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
        for section in rows.chunk_by(|one, next| one.count(Iid) == next.count(Iid)) {
            self.section(out, section)?;
        }
        if rows.is_empty() {
            out.push_str("<p>Nothing is in this scope.</p>\n");
        }
        out.push_str("</main>\n</body></html>\n");
        Ok(())
    }

    /// The process as a whole.
    fn facts(&self, out: &mut String) -> fmt::Result {
        let (now, max, total) = self.system.connections();
        let uptime = self.system.started().elapsed().as_secs();
        out.push_str("<p class=\"facts\">");
        if !self.stats.hide_version {
            write!(out, "<span>lb <b>{}</b></span>", env!("CARGO_PKG_VERSION"))?;
        }
        write!(
            out,
            "<span>pid <b>{}</b></span><span>workers <b>{}</b></span><span>up for <b>{}</b></span>\
             <span>connections <b>{}</b>, at most <b>{}</b> of <b>{}</b>, in all <b>{}</b></span>",
            std::process::id(),
            self.system.workers(),
            Time(uptime),
            Grouped(now.into()),
            Grouped(max.into()),
            Grouped(self.system.maxconn().into()),
            Grouped(total)
        )?;
        if self.system.is_stopping() {
            out.push_str("<span><b>stopping</b></span>");
        }
        out.push_str("</p>\n");
        Ok(())
    }

    /// Other views of the same.
    fn options(&self, out: &mut String) -> fmt::Result {
        let (uri, view) = (Text(&self.stats.uri), self.view);
        let link = |edit: fn(&mut View)| {
            let mut view = view.clone();
            edit(&mut view);
            format!("{uri}{}", Text(&view.suffix()))
        };
        out.push_str("<nav>");
        write!(out, "<a href=\"{}\">Refresh now</a>", link(|_| {}))?;
        if let Some(period) = self.stats.refresh {
            let (text, href) = match view.still {
                true => (
                    format!("Refresh every {}", Time(period.as_secs())),
                    link(|view| view.still = false),
                ),
                false => ("Stop refreshing".to_owned(), link(|view| view.still = true)),
            };
            write!(out, "<a href=\"{href}\">{text}</a>")?;
        }
        let (text, href) = match view.up {
            true => ("Show DOWN servers", link(|view| view.up = false)),
            false => ("Hide DOWN servers", link(|view| view.up = true)),
        };
        write!(out, "<a href=\"{href}\">{text}</a>")?;
        write!(out, "<a href=\"{uri};csv;norefresh\">CSV</a>")?;
        // A form replaces whatever stands behind a question mark.
        if !self.stats.uri.contains('?') {
            write!(
                out,
                "<form method=\"get\" action=\"{uri}\"><label for=\"scope\">Scope</label>\
                 <input id=\"scope\" name=\"scope\" size=\"10\" maxlength=\"20\" value=\"{}\"></form>",
                Text(&view.scope)
            )?;
        }
        out.push_str("</nav>\n");
        Ok(())
    }

    fn section(&self, out: &mut String, rows: &[Row]) -> fmt::Result {
        let Some(first) = rows.first() else {
            return Ok(());
        };
        let name = Text(&first.proxy);
        let id = first.count(Iid).unwrap_or_default();
        let servers = rows.iter().any(|row| row.kind == Kind::Server);
        let token = self.token.filter(|_| servers);
        writeln!(
            out,
            "<section><h2 id=\"{name}\"><a href=\"#{name}\">{name}</a></h2>"
        )?;
        if token.is_some() {
            let suffix = self.view.suffix();
            write!(
                out,
                "<form method=\"post\" action=\"{}{}\">",
                Text(&self.stats.uri),
                Text(&suffix)
            )?;
        }
        out.push_str("<div class=\"wide\" tabindex=\"0\"><table>\n<thead><tr><th class=\"n\" rowspan=\"2\"></th>");
        for (group, columns) in GROUPS {
            write!(
                out,
                "<th class=\"g\" colspan=\"{}\">{group}</th>",
                columns.len()
            )?;
        }
        out.push_str("</tr>\n<tr>");
        for (_, columns) in GROUPS {
            for (at, (column, title)) in columns.iter().enumerate() {
                let class = class_of(at, *column);
                write!(out, "<th{class}>{title}</th>")?;
            }
        }
        out.push_str("</tr></thead>\n<tbody>\n");
        for row in rows {
            self.row(out, row, token.is_some())?;
        }
        out.push_str("</tbody></table></div>\n");
        if let Some(token) = token {
            write!(
                out,
                "<div class=\"act\"><label>Selected servers: <select name=\"action\"><option value=\"\">choose an action</option>"
            )?;
            for (word, title) in admin::ACTIONS {
                if !title.is_empty() {
                    write!(out, "<option value=\"{word}\">{title}</option>")?;
                }
            }
            writeln!(
                out,
                "</select></label><input type=\"hidden\" name=\"b\" value=\"#{id}\">\
                 <input type=\"hidden\" name=\"t\" value=\"{token}\"><button>Apply</button></div></form>"
            )?;
        }
        out.push_str("</section>\n");
        Ok(())
    }

    fn row(&self, out: &mut String, row: &Row, selects: bool) -> fmt::Result {
        let class = match row.kind {
            Kind::Frontend => "front",
            Kind::Backend => "sum",
            Kind::Server => class_of_server(row),
        };
        let (name, status) = (Text(&row.name), Text(row.word(Status)));
        write!(out, "<tr class=\"{class}\"><th class=\"n\" scope=\"row\">")?;
        match row.kind {
            Kind::Frontend => out.push_str("Frontend"),
            Kind::Backend => out.push_str("Backend"),
            Kind::Server if selects => write!(
                out,
                "<label><input type=\"checkbox\" name=\"s\" value=\"{name}\"><span title=\"{name}\">{name}</span></label>"
            )?,
            Kind::Server => write!(out, "<span title=\"{name}\">{name}</span>")?,
        }
        // Where the table is wider than the screen, the state is seen at once.
        write!(out, "<small>{status}{}</small></th>", Since(row))?;
        for (_, columns) in GROUPS {
            for (at, (column, _)) in columns.iter().enumerate() {
                let class = class_of(at, *column);
                let title = Detail(row, *column).to_string();
                match title.is_empty() {
                    true => write!(out, "<td{class}>")?,
                    false => write!(out, "<td{class} title=\"{}\">", Text(&title))?,
                }
                cell(out, row, *column)?;
                out.push_str("</td>");
            }
        }
        out.push_str("</tr>\n");
        Ok(())
    }
}

/// The first column of a group has a line beside it; words start at the left.
fn class_of(at: usize, column: Column) -> &'static str {
    match (at == 0, matches!(column, Status | CheckStatus)) {
        (true, true) => " class=\"g t\"",
        (true, false) => " class=\"g\"",
        (false, true) => " class=\"t\"",
        (false, false) => "",
    }
}

/// By the state, as on HAProxy's page.
fn class_of_server(row: &Row) -> &'static str {
    let status = row.word(Status);
    let (word, counts) = status.split_once(' ').unwrap_or((status, ""));
    let on_the_way = counts.contains('/');
    match word {
        "UP" if on_the_way => "going-down",
        "UP" if row.count(Bck) == Some(1) => "backup",
        "UP" => "up",
        "DOWN" if on_the_way => "going-up",
        "DOWN" => "down",
        "MAINT" => "maint",
        "DRAIN" | "NOLB" => "drain",
        _ => "nocheck",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_its_colour() {
        let class = |status: &str, backup: u64| {
            let row = Row::server("app", "s1");
            class_of_server(&row.text(Status, status).number(Bck, backup))
        };
        for (status, colour) in [
            ("UP", "up"),
            ("UP 2/3", "going-down"),
            ("DOWN", "down"),
            ("DOWN 1/2", "going-up"),
            ("DOWN (agent)", "down"),
            ("NOLB 1/3", "drain"),
            ("DRAIN", "drain"),
            ("MAINT", "maint"),
            ("MAINT (via app/s2)", "maint"),
            ("no check", "nocheck"),
        ] {
            assert_eq!(class(status, 0), colour, "{status}");
            assert!(LEGEND.iter().any(|(known, _)| *known == colour));
        }
        assert_eq!(class("UP", 1), "backup");
    }
}
