//! Tables that can count, and the rules that keep clients on servers by them.

use std::sync::Arc;

use lb_core::{
    condition::{Condition, Scope, words},
    table::{DataType, Table},
};
use lb_http::{
    fetch::{HttpExpr, HttpVocabulary, Place, Registry},
    stick::{Rule, Stick, Use},
    transaction::Tracking,
};
use tokio::time::Instant;

use super::{Kept, frontend, problem};
use crate::config::{Config, Diagnostics, Spanned, model};

/// Does a backend keep servers in the table of this name? As in HAProxy, to stick is to store servers.
fn sticks(config: &Config, name: &str) -> bool {
    let mut rules = config.backends.iter().flat_map(|backend| &backend.stick);
    rules.any(|rule| **rule.table == *name)
}

/// The tables of a configuration, in the order of the files: those of `kept` that are declared as they were, and empty
/// ones.
pub(super) fn tables(config: &Config, kept: &Kept<'_>) -> Vec<Arc<Table>> {
    let now = Instant::now();
    let table = |model: &model::Table| {
        let name = model.name.as_str();
        let stays = kept.config.is_some_and(|before| {
            before.tables.contains(model) && sticks(before, name) == sticks(config, name)
        });
        let mut known = kept.tables.iter().filter(|_| stays);
        if let Some(table) = known.find(|table| table.name() == name) {
            return Arc::clone(table);
        }
        let size = usize::try_from(model.size).unwrap_or(usize::MAX);
        let mut table = Table::builder(name, model.key).size(size);
        if let Some(expire) = model.expire {
            table = table.expire(expire);
        }
        if model.nopurge {
            table = table.no_purge();
        }
        for stored in &model.store {
            table = table.store(**stored);
        }
        if sticks(config, name) {
            table = table.store_server();
        }
        Arc::new(table.build(now))
    };
    config.tables.iter().map(table).collect()
}

/// Adds the tables, and which of them rules track, to what expressions may name.
pub(super) fn register(config: &Config, tables: &[Arc<Table>], registry: Registry) -> Registry {
    let mut tracked: [Vec<Arc<Table>>; Tracking::SLOTS] = Default::default();
    let of_frontends = config.frontends.iter().map(|frontend| &frontend.rules);
    let of_backends = config.backends.iter().map(|backend| &backend.rules);
    for rule in of_frontends
        .chain(of_backends)
        .flat_map(|rules| rules.http_request.iter().chain(&rules.http_response))
    {
        if let Some((slot, name)) = tracks(&rule.0)
            && let Some(table) = tables.iter().find(|table| table.name() == name)
            && !tracked[slot].contains(table)
        {
            tracked[slot].push(Arc::clone(table));
        }
    }
    let registry = tables.iter().cloned().fold(registry, Registry::table);
    registry.tracked(tracked)
}

/// What `track-sc0 KEY table NAME` tracks; mistakes are told where rules are compiled.
fn tracks(rule: &str) -> Option<(usize, String)> {
    let words = words(rule).ok()?;
    let action = std::str::from_utf8(words.first()?.value()).ok()?;
    let slot = action.strip_prefix("track-sc")?.parse().ok()?;
    let [_, _, keyword, name, ..] = words.as_slice() else {
        return None;
    };
    let name = std::str::from_utf8(name.value()).ok()?;
    (slot < Tracking::SLOTS && keyword.is("table")).then(|| (slot, name.to_owned()))
}

/// The layer of a backend's `stick`; none without rules.
pub(super) fn stick(
    model: &model::Backend,
    registry: &Arc<Registry>,
    diagnostics: &mut Diagnostics,
) -> Option<Stick> {
    if model.stick.is_empty() {
        return None;
    }
    // What is wrong with a condition in itself has been told, and what is wrong with it here is told here.
    let scope = |place| frontend::scope(&model.acl, place, registry).0;
    let (request, response) = (scope(Place::Key), scope(Place::ResponseKey));
    let rules = model.stick.iter().filter_map(|rule| {
        let scope = match rule.usage {
            Use::StoreResponse => &response,
            _ => &request,
        };
        let (key, condition) = compile(&rule.key, scope, diagnostics)?;
        // A table that is not there has been told.
        let table = registry.find_table(&rule.table)?;
        debug_assert!(table.stores(DataType::ServerId, 0), "`tables` sees to it");
        let compiled = Rule::new(rule.usage, key, Arc::clone(table));
        Some(match condition {
            Some(condition) => compiled.when(condition),
            None => compiled,
        })
    });
    let rules: Vec<Rule> = rules.collect();
    if rules.is_empty() {
        return None;
    }
    let stick = Stick::by(rules);
    Some(match model.persist {
        true => stick.persist_even_if_down(),
        false => stick,
    })
}

/// `EXPR`, `EXPR if COND`.
fn compile(
    text: &Spanned<String>,
    scope: &Scope<HttpVocabulary>,
    diagnostics: &mut Diagnostics,
) -> Option<(HttpExpr, Option<Condition<HttpExpr>>)> {
    let words = words(text)
        .map_err(|error| problem::of_condition(text, [error], diagnostics))
        .ok()?;
    let (key, rest) = words.split_first()?;
    let key = scope.vocabulary().expr(key);
    let condition = match rest {
        [] => Ok(None),
        rest => scope.ending(text, rest).map(Some),
    };
    match (key, condition) {
        (Ok(key), Ok(condition)) => Some((key, condition)),
        (key, condition) => {
            let mut errors: Vec<_> = key.err().into_iter().collect();
            errors.extend(condition.err().into_iter().flatten());
            problem::of_condition(text, errors, diagnostics);
            None
        }
    }
}
