//! What is shown, and in which order; it knows no terminal.

use std::{cmp::Ordering, fmt::Write as _};

use serde_json::Value;

use super::feed::Picture;

/// Columns: what they are called here and in `show stat`, and how wide they are.
pub(super) const COLUMNS: [(&str, &str, u16); 14] = [
    ("PROXY", "pxname", 16),
    ("NAME", "svname", 16),
    ("STATUS", "status", 12),
    ("WEIGHT", "weight", 6),
    ("QUEUE", "qcur", 6),
    ("CUR", "scur", 6),
    ("MAX", "smax", 6),
    ("LIMIT", "slim", 6),
    ("RATE", "rate", 6),
    ("TOTAL", "stot", 9),
    ("5XX", "hrsp_5xx", 6),
    ("CONNERR", "econ", 7),
    ("RESPERR", "eresp", 7),
    ("MS", "rtime", 6),
];

/// How it is looked at.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    /// The column it is sorted by; `None` is the order of the file.
    pub(super) sort: Option<usize>,
    pub(super) reverse: bool,
    /// Only proxies and servers with this in their names.
    pub(super) filter: String,
    /// The line that is chosen.
    pub(super) chosen: usize,
}

/// One line, as text.
pub(super) type Line = [String; COLUMNS.len()];

impl View {
    /// The lines, in their order.
    pub(super) fn lines(&self, picture: &Picture) -> Vec<Line> {
        let named = |row: &&Value| {
            let has = |key: &str| {
                row[key]
                    .as_str()
                    .is_some_and(|name| name.contains(&self.filter))
            };
            has("pxname") || has("svname")
        };
        let mut rows: Vec<_> = picture.rows.iter().filter(named).collect();
        if let Some(sort) = self.sort {
            let key = COLUMNS[sort].1;
            rows.sort_by(|a, b| {
                let order = compare(&a[key], &b[key]);
                if self.reverse { order.reverse() } else { order }
            });
        } else if self.reverse {
            rows.reverse();
        }
        let line = |row: &Value| COLUMNS.map(|(_, key, _)| shown(&row[key]));
        rows.into_iter().map(line).collect()
    }

    /// Sorts by the next column, and after the last one not at all. Numbers begin with the largest.
    pub(super) fn sort_on(&mut self) {
        self.sort = match self.sort {
            None => Some(0),
            Some(sort) if sort + 1 < COLUMNS.len() => Some(sort + 1),
            Some(_) => None,
        };
        self.reverse = self.sort.is_some_and(|sort| sort > 2);
    }

    /// Chooses another line.
    pub(super) fn step(&mut self, by: isize, lines: usize) {
        self.chosen = self
            .chosen
            .saturating_add_signed(by)
            .min(lines.saturating_sub(1));
    }

    /// The server that is chosen, as `backend/server`.
    pub(super) fn target(&self, lines: &[Line]) -> Option<String> {
        let [proxy, name, ..] = lines.get(self.chosen)?;
        let is_server = name != "FRONTEND" && name != "BACKEND";
        is_server.then(|| format!("{proxy}/{name}"))
    }

    /// All of it, without a terminal.
    pub(super) fn text(&self, picture: &Picture) -> String {
        let mut text = head(&picture.info) + "\n\n";
        let header = COLUMNS.map(|(name, ..)| name.to_owned());
        for line in [header].iter().chain(&self.lines(picture)) {
            let mut written = String::new();
            for (field, (_, key, width)) in line.iter().zip(COLUMNS) {
                let width = usize::from(width);
                // Writing to a String cannot fail.
                let _ = match is_text(key) {
                    true => write!(written, "{field:<width$} "),
                    false => write!(written, "{field:>width$} "),
                };
            }
            text.push_str(written.trim_end());
            text.push('\n');
        }
        text
    }
}

/// The process in a line.
pub(super) fn head(info: &Value) -> String {
    let value = |key: &str| shown(&info[key]);
    let node = match value("node") {
        node if node.is_empty() => node,
        node => format!("  node {node}"),
    };
    let stopping = if info["Stopping"] == 1 {
        "  stopping"
    } else {
        ""
    };
    format!(
        "lb {}  pid {}  up {}  connections {}/{}  {}/s  requests {}{node}{stopping}",
        value("Version"),
        value("Pid"),
        value("Uptime"),
        value("CurrConns"),
        value("Maxconn"),
        value("ConnRate"),
        value("CumReq"),
    )
}

/// Text is set to the left, numbers to the right.
pub(super) fn is_text(key: &str) -> bool {
    matches!(key, "pxname" | "svname" | "status")
}

/// Without what a terminal would take for a command.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    text.chars().filter(|c| !c.is_control()).collect()
}

/// Numbers by size, and what has none before them.
fn compare(a: &Value, b: &Value) -> Ordering {
    match (a.as_u64(), b.as_u64()) {
        (None, None) => shown(a).cmp(&shown(b)),
        (a, b) => a.cmp(&b),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn picture() -> Picture {
        let row = |proxy: &str, name: &str, total: u64| json!({ "pxname": proxy, "svname": name, "stot": total, "status": "UP" });
        Picture {
            info: json!({ "Version": "1", "Pid": 7, "Uptime": "0d", "CurrConns": 2, "Maxconn": 9, "ConnRate": 3, "CumReq": 4, "node": "" }),
            rows: vec![
                row("web", "FRONTEND", 9),
                row("app", "a", 10),
                row("app", "b", 100),
                row("app", "BACKEND", 110),
            ],
        }
    }

    fn names(view: &View) -> Vec<String> {
        view.lines(&picture())
            .into_iter()
            .map(|line| line[1].clone())
            .collect()
    }

    #[test]
    fn lines_are_sorted_by_number_and_filtered_by_name() {
        let mut view = View::default();
        assert_eq!(names(&view), ["FRONTEND", "a", "b", "BACKEND"]);
        while view.sort.is_none_or(|sort| COLUMNS[sort].0 != "TOTAL") {
            view.sort_on();
        }
        assert_eq!(names(&view), ["BACKEND", "b", "a", "FRONTEND"]);
        view.reverse = false;
        assert_eq!(names(&view), ["FRONTEND", "a", "b", "BACKEND"]);
        view.filter = "app".to_owned();
        assert_eq!(names(&view), ["a", "b", "BACKEND"]);
        view.filter = "nobody".to_owned();
        assert!(names(&view).is_empty());
    }

    #[test]
    fn only_a_server_can_be_changed() {
        let mut view = View::default();
        let lines = view.lines(&picture());
        assert_eq!(view.target(&lines), None);
        view.step(2, lines.len());
        assert_eq!(view.target(&lines).as_deref(), Some("app/b"));
        view.step(9, lines.len());
        assert_eq!((view.chosen, view.target(&lines)), (3, None));
        view.step(-9, lines.len());
        assert_eq!(view.chosen, 0);
        view.step(1, 0);
        assert_eq!((view.chosen, view.target(&[])), (0, None));
    }

    #[test]
    fn a_picture_is_text() {
        let text = View::default().text(&picture());
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines[0],
            "lb 1  pid 7  up 0d  connections 2/9  3/s  requests 4"
        );
        assert!(
            lines[2].starts_with("PROXY            NAME             STATUS"),
            "{text}"
        );
        assert!(
            lines[4].starts_with("app              a                UP"),
            "{text}"
        );
        assert_eq!(lines.len(), 3 + 4);
        assert_eq!(shown(&json!("a\u{1b}[2Jb")), "a[2Jb");
    }
}
