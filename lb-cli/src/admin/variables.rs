//! `get var` and `set var`: variables of the process.

use std::sync::Arc;

use lb_core::condition::{Value, Word};
use lb_http::{
    fetch::{HttpVocabulary, Needs, Place, Registry, View},
    transaction::{Variable, VariableScope},
};
use serde_json::json;

use super::reply::{Lines, Reply};
use crate::run::{Refusal, System};

const MISSING: &str = "Missing process-wide variable identifier.";
const NO_EXPRESSION: &str = "Missing either 'expr', 'fmt' or expression.";

const NOT_FOUND: Refusal = Refusal::Unknown("no-such-variable", "Variable not found.");

/// One that an expression or a rule names: nobody would see another one.
fn variable(system: &System, name: &str) -> Result<(Arc<Registry>, Variable), Refusal> {
    // All frontends share one.
    let frontend = system.frontends().first().ok_or(NOT_FOUND)?;
    let registry = frontend.plan().registry();
    let name = name.strip_prefix("proc.").ok_or(NOT_FOUND)?;
    let found = registry.find_variable(VariableScope::Process, name);
    Ok((Arc::clone(registry), found.ok_or(NOT_FOUND)?))
}

/// `get var NAME`
pub(super) fn get(system: &System, words: &[String]) -> Result<Reply, Refusal> {
    let name = words.first().ok_or(Refusal::Words(MISSING))?;
    let (_, variable) = variable(system, name)?;
    let value = View::default().variable(&variable).ok_or(NOT_FOUND)?;
    let (kind, value) = shown(&value);
    let text = format!("{name}: type={kind} value=<{value}>");
    let object = json!({ "name": name, "type": kind, "value": value });
    let (head, lines) = (String::new(), vec![(text, object)]);
    Ok(Lines { head, lines }.into())
}

/// In HAProxy's words.
fn shown(value: &Value) -> (&'static str, String) {
    match value {
        Value::Bool(value) => ("bool", u8::from(*value).to_string()),
        Value::Int(value) => ("sint", value.to_string()),
        Value::Ip(value) if value.is_ipv4() => ("ipv4", value.to_string()),
        Value::Ip(value) => ("ipv6", value.to_string()),
        // A line feed would be one of the answer.
        Value::Str(text) => ("str", String::from_utf8_lossy(text).replace('\n', "\\n")),
        Value::Bin(bytes) => (
            "bin",
            bytes.iter().map(|byte| format!("{byte:02X}")).collect(),
        ),
    }
}

/// `set var NAME [expr] EXPRESSION`; no request is there for it to look at.
pub(super) fn set(system: &System, words: &[String]) -> Result<String, Refusal> {
    let Some((name, words)) = words.split_first() else {
        return Err(Refusal::Words(MISSING));
    };
    let text = match words {
        [word, ..] if word == "fmt" => {
            return Err(Refusal::Unbuilt("`set var … fmt`".to_owned()));
        }
        [word, rest @ ..] if word == "expr" => rest.join(" "),
        words => words.join(" "),
    };
    if text.is_empty() {
        return Err(Refusal::Words(NO_EXPRESSION));
    }
    if !name.starts_with("proc.") {
        let why = format!(
            "'set var': cannot set variable '{name}', only scope 'proc' is permitted here."
        );
        return Err(Refusal::Value(why));
    }
    let (registry, variable) = variable(system, name)?;
    let vocabulary = HttpVocabulary::new(Place::Request, registry);
    let expr = vocabulary.expr(&Word::whole(&text));
    let expr = expr.map_err(|error| Refusal::Value(error.to_string()))?;
    let view = View::default();
    let value = match expr.needs() {
        Needs::Nothing => expr.with_sample(&view, |sample| Value::from(sample)),
        _ => None,
    };
    let none = || Refusal::Value(format!("`{text}` has no value without a request"));
    view.set_variable(&variable, Some(value.ok_or_else(none)?));
    Ok(String::new())
}
