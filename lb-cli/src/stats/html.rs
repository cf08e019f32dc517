//! The page: HAProxy's columns, in a table for each section. It needs nothing
//! from elsewhere and runs no script; light or dark is the reader's choice.

use std::fmt::{self, Display, Write as _};

use super::{
    Column::{self, *},
    Kind, Row, admin,
    row::Field,
    view::View,
};
use crate::{config::model, run::System};

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

/// Text in a page: nothing in it is markup.
struct Text<'a>(&'a str);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

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

fn cell(out: &mut String, row: &Row, column: Column) -> fmt::Result {
    let server = row.kind == Kind::Server;
    match (column, row.field(column)) {
        (Status, Some(Field::Text(status))) => {
            write!(out, "{}{}", Text(status), Since(row))
        }
        (CheckStatus, Some(Field::Text(status))) => {
            let code = row.count(CheckCode).map(|code| format!("/{code}"));
            let time = row.count(CheckDuration).map(|ms| format!(" in {ms} ms"));
            write!(
                out,
                "{}{}{}",
                Text(status),
                code.unwrap_or_default(),
                time.unwrap_or_default()
            )
        }
        // One of them is always 1.
        (Act | Bck, Some(Field::Number(flag))) if server => {
            out.write_str(if *flag == 1 { "Y" } else { "-" })
        }
        (Lastsess, Some(Field::Text(_))) => out.write_str("?"),
        (Lastsess | Downtime, Some(Field::Number(seconds))) => write!(out, "{}", Time(*seconds)),
        (Throttle, Some(Field::Number(percent))) => write!(out, "{percent}%"),
        (RateLim, Some(Field::Number(0))) => out.write_str("-"),
        (_, Some(Field::Number(number))) => write!(out, "{}", Grouped(*number)),
        (_, Some(Field::Text(text))) => write!(out, "{}", Text(text)),
        (Slim | Qlimit | Throttle, None) if server => out.write_str("-"),
        (_, None) => Ok(()),
    }
}

/// How long the state has been so.
struct Since<'a>(&'a Row);

impl Display for Since<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.count(Lastchg) {
            Some(seconds) => write!(f, " for {}", Time(seconds)),
            None => Ok(()),
        }
    }
}

/// What HAProxy's page says when the pointer rests on a cell.
struct Detail<'a>(&'a Row, Column);

impl Display for Detail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(row, column) = self;
        let count = |column| row.count(column).unwrap_or_default();
        match column {
            Stot => {
                write!(f, "{} requests", Grouped(count(ReqTot)))?;
                for (class, column) in [
                    ("1xx", Hrsp1xx),
                    ("2xx", Hrsp2xx),
                    ("3xx", Hrsp3xx),
                    ("4xx", Hrsp4xx),
                    ("5xx", Hrsp5xx),
                    ("other", HrspOther),
                ] {
                    write!(f, ", {class}: {}", Grouped(count(column)))?;
                }
                if row.kind == Kind::Frontend {
                    let intercepted = Grouped(count(Intercepted));
                    return write!(f, ", statistics: {intercepted}");
                }
                write!(f, "; average and longest, in ms:")?;
                for (phase, average, longest) in [
                    ("queue", Qtime, QtimeMax),
                    ("connect", Ctime, CtimeMax),
                    ("response", Rtime, RtimeMax),
                    ("total", Ttime, TtimeMax),
                ] {
                    write!(f, " {phase} {}/{}", count(average), count(longest))?;
                }
                Ok(())
            }
            Rate | RateMax if row.kind == Kind::Frontend => {
                let requests = if *column == Rate { ReqRate } else { ReqRateMax };
                write!(f, "requests: {}/s", Grouped(count(requests)))
            }
            Eresp if row.kind != Kind::Frontend => write!(
                f,
                "aborted by clients: {}, by servers: {}",
                Grouped(count(CliAbrt)),
                Grouped(count(SrvAbrt))
            ),
            CheckStatus => {
                f.write_str(row.word(CheckDesc))?;
                match row.word(LastChk) {
                    "" => Ok(()),
                    said => write!(f, ": {said}"),
                }
            }
            Status if !row.word(Tracked).is_empty() => write!(f, "tracks {}", row.word(Tracked)),
            _ => Ok(()),
        }
    }
}

/// Digits in threes, with a narrow blank between.
struct Grouped(u64);

impl Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                f.write_char('\u{202f}')?;
            }
            f.write_char(digit)?;
        }
        Ok(())
    }
}

/// Seconds in the two largest units: `2d3h`, `4m5s`.
struct Time(u64);

impl Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (s, m, h, d) = (
            self.0 % 60,
            self.0 / 60 % 60,
            self.0 / 3600 % 24,
            self.0 / 86_400,
        );
        match (d, h, m) {
            (1.., _, _) => write!(f, "{d}d{h}h"),
            (0, 1.., _) => write!(f, "{h}h{m}m"),
            (0, 0, 1..) => write!(f, "{m}m{s}s"),
            (0, 0, 0) => write!(f, "{s}s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markup() {
        let text = Text("<script>\"a\" & 'b'</script>").to_string();
        assert_eq!(
            text,
            "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/script&gt;"
        );
    }

    #[test]
    fn numbers_and_times_are_short() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1 000"),
            (1_234_567, "1 234 567"),
        ] {
            assert_eq!(Grouped(number).to_string().replace('\u{202f}', " "), text);
        }
        for (seconds, text) in [(0, "0s"), (61, "1m1s"), (7260, "2h1m"), (180_000, "2d2h")] {
            assert_eq!(Time(seconds).to_string(), text);
        }
    }

    #[test]
    fn every_state_has_its_colour() {
        let class = |status: &str, backup: u64| {
            let row = Row::new(Kind::Server, "app", "s1");
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
