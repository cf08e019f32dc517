//! What is shown, and in which order; it knows no terminal.

use std::{cmp::Ordering, fmt::Write as _};

use serde_json::Value;

use super::{
    column::{COLUMNS, Line, figure, is_text, line, shown, widths},
    feed::Picture,
    head::head,
};

/// How it is looked at.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    /// The column it is sorted by; `None` is the order of the file.
    pub(super) sort: Option<usize>,
    pub(super) reverse: bool,
    /// Only rows whose name or state has each of these words.
    pub(super) filter: String,
    /// Proxy and name of the row that is chosen: it stays chosen where others overtake it.
    chosen: Option<[String; 2]>,
}

impl View {
    /// The lines, in their order.
    pub(super) fn lines(&self, picture: &Picture) -> Vec<Line> {
        let filter = self.filter.to_lowercase();
        let named = |row: &&Value| {
            let of = |key: &str| shown(&row[key]);
            let text = format!("{}/{} {}", of("pxname"), of("svname"), of("status"));
            let text = text.to_lowercase();
            filter.split_whitespace().all(|word| text.contains(word))
        };
        let mut rows: Vec<_> = picture.rows.iter().filter(named).collect();
        if let Some(sort) = self.sort {
            let key = COLUMNS[sort].key;
            rows.sort_by(|a, b| {
                let order = compare(figure(a, key), figure(b, key));
                if self.reverse { order.reverse() } else { order }
            });
        } else if self.reverse {
            rows.reverse();
        }
        rows.into_iter().map(line).collect()
    }

    /// Sorts by the next of these columns, and after the last one not at all. Numbers begin with the largest.
    pub(super) fn sort_on(&mut self, columns: &[usize]) {
        let next = |sort| columns.iter().copied().find(|at| *at > sort);
        self.sort = match self.sort {
            None => columns.first().copied(),
            Some(sort) => next(sort),
        };
        self.reverse = self.sort.is_some_and(|sort| !is_text(COLUMNS[sort].key));
    }

    /// The place of the line that is chosen: the first one, if it is not there.
    pub(super) fn chosen(&self, lines: &[Line]) -> usize {
        let is = |chosen: &[String; 2]| lines.iter().position(|line| line[..2] == *chosen);
        self.chosen.as_ref().and_then(is).unwrap_or(0)
    }

    /// Chooses another line.
    pub(super) fn step(&mut self, by: isize, lines: &[Line]) {
        let to = self.chosen(lines).saturating_add_signed(by);
        let [proxy, name, ..] = match lines.get(to).or(lines.last()) {
            Some(line) => line,
            None => return,
        };
        self.chosen = Some([proxy.clone(), name.clone()]);
    }

    /// The server that is chosen, as `backend/server`.
    pub(super) fn target(&self, lines: &[Line]) -> Option<String> {
        let [proxy, name, ..] = lines.get(self.chosen(lines))?;
        let is_server = name != "FRONTEND" && name != "BACKEND";
        is_server.then(|| format!("{proxy}/{name}"))
    }

    /// All of it, without a terminal.
    pub(super) fn text(&self, picture: &Picture) -> String {
        let mut text = String::new();
        for said in head(picture) {
            let said: Vec<_> = said.into_iter().map(|(_, text)| text).collect();
            text.push_str(&said.join("  "));
            text.push('\n');
        }
        text.push('\n');
        let lines = self.lines(picture);
        let header = COLUMNS.each_ref().map(|column| column.title.to_owned());
        let widths = widths(&lines);
        for line in [header].iter().chain(&lines) {
            let mut written = String::new();
            for ((field, column), width) in line.iter().zip(&COLUMNS).zip(widths) {
                let width = usize::from(width);
                // Writing to a String cannot fail.
                let _ = match is_text(column.key) {
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
        let row = |proxy: &str, name: &str, total: u64| json!({ "pxname": proxy, "svname": name, "stot": total, "req_tot": total, "req_rate": 9, "status": "UP" });
        Picture {
            info: json!({ "Version": "1", "Pid": 7, "Uptime_sec": 0, "CurrConns": 2, "Maxconn": 9, "CumReq": 4, "node": "" }),
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

    fn sort_by(view: &mut View, title: &str) {
        let all: Vec<usize> = (0..COLUMNS.len()).collect();
        while view.sort.is_none_or(|sort| COLUMNS[sort].title != title) {
            view.sort_on(&all);
        }
    }

    #[test]
    fn lines_are_sorted_by_number_and_filtered_by_words() {
        let mut view = View::default();
        assert_eq!(names(&view), ["FRONTEND", "a", "b", "BACKEND"]);
        sort_by(&mut view, "TOTAL");
        assert_eq!(names(&view), ["BACKEND", "b", "a", "FRONTEND"]);
        view.reverse = false;
        assert_eq!(names(&view), ["FRONTEND", "a", "b", "BACKEND"]);
        view.filter = "app".to_owned();
        assert_eq!(names(&view), ["a", "b", "BACKEND"]);
        view.filter = "up APP/b".to_owned();
        assert_eq!(names(&view), ["b", "BACKEND"]);
        view.filter = "nobody".to_owned();
        assert!(names(&view).is_empty());
    }

    #[test]
    fn only_columns_that_are_seen_are_sorted_by() {
        let mut view = View::default();
        let mut seen = Vec::new();
        for _ in 0..3 {
            view.sort_on(&[0, 2, 7]);
            seen.push((view.sort, view.reverse));
        }
        assert_eq!(seen, [(Some(0), false), (Some(2), false), (Some(7), true)]);
        view.sort_on(&[0, 2, 7]);
        assert_eq!((view.sort, view.reverse), (None, false));
    }

    #[test]
    fn only_a_server_can_be_changed() {
        let mut view = View::default();
        let lines = view.lines(&picture());
        assert_eq!(view.target(&lines), None);
        view.step(2, &lines);
        assert_eq!(view.target(&lines).as_deref(), Some("app/b"));
        view.step(9, &lines);
        assert_eq!((view.chosen(&lines), view.target(&lines)), (3, None));
        view.step(-9, &lines);
        assert_eq!(view.chosen(&lines), 0);
        view.step(1, &[]);
        assert_eq!((view.chosen(&[]), view.target(&[])), (0, None));
    }

    #[test]
    fn what_is_chosen_stays_so_in_another_order() {
        let mut view = View::default();
        let lines = view.lines(&picture());
        view.step(1, &lines);
        sort_by(&mut view, "TOTAL");
        let lines = view.lines(&picture());
        assert_eq!(view.chosen(&lines), 2);
        assert_eq!(view.target(&lines).as_deref(), Some("app/a"));
        // The first of those that are left.
        view.filter = "/b up".to_owned();
        let lines = view.lines(&picture());
        assert_eq!(view.chosen(&lines), 0);
    }

    #[test]
    fn a_picture_is_text() {
        let text = View::default().text(&picture());
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "lb 1  pid 7  up 0s  9 requests/s, 4 in all");
        let of = |line: &str| -> Vec<String> { line.split_whitespace().map(Into::into).collect() };
        assert_eq!(of(lines[3])[..4], ["PROXY", "NAME", "STATUS", "FOR"]);
        assert_eq!(of(lines[5]), ["app", "a", "UP", "10"]);
        assert_eq!(lines[3].find("STATUS"), lines[5].find("UP"));
        assert_eq!(lines.len(), 4 + 4);
    }
}
