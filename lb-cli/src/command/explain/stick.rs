//! `stick`: under which key a table knows the client, or will.

use lb_http::{
    fetch::View,
    stick::{Rule, Use},
};

use super::{Sheet, route};
use crate::plan::Backend;

/// Tells of the rules that `are` meant, as the message that `view` shows has them.
pub(super) fn tell(
    backend: &Backend,
    are: impl Fn(&Rule) -> bool,
    view: &View<'_>,
    sheet: &mut Sheet,
) {
    let rules = backend.stick().map_or(&[][..], |stick| stick.rules());
    let rules = rules.iter().zip(&backend.model().stick);
    for (rule, model) in rules.filter(|(rule, _)| are(rule)) {
        let look = rule.look(view);
        let table = rule.table();
        let done = match (&look.key, rule.usage()) {
            (None, _) if look.holds => "there is no such key".to_owned(),
            (None, _) => String::new(),
            (Some(key), usage) => {
                let (key, table) = (table.key_type().show(key), table.name());
                match usage {
                    Use::On => format!("{key}: the server that {table} knows; else it remembers"),
                    Use::Match => format!("{key}: the server that {table} knows"),
                    _ => format!("{key}: {table} remembers the server"),
                }
            }
        };
        let message = if rule.usage() == Use::StoreResponse {
            "response"
        } else {
            "request"
        };
        let usage = match rule.usage() {
            Use::On => "on",
            Use::Match => "match",
            Use::StoreRequest => "store_request",
            Use::StoreResponse => "store_response",
        };
        let rule = format!("{usage} {}", *model.key);
        sheet.judged("stick", rule, route::word(look.holds), done);
        for term in &look.condition.terms {
            route::tell(term, message, sheet);
        }
    }
}
