//! What a configuration has that another has not, section by section.

use std::{collections::BTreeMap, fmt};

use crate::config::Config;

/// Keys whose values are nobody's to read in a log.
const SECRET: &[&str] = &["auth_pass", "key", "peers", "stats"];

/// How two configurations differ, with all defaults written out.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Difference {
    sections: Vec<Change>,
    /// What was changed at run time, and is now as the files have it.
    pub(super) notes: Vec<String>,
}

/// What has become of a section.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Change {
    header: String,
    kind: Kind,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Kind {
    New,
    Gone,
    /// Lines that are gone, and those that are new.
    Changed(Vec<String>, Vec<String>),
}

impl Difference {
    /// What has changed from `before` to `after`, in the order of `after`.
    pub(super) fn of(before: &Config, after: &Config) -> Self {
        Self::of_texts(&before.print(), &after.print())
    }

    fn of_texts(before: &str, after: &str) -> Self {
        let (before, after) = (sections(before), sections(after));
        let by_name: BTreeMap<_, _> = before.iter().map(|(name, lines)| (name, lines)).collect();
        let mut changes = Vec::new();
        for (header, lines) in &after {
            let kind = match by_name.get(header) {
                None => Kind::New,
                Some(known) if *known == lines => continue,
                Some(known) => {
                    let missing = |lines, others| missing(header, lines, others);
                    Kind::Changed(missing(known, lines), missing(lines, known))
                }
            };
            changes.push(Change {
                header: header.clone(),
                kind,
            });
        }
        let gone = before
            .iter()
            .filter(|(header, _)| after.iter().all(|(new, _)| new != header));
        changes.extend(gone.map(|(header, _)| Change {
            header: header.clone(),
            kind: Kind::Gone,
        }));
        // A section that is whole with all its parts is told in one line.
        let whole = changes
            .iter()
            .filter(|it| !matches!(it.kind, Kind::Changed(..)));
        let parts: Vec<String> = whole
            .filter_map(|it| Some(format!("{}.", it.header.strip_suffix(']')?)))
            .collect();
        changes.retain(|it| {
            let header = it.header.replace("[[", "[");
            !parts.iter().any(|of| header.starts_with(of))
        });
        Self {
            sections: changes,
            notes: Vec::new(),
        }
    }

    /// Is there none?
    pub(crate) fn is_empty(&self) -> bool {
        self.sections.is_empty() && self.notes.is_empty()
    }
}

/// A line for each section that differs and for each of its lines: `+` is new, `-` is gone, `~` has changed.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = Vec::new();
        for Change { header, kind } in &self.sections {
            match kind {
                Kind::New => lines.push(format!("+ {header}")),
                Kind::Gone => lines.push(format!("- {header}")),
                Kind::Changed(gone, new) => {
                    lines.push(format!("~ {header}"));
                    lines.extend(gone.iter().map(|line| format!("    - {line}")));
                    lines.extend(new.iter().map(|line| format!("    + {line}")));
                }
            }
        }
        lines.extend(self.notes.iter().map(|note| format!("! {note}")));
        f.write_str(&lines.join("\n"))
    }
}

/// The sections of a printed configuration: what stands in brackets, and the name of an element of an array; and their
/// lines.
fn sections(text: &str) -> Vec<(String, Vec<&str>)> {
    let mut sections: Vec<(String, Vec<&str>)> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        match sections.last_mut() {
            _ if line.starts_with('[') => sections.push((line.to_owned(), Vec::new())),
            Some((header, lines)) => {
                if header.starts_with("[[") && lines.is_empty() && line.starts_with("name = ") {
                    *header = format!("{header} {line}");
                }
                lines.push(line);
            }
            None => {}
        }
    }
    sections
}

/// The lines of `lines` that `others` has not, without what they keep secret.
fn missing(header: &str, lines: &[&str], others: &[&str]) -> Vec<String> {
    let of_users = header.starts_with("[userlist.");
    let only = lines.iter().filter(|line| !others.contains(line));
    only.map(|line| match line.split_once(" = ") {
        Some((key, _)) if of_users || SECRET.contains(&key) => format!("{key} = …"),
        _ => (*line).to_owned(),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_that_came_went_and_changed_are_told() {
        let before = "[global]\nmaxconn = 1\n\n[frontend.a]\nbind = [\":80\"]\n\n[backend.old]\nbalance = \"first\"\n";
        let after = "[global]\nmaxconn = 2\nnode = \"n\"\n\n[frontend.a]\nbind = [\":80\"]\n\n[backend.new]\nbalance = \"first\"\n\n[[backend.new.server]]\nname = \"a\"\n";
        let difference = Difference::of_texts(before, after);
        let text = "~ [global]\n    - maxconn = 1\n    + maxconn = 2\n    + node = \"n\"\n+ [backend.new]\n- [backend.old]";
        assert_eq!(difference.to_string(), text);
        assert!(Difference::of_texts(after, after).is_empty());
    }

    #[test]
    fn servers_are_told_by_their_names() {
        let server = |name: &str, weight: u8| {
            format!("[[backend.b.server]]\nname = \"{name}\"\nweight = {weight}\n\n")
        };
        let before = server("a", 1) + &server("b", 1);
        let after = server("b", 2) + &server("a", 1);
        let difference = Difference::of_texts(&before, &after);
        let text = "~ [[backend.b.server]] name = \"b\"\n    - weight = 1\n    + weight = 2";
        assert_eq!(difference.to_string(), text);
    }

    #[test]
    fn secrets_are_not_told() {
        let text = |password: &str| format!("[vrrp.V]\nauth_pass = \"{password}\"\n");
        let difference = Difference::of_texts(&text("one"), &text("two")).to_string();
        assert!(difference.contains("auth_pass = …"), "{difference}");
        assert!(!difference.contains("one") && !difference.contains("two"));
    }
}
