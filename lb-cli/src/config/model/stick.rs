//! `stick`: keeping a client on one server by a table.

use lb_http::stick::Use;

use crate::config::{
    Spanned,
    print::Printer,
    section::{Place, Section},
    value::Value,
};

/// One rule of persistence by a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stick {
    /// What it does.
    pub usage: Use,
    /// The key, as `"src"` or `"hdr(x-user) if api"`; the planning stage compiles it.
    pub key: Spanned<String>,
    /// The table; that of the backend's own name, if it is not given.
    pub table: Spanned<String>,
}

/// The key of each kind of rule, in the order they are looked at within one table.
const KEYS: [(&str, Use); 4] = [
    ("on", Use::On),
    ("match", Use::Match),
    ("store_request", Use::StoreRequest),
    ("store_response", Use::StoreResponse),
];

impl Stick {
    /// Reads `{ on, match, store_request, store_response, table }`, or an array of such.
    pub(crate) fn read_all(owner: &Section<'_>, backend: &Spanned<String>) -> Vec<Self> {
        let values = owner.value("stick").map(|value| value.one_or_more());
        let own = owner.states("stick");
        let mut rules = Vec::new();
        for value in values.unwrap_or_default() {
            let Some(section) = value.section(Place::Plain, owner.child("stick")) else {
                continue;
            };
            let section = section.lent_unless(own);
            let table = section
                .get("table")
                .unwrap_or_else(|| Spanned::new(backend.to_string(), value.span()));
            let before = rules.len();
            for (key, usage) in KEYS {
                if let Some(text) = section.value(key) {
                    rules.extend(expression(&text).map(|key| Self {
                        usage,
                        key,
                        table: table.clone(),
                    }));
                }
            }
            if rules.len() == before && !KEYS.iter().any(|(key, _)| section.has(key)) {
                value.fail_with::<()>("this rule has no key", "add `on = \"src\"`");
            }
            section.finish(&[]);
        }
        rules
    }

    pub(crate) fn print_all(rules: &[Self], path: &[&str], out: &mut Printer) {
        for rule in rules {
            out.element(&[path, &["stick"]].concat());
            let key = KEYS.iter().find(|(_, usage)| *usage == rule.usage);
            out.set(key.map_or("on", |(key, _)| key), &rule.key);
            out.set("table", &rule.table);
        }
    }
}

fn expression(value: &Value<'_>) -> Option<Spanned<String>> {
    let text = value.text()?;
    match text.trim().is_empty() {
        true => value.fail("the expression is empty"),
        false => Some(text),
    }
}
