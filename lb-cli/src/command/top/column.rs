//! What is shown of each row: which columns there is room for, how wide they are, and what stands in them.

use std::fmt::Write as _;

use serde_json::Value;

/// A column.
pub(super) struct Column {
    pub(super) title: &'static str,
    /// What it is called in `show stat`.
    pub(super) key: &'static str,
    /// Characters it has at least, so that figures that grow do not move the next one.
    least: u8,
    /// The larger, the sooner it gives way to the others; 0 never does.
    rank: u8,
}

const fn column(title: &'static str, key: &'static str, least: u8, rank: u8) -> Column {
    Column {
        title,
        key,
        least,
        rank,
    }
}

pub(super) const COLUMNS: [Column; 16] = [
    column("PROXY", "pxname", 8, 0),
    column("NAME", "svname", 8, 0),
    column("STATUS", "status", 6, 0),
    column("FOR", "lastchg", 5, 4),
    column("CHECK", "check_status", 6, 5),
    column("WEIGHT", "weight", 0, 6),
    column("QUEUE", "qcur", 0, 1),
    column("CUR", "scur", 4, 0),
    column("MAX", "smax", 4, 8),
    column("LIMIT", "slim", 5, 9),
    column("REQ/S", "rate", 0, 0),
    column("TOTAL", "stot", 7, 2),
    column("5XX", "hrsp_5xx", 0, 1),
    column("CONNERR", "econ", 0, 3),
    column("RESPERR", "eresp", 0, 7),
    column("MS", "rtime", 4, 1),
];

/// A longer name is cut.
const WIDEST: usize = 24;

/// Blanks between columns; a text has one more behind it, and a title one for its mark.
pub(super) const GAP: u16 = 1;

/// One row, as text.
pub(super) type Line = [String; COLUMNS.len()];

/// A row in the words of [`COLUMNS`].
pub(super) fn line(row: &Value) -> Line {
    COLUMNS.each_ref().map(|column| match column.key {
        "lastchg" => row["lastchg"].as_u64().map(age).unwrap_or_default(),
        "check_status" => {
            let code = row["check_code"].as_u64();
            let code = code.map(|code| format!("/{code}")).unwrap_or_default();
            shown(&row["check_status"]) + &code
        }
        key => shown(figure(row, key)),
    })
}

/// A figure of a row. A frontend's are of requests too, where `show stat` counts its connections.
pub(super) fn figure<'r>(row: &'r Value, key: &str) -> &'r Value {
    match (key, row["svname"] == "FRONTEND") {
        ("rate", true) => &row["req_rate"],
        ("stot", true) => &row["req_tot"],
        _ => &row[key],
    }
}

/// How wide each column wants to be for these lines.
pub(super) fn widths(lines: &[Line]) -> [u16; COLUMNS.len()] {
    std::array::from_fn(|at| {
        let Column {
            title, key, least, ..
        } = COLUMNS[at];
        // The mark of the order stands behind the title.
        let least = usize::from(least).max(title.len() + 1);
        let blank = usize::from(is_text(key));
        let of_lines = lines.iter().map(|line| line[at].chars().count() + blank);
        let width = of_lines.fold(least, usize::max).min(WIDEST);
        u16::try_from(width).unwrap_or(u16::MAX)
    })
}

/// The columns for which there is room, by their places in [`COLUMNS`].
pub(super) fn fitting(widths: &[u16; COLUMNS.len()], room: u16) -> Vec<usize> {
    let mut columns: Vec<usize> = (0..COLUMNS.len()).collect();
    let wanted = |columns: &[usize]| -> u16 {
        let widths = columns.iter().map(|at| widths[*at] + GAP);
        widths.sum::<u16>().saturating_sub(GAP)
    };
    while wanted(&columns) > room {
        let last = columns.iter().max_by_key(|at| COLUMNS[**at].rank).copied();
        match last.filter(|at| COLUMNS[*at].rank > 0) {
            Some(last) => columns.retain(|at| *at != last),
            None => break,
        }
    }
    columns
}

/// Text is set to the left, numbers to the right.
pub(super) fn is_text(key: &str) -> bool {
    matches!(key, "pxname" | "svname" | "status" | "check_status")
}

/// Seconds in the two largest units: `2d3h`, `4m5s`.
pub(super) fn age(seconds: u64) -> String {
    let (m, h, d) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = match (d, h, m) {
        (1.., _, _) => write!(text, "{d}d{}h", h % 24),
        (0, 1.., _) => write!(text, "{h}h{}m", m % 60),
        (0, 0, 1..) => write!(text, "{m}m{}s", seconds % 60),
        (0, 0, 0) => write!(text, "{seconds}s"),
    };
    text
}

/// Without what a terminal would take for a command.
pub(super) fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    text.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn titles(room: u16) -> String {
        let columns = fitting(&widths(&[]), room);
        let titles: Vec<_> = columns.iter().map(|at| COLUMNS[*at].title).collect();
        titles.join(" ")
    }

    #[test]
    fn what_matters_least_gives_way_first() {
        let all = COLUMNS.each_ref().map(|column| column.title).join(" ");
        assert_eq!(titles(200), all);
        assert_eq!(titles(0), "PROXY NAME STATUS CUR REQ/S");
        assert!(titles(110).contains("CHECK") && !titles(110).contains("LIMIT"));
        let eighty = titles(80);
        for title in ["QUEUE", "TOTAL", "5XX", "MS"] {
            assert!(eighty.contains(title), "{eighty}");
        }
        let long = [COLUMNS.each_ref().map(|_| "x".repeat(99))];
        assert!(widths(&long).iter().all(|width| *width == 24));
    }

    #[test]
    fn a_row_is_said_in_words() {
        let row = json!({ "pxname": "app", "svname": "s1", "status": "UP", "lastchg": 7260, "check_status": "L7OK",
            "check_code": 200, "rate": 4, "stot": 9 });
        let line = line(&row);
        assert_eq!(line[..5], ["app", "s1", "UP", "2h1m", "L7OK/200"]);
        assert_eq!((line[5].as_str(), line[10].as_str()), ("", "4"));
        // Observed with HAProxy, too: `rate` and `stot` of a frontend are its connections.
        let front =
            json!({ "svname": "FRONTEND", "rate": 1, "req_rate": 20, "stot": 2, "req_tot": 40 });
        let line = super::line(&front);
        assert_eq!((line[10].as_str(), line[11].as_str()), ("20", "40"));
        assert_eq!(shown(&json!("a\u{1b}[2Jb")), "a[2Jb");
        assert_eq!([age(5), age(61), age(180_000)], ["5s", "1m1s", "2d2h"]);
    }
}
