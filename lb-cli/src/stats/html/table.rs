//! The table of one section.

use std::{
    cmp::Ordering,
    fmt::{self, Write as _},
};

use super::{
    Page,
    cell::{Detail, Since, cell},
    spark::{self, Figure},
    state::{class_of_proxy, class_of_server},
    text::{Grouped, Micros, Text},
    widths::{Widths, name},
};
use crate::stats::{
    Column::{self, *},
    Kind, Row, Source, admin,
    row::Field,
    view::Sort,
};

/// Groups of columns, with what each is called: HAProxy's, but that the state comes first.
const GROUPS: [(&str, &[(Column, &str)]); 9] = [
    ("State", &[(Status, "Status")]),
    ("Last 5 minutes", &[(ReqRate, "Requests"), (Ttime, "Time")]),
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
    (
        "Bytes, denied",
        &[(Bin, "In"), (Bout, "Out"), (Dreq, "Req"), (Dresp, "Resp")],
    ),
    ("Errors", &[(Ereq, "Req"), (Econ, "Conn"), (Eresp, "Resp")]),
    ("Warnings", &[(Wretr, "Retr"), (Wredis, "Redis")]),
    (
        "Server",
        &[
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

/// All columns, from the left.
pub(super) fn columns() -> impl Iterator<Item = Column> {
    let of_groups = GROUPS.iter().flat_map(|(_, columns)| columns.iter());
    std::iter::once(Svname).chain(of_groups.map(|(column, _)| *column))
}

impl Page<'_> {
    pub(super) fn section(&self, out: &mut String, rows: &[Row], widths: &Widths) -> fmt::Result {
        let Some(first) = rows.first() else {
            return Ok(());
        };
        let title = Text(&first.proxy);
        let id = first.count(Iid).unwrap_or_default();
        let servers = rows.iter().any(|row| row.kind == Kind::Server);
        let token = self.token.filter(|_| servers);
        writeln!(
            out,
            "<section id=\"{title}\" data-name=\"{title}\"><h2><a href=\"#{title}\">{title}</a></h2>"
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
        writeln!(
            out,
            "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"{title}\"><table>"
        )?;
        widths.write(out)?;
        self.head(out, token.is_some())?;
        out.push_str("<tbody>\n");
        for row in sorted(rows, self.view.sort) {
            self.row(out, row, token.is_some())?;
        }
        out.push_str("</tbody></table></div>\n");
        if let Some(token) = token {
            let can_kill = rows.iter().any(|row| match row.source {
                Source::Server { backend, .. } => {
                    let backend = self.system.backends().get(backend);
                    backend.is_some_and(|it| admin::can_be_cut(it, &row.name))
                }
                _ => false,
            });
            actions(out, id, token, can_kill)?;
        }
        out.push_str("</section>\n");
        Ok(())
    }

    fn head(&self, out: &mut String, selects: bool) -> fmt::Result {
        out.push_str("<thead><tr><th class=\"n\" rowspan=\"2\"><div>");
        if selects {
            out.push_str("<input type=\"checkbox\" class=\"all\" aria-label=\"all servers\">");
        }
        self.title(out, Svname, "Name")?;
        out.push_str("</div></th>");
        for (group, columns) in GROUPS {
            let class = if columns[0].0 == Status { "g st" } else { "g" };
            write!(
                out,
                "<th class=\"{class}\" colspan=\"{}\">{group}</th>",
                columns.len()
            )?;
        }
        out.push_str("</tr>\n<tr>");
        for (_, columns) in GROUPS {
            for (at, (column, title)) in columns.iter().enumerate() {
                let class = class_of(at, *column);
                let sorted = self.view.sort.filter(|sort| sort.column == *column);
                let sorted = match sorted {
                    Some(sort) if sort.down => " aria-sort=\"descending\"",
                    Some(_) => " aria-sort=\"ascending\"",
                    None => "",
                };
                write!(out, "<th{class}{sorted}>")?;
                self.title(out, *column, title)?;
                out.push_str("</th>");
            }
        }
        out.push_str("</tr></thead>\n");
        Ok(())
    }

    /// The title of a column, which sorts by it; the second time the other way round.
    fn title(&self, out: &mut String, column: Column, title: &str) -> fmt::Result {
        // Numbers from the largest, words from A.
        let usual = !matches!(column, Svname | Status | CheckStatus);
        let (down, mark) = match self.view.sort {
            Some(sort) if sort.column == column => {
                (!sort.down, if sort.down { " ↓" } else { " ↑" })
            }
            _ => (usual, ""),
        };
        let href = self.link(|view| view.sort = Some(Sort { column, down }));
        write!(out, "<a data-view href=\"{href}\">{title}{mark}</a>")
    }

    fn row(&self, out: &mut String, row: &Row, selects: bool) -> fmt::Result {
        let (class, state) = match row.kind {
            Kind::Frontend => ("front ", class_of_proxy(row)),
            Kind::Backend => ("sum ", class_of_proxy(row)),
            Kind::Server => ("", class_of_server(row)),
        };
        let (svname, status) = (Text(&row.name), Text(row.word(Status)));
        write!(
            out,
            "<tr class=\"{class}{state}\" data-name=\"{svname}\" data-state=\"{status}\"><th class=\"n\" scope=\"row\">"
        )?;
        match row.kind {
            Kind::Server if selects => write!(
                out,
                "<label><input type=\"checkbox\" name=\"s\" value=\"{svname}\"><span title=\"{svname}\">{svname}</span></label>"
            )?,
            Kind::Server => write!(out, "<span title=\"{svname}\">{svname}</span>")?,
            Kind::Frontend | Kind::Backend => out.push_str(name(row)),
        }
        let pill = format!(
            "<span class=\"pill\">{status}</span><span class=\"since\">{}</span>",
            Since(row)
        );
        // Where the table is wider than the screen, the state is seen at once.
        write!(out, "<small>{pill}</small></th>")?;
        let spans = spark::spans(self.system, row);
        for (_, columns) in GROUPS {
            for (at, (column, _)) in columns.iter().enumerate() {
                let figure = match column {
                    ReqRate => Some(Figure::Rate),
                    Ttime => Some(Figure::Time),
                    _ => None,
                };
                if let Some(figure) = figure {
                    let class = if at == 0 { "s g" } else { "s" };
                    write!(out, "<td class=\"{class}\"><div>")?;
                    spark::draw(out, &spans, figure)?;
                    out.push_str("<b>");
                    match (spark::last(&spans, figure), figure) {
                        (Some(rate), Figure::Rate) => write!(out, "{}/s", Grouped(rate))?,
                        (Some(micros), Figure::Time) => write!(out, "{}", Micros(micros))?,
                        (None, _) => {}
                    }
                    out.push_str("</b></div></td>");
                    continue;
                }
                let class = match row.field(*column) {
                    Some(Field::Number(0)) if at == 0 => " class=\"g z\"",
                    Some(Field::Number(0)) => " class=\"z\"",
                    _ => class_of(at, *column),
                };
                let title = Detail(row, *column).to_string();
                match title.is_empty() {
                    true => write!(out, "<td{class}>")?,
                    false => write!(out, "<td{class} title=\"{}\">", Text(&title))?,
                }
                match column {
                    Status => out.push_str(&pill),
                    column => cell(out, row, *column)?,
                }
                if let (CheckStatus, Some(ms)) = (column, row.count(CheckDuration)) {
                    write!(out, "<i>{ms} ms</i>")?;
                }
                out.push_str("</td>");
            }
        }
        out.push_str("</tr>\n");
        Ok(())
    }
}

/// What can be done to the servers that are ticked.
fn actions(out: &mut String, id: u64, token: &str, can_kill: bool) -> fmt::Result {
    out.push_str("<div class=\"act\"><label>Selected servers <select name=\"action\"><option value=\"\">choose an action</option>");
    for (word, title) in admin::ACTIONS {
        if !title.is_empty() && (word != admin::KILL || can_kill) {
            write!(out, "<option value=\"{word}\">{title}</option>")?;
        }
    }
    writeln!(
        out,
        "</select></label><label class=\"weight\">to <input name=\"w\" size=\"5\" placeholder=\"10 or 50%\" \
         inputmode=\"text\" autocomplete=\"off\" aria-label=\"weight\"></label>\
         <input type=\"hidden\" name=\"b\" value=\"#{id}\">\
         <input type=\"hidden\" name=\"t\" value=\"{token}\"><button>Apply</button></div></form>"
    )
}

/// Servers by a column; the frontend stays above them and the backend below.
fn sorted(rows: &[Row], sort: Option<Sort>) -> Vec<&Row> {
    let mut rows: Vec<&Row> = rows.iter().collect();
    let Some(sort) = sort else { return rows };
    let place = |row: &Row| match row.kind {
        Kind::Frontend => 0,
        Kind::Server => 1,
        Kind::Backend => 2,
    };
    // A server's own rate is of requests already.
    let key = |row: &Row| match (sort.column, row.kind) {
        (ReqRate, Kind::Server | Kind::Backend) => Rate,
        (column, _) => column,
    };
    rows.sort_by(|one, other| {
        let order = match (one.field(key(one)), other.field(key(other))) {
            (Some(Field::Number(one)), Some(Field::Number(other))) => one.cmp(other),
            (Some(Field::Text(one)), Some(Field::Text(other))) => one.cmp(other),
            (Some(Field::Text(_)), Some(Field::Number(_))) | (None, Some(_)) => Ordering::Less,
            (Some(Field::Number(_)), Some(Field::Text(_))) | (Some(_), None) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        };
        let order = if sort.down { order.reverse() } else { order };
        place(one).cmp(&place(other)).then(order)
    });
    rows
}

/// The first column of a group has a line beside it; words start at the left.
fn class_of(at: usize, column: Column) -> &'static str {
    match (at == 0, column) {
        (_, Status) => " class=\"g t st\"",
        (true, CheckStatus) => " class=\"g t\"",
        (true, ReqRate) => " class=\"g s\"",
        (_, Ttime) => " class=\"s\"",
        (true, _) => " class=\"g\"",
        (false, _) => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_sorted_between_frontend_and_backend() {
        let server = |name: &str| Row::server("app", name);
        let rows = [
            Row::new(Source::Frontend(0), "app", "FRONTEND").number(Scur, 9_u64),
            server("b").number(Scur, 2_u64),
            server("c"),
            server("a").number(Scur, 10_u64),
            Row::new(Source::Backend(0), "app", "BACKEND").number(Scur, 1_u64),
        ];
        let names = |column, down| {
            let rows = sorted(&rows, Some(Sort { column, down }));
            let names: Vec<_> = rows.iter().map(|row| row.name.as_str()).collect();
            names[1..4].concat()
        };
        assert_eq!(names(Scur, true), "abc");
        assert_eq!(names(Scur, false), "cba");
        assert_eq!(names(Svname, false), "abc");
        assert_eq!(sorted(&rows, None)[0].name, "FRONTEND");
    }

    #[test]
    fn every_column_of_haproxys_page_is_there() {
        // HAProxy's 31, and the two of the last minutes.
        assert_eq!(columns().count(), 33);
    }
}
