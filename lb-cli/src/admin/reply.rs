//! What a command has to show, in two forms: HAProxy's text, and JSON.

use std::fmt;

use serde_json::{Map, Value, json};

use super::CommandError;

/// What a command has to show.
pub trait Content: Send {
    /// As HAProxy's socket shows it: lines without an empty one among them.
    fn text(&self) -> String;

    /// The same for programs.
    fn json(&self) -> Value;
}

/// The answer of a command that was done.
pub struct Reply(Box<dyn Content>);

impl Reply {
    /// As text.
    pub fn text(&self) -> String {
        self.0.text()
    }

    /// `{"ok":true,"result":…}`
    pub fn json(&self) -> String {
        // By hand, so that what matters comes first.
        format!("{{\"ok\":true,\"result\":{}}}", self.0.json())
    }
}

/// `{"ok":false,"error":{"code":…,"message":…}}`
pub(super) fn refusal(error: &CommandError) -> String {
    let error = json!({ "code": error.code(), "message": error.to_string() });
    format!("{{\"ok\":false,\"error\":{error}}}")
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reply").field(&self.text()).finish()
    }
}

impl<C: Content + 'static> From<C> for Reply {
    fn from(content: C) -> Self {
        Self(Box::new(content))
    }
}

/// What is said in words; `null` where there is nothing to say.
impl Content for String {
    fn text(&self) -> String {
        self.clone()
    }

    fn json(&self) -> Value {
        match self.trim_end() {
            "" => Value::Null,
            text => Value::from(text),
        }
    }
}

/// Lines of text, each with what it is to programs.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// Lines of text above the others.
    pub(super) head: String,
    pub(super) lines: Vec<(String, Value)>,
}

impl Content for Lines {
    fn text(&self) -> String {
        let mut text = self.head.clone();
        for (line, _) in &self.lines {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    fn json(&self) -> Value {
        self.lines
            .iter()
            .map(|(_, object)| object.clone())
            .collect()
    }
}

/// Lines of fields, an object each.
#[derive(Debug)]
pub(super) struct Listing {
    /// Lines of text above the fields.
    pub(super) head: String,
    /// Their names; what is named `-` is for HAProxy's readers only.
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Vec<Value>>,
}

impl Content for Listing {
    fn text(&self) -> String {
        let mut text = self.head.clone();
        for row in &self.rows {
            for (at, field) in row.iter().enumerate() {
                if at > 0 {
                    text.push(' ');
                }
                match field {
                    Value::String(field) => text.push_str(field),
                    field => text.push_str(&field.to_string()),
                }
            }
            text.push('\n');
        }
        text
    }

    fn json(&self) -> Value {
        let rows = self.rows.iter().map(|row| {
            let named = self
                .columns
                .iter()
                .zip(row)
                .filter(|(name, _)| *name != "-");
            let fields = named.map(|(name, field)| {
                // HAProxy's word for nothing.
                let field = if field == "-" { &Value::Null } else { field };
                (name.clone(), field.clone())
            });
            Value::Object(fields.collect::<Map<_, _>>())
        });
        rows.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_is_lines_or_objects() {
        let listing = Listing {
            head: "# name n -\n".to_owned(),
            columns: ["name", "n", "-"].map(String::from).into(),
            rows: vec![
                vec!["a".into(), 5.into(), "-".into()],
                vec!["-".into(), (-1).into(), "-".into()],
            ],
        };
        assert_eq!(listing.text(), "# name n -\na 5 -\n- -1 -\n");
        let expected = r#"{"ok":true,"result":[{"n":5,"name":"a"},{"n":-1,"name":null}]}"#;
        assert_eq!(Reply::from(listing).json(), expected);
        let nothing = Reply::from(String::new());
        assert_eq!(nothing.json(), r#"{"ok":true,"result":null}"#);
        let said = refusal(&CommandError::Refused(crate::run::Refusal::NoServer));
        let expected =
            r#"{"ok":false,"error":{"code":"no-such-server","message":"No such server."}}"#;
        assert_eq!(said, expected);
    }
}
