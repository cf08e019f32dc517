//! What a running process says of itself.

use std::path::PathBuf;

use serde_json::Value;

use super::super::{Failed, ctl};

/// Where it is asked.
pub(super) struct Feed {
    socket: PathBuf,
}

/// What it said at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Picture {
    pub(super) info: Value,
    pub(super) rows: Vec<Value>,
}

impl Feed {
    pub(super) const fn new(socket: PathBuf) -> Self {
        Self { socket }
    }

    /// How it is now.
    pub(super) fn look(&self) -> Result<Picture, Failed> {
        let answer = ctl::answer(&self.socket, "json show info; show stat\n")?;
        let mut results = answer.lines().filter(|line| !line.is_empty()).map(result);
        let mut next = || {
            let nothing = || Err("it did not answer".to_owned());
            results.next().unwrap_or_else(nothing)
        };
        let both = next().and_then(|info| Ok((info, next()?)));
        let (info, rows) = both.map_err(Failed::System)?;
        let rows = match rows {
            Value::Array(rows) => rows,
            _ => Vec::new(),
        };
        Ok(Picture { info, rows })
    }

    /// Asks it to do something: what it says, if it says anything.
    pub(super) fn ask(&self, command: &str) -> String {
        let answer = ctl::answer(&self.socket, &format!("json {command}\n"));
        let answer = answer.map_err(|why| why.to_string());
        let said = answer.and_then(|answer| result(answer.lines().next().unwrap_or_default()));
        match said {
            Ok(Value::String(said)) => said,
            Ok(_) => "done".to_owned(),
            Err(why) => why,
        }
    }
}

/// The result in an answer, or why there is none.
fn result(line: &str) -> Result<Value, String> {
    let mut answer: Value = serde_json::from_str(line).map_err(|_| line.to_owned())?;
    match answer["ok"] == true {
        true => Ok(answer["result"].take()),
        false => Err(answer["error"]["message"]
            .as_str()
            .unwrap_or(line)
            .to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_a_result_or_a_reason() {
        assert_eq!(
            result(r#"{"ok":true,"result":[1]}"#),
            Ok(serde_json::json!([1]))
        );
        let refused = r#"{"ok":false,"error":{"code":"x","message":"No such server."}}"#;
        assert_eq!(result(refused), Err("No such server.".to_owned()));
        assert_eq!(
            result("Permission denied"),
            Err("Permission denied".to_owned())
        );
    }
}
