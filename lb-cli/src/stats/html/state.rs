//! States and their colours, as on HAProxy's page.

use crate::stats::{
    Column::{Bck, Status},
    Row,
};

/// Classes of rows, with what they mean.
pub(super) const LEGEND: [(&str, &str); 8] = [
    ("up", "UP"),
    ("backup", "backup UP"),
    ("going-down", "UP, going down"),
    ("going-up", "DOWN, going up"),
    ("down", "DOWN"),
    ("nocheck", "not checked"),
    ("drain", "DRAIN or NOLB"),
    ("maint", "MAINT"),
];

/// Of a frontend or a backend.
pub(super) fn class_of_proxy(row: &Row) -> &'static str {
    match row.word(Status) {
        "OPEN" | "UP" => "up",
        "FULL" => "going-down",
        "DOWN" => "down",
        _ => "maint",
    }
}

/// Of a server.
pub(super) fn class_of_server(row: &Row) -> &'static str {
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
