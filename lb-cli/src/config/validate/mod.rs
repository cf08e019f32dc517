//! What holds between sections: one name for one thing, and nothing named that does not exist.

mod vrrp;

use std::{
    collections::{BTreeSet, HashMap},
    fmt::Display,
    hash::Hash,
};

use crate::config::{
    Config, Span, Spanned,
    model::{Backend, CookieMode, Server, Track},
    suggest,
    value::Context,
};

/// Two things with one name, one address, one number.
pub(crate) fn duplicates(config: &Config, cx: &Context<'_>) {
    let frontends = config
        .frontends
        .iter()
        .map(|f| (f.name.as_str(), f.name.span()));
    unique(cx, frontends, |name| {
        format!("two frontends are named `{name}`")
    });
    let backends = config
        .backends
        .iter()
        .map(|b| (b.name.as_str(), b.name.span()));
    unique(cx, backends, |name| {
        format!("two backends are named `{name}`")
    });
    let tables = config
        .tables
        .iter()
        .map(|t| (t.name.as_str(), t.name.span()));
    unique(cx, tables, |name| format!("two tables are named `{name}`"));
    let sockets = config
        .frontends
        .iter()
        .flat_map(|f| &f.bind)
        .map(|b| (&*b.address, b.address.span()));
    unique(cx, sockets, |address| format!("`{address}` is bound twice"));
    for backend in &config.backends {
        let in_backend = |what: &str| format!("in backend `{}` {what}", backend.name);
        let names = backend
            .server
            .iter()
            .map(|s| (s.name.as_str(), s.name.span()));
        unique(cx, names, |name| {
            in_backend(&format!("two servers are named `{name}`"))
        });
        let ids = backend.server.iter().map(|s| (*s.id, s.id.span()));
        unique(cx, ids, |id| {
            in_backend(&format!("two servers have the id {id}"))
        });
        cookies(backend, cx);
    }
    let lists = config
        .userlists
        .iter()
        .map(|list| (list.name.as_str(), list.name.span()));
    unique(cx, lists, |name| {
        format!("two userlists are named `{name}`")
    });
    vrrp::duplicates(config, cx);
}

/// Names of things that do not exist.
pub(crate) fn references(config: &Config, cx: &Context<'_>) {
    for frontend in &config.frontends {
        let fixed = frontend
            .use_backend
            .iter()
            .filter(|rule| !rule.is_dynamic());
        let named = fixed.map(|rule| &rule.name);
        for name in named.chain(&frontend.default_backend) {
            backend_exists(config, name, cx);
        }
        for name in frontend.stats.iter().flat_map(|stats| &stats.scope) {
            section_exists(config, name, cx);
        }
    }
    for backend in &config.backends {
        for name in backend.stats.iter().flat_map(|stats| &stats.scope) {
            section_exists(config, name, cx);
        }
        for rule in &backend.stick {
            table_exists(config, &rule.table, cx);
        }
        for server in &backend.server {
            if let Some(track) = &server.track {
                tracked_exists(config, (backend, server), track, cx);
            }
        }
    }
    vrrp::references(config, cx);
}

fn unique<K: Eq + Hash + Display>(
    cx: &Context<'_>,
    things: impl Iterator<Item = (K, Span)>,
    message: impl Fn(&K) -> String,
) {
    let mut first: HashMap<K, Span> = HashMap::new();
    for (key, span) in things {
        match first.get(&key) {
            Some(earlier) => {
                let help = format!(
                    "the first one is at {}",
                    cx.diagnostics.borrow().place(*earlier)
                );
                cx.error(span, message(&key), Some(help));
            }
            None => _ = first.insert(key, span),
        }
    }
}

fn cookies(backend: &Backend, cx: &Context<'_>) {
    let values = || {
        backend
            .server
            .iter()
            .filter_map(|server| server.cookie.as_ref())
    };
    let Some(cookie) = &backend.cookie else {
        for value in values() {
            let message = format!(
                "a server's `cookie` has no effect: backend `{}` has none",
                backend.name
            );
            cx.warning(
                value.span(),
                message,
                "add `cookie = { name = \"…\" }` to the backend",
            );
        }
        return;
    };
    if values().next().is_none() && cookie.dynamic_key.is_none() && !backend.server.is_empty() {
        let message = "no server has a value for this cookie: no client stays on its server";
        cx.warning(
            cookie.name.span(),
            message,
            "add `cookie = \"…\"` to the servers, or `dynamic_key` to the cookie",
        );
    }
    let dated = cookie.max_idle.is_some() || cookie.max_life.is_some();
    for value in values() {
        let delimiter = match cookie.mode {
            CookieMode::Prefix => '~',
            CookieMode::Insert if dated => '|',
            _ => continue,
        };
        if value.contains(delimiter) {
            let message = format!(
                "the value of this cookie cannot have a `{delimiter}`: it separates what follows"
            );
            cx.error(value.span(), message, None);
        }
    }
}

fn backend_exists(config: &Config, name: &Spanned<String>, cx: &Context<'_>) {
    let names = || config.backends.iter().map(|backend| backend.name.as_str());
    if names().any(|known| known == name.as_str()) {
        return;
    }
    let help = suggest::did_you_mean(name, names()).or_else(|| known("backends", names()));
    cx.error(name.span(), format!("there is no backend `{name}`"), help);
}

fn table_exists(config: &Config, name: &Spanned<String>, cx: &Context<'_>) {
    let names = || config.tables.iter().map(|table| table.name.as_str());
    // A rule of the defaults is that of many backends.
    let is_told = cx.diagnostics.borrow().has_error_at(name.span());
    if is_told || names().any(|known| known == name.as_str()) {
        return;
    }
    let help = suggest::did_you_mean(name, names()).or_else(|| known("tables", names()));
    let help = help.or_else(|| Some(format!("add [table.{name}] with `type = \"ip\"`")));
    cx.error(name.span(), format!("there is no table `{name}`"), help);
}

/// A frontend or a backend; `.` is the section itself.
fn section_exists(config: &Config, name: &Spanned<String>, cx: &Context<'_>) {
    let frontends = config.frontends.iter().map(|one| one.name.as_str());
    let backends = config.backends.iter().map(|one| one.name.as_str());
    let names: BTreeSet<&str> = frontends.chain(backends).collect();
    if name.as_str() == "." || names.contains(name.as_str()) {
        return;
    }
    let names = || names.iter().copied();
    let help = suggest::did_you_mean(name, names()).or_else(|| known("sections", names()));
    let message = format!("there is no frontend or backend `{name}`");
    cx.error(name.span(), message, help);
}

fn tracked_exists(
    config: &Config,
    from: (&Backend, &Server),
    track: &Spanned<Track>,
    cx: &Context<'_>,
) {
    let Some(backend) = config.backend(&track.backend) else {
        return backend_exists(config, &track.with(track.backend.clone()), cx);
    };
    let Some(mut server) = backend.server(&track.server) else {
        let names = || backend.server.iter().map(|server| server.name.as_str());
        let help =
            suggest::did_you_mean(&track.server, names()).or_else(|| known("servers", names()));
        let message = format!(
            "backend `{}` has no server `{}`",
            track.backend, track.server
        );
        return cx.error(track.span(), message, help);
    };
    // Along the chain of servers that track one another, to the one that is checked.
    let mut passed = BTreeSet::from([(from.0.name.as_str(), from.1.name.as_str())]);
    let mut at = (backend.name.as_str(), server.name.as_str());
    while let Some(next) = &server.track {
        if !passed.insert(at) {
            break;
        }
        at = (&next.backend, &next.server);
        match config
            .backend(&next.backend)
            .and_then(|backend| backend.server(&next.server))
        {
            Some(next) => server = next,
            // Reported where it is written.
            None => return,
        }
    }
    if passed.contains(&at) {
        let help = "the last server of a chain must be checked".to_owned();
        return cx.error(
            track.span(),
            "these servers track one another in a circle",
            Some(help),
        );
    }
    if server.check.is_none() {
        let message = format!("server `{}/{}` has no check to track", at.0, at.1);
        cx.error(
            track.span(),
            message,
            Some("add `check` to that server or its backend".to_owned()),
        );
    }
}

fn known<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    let names = names.take(10).collect::<Vec<_>>().join(", ");
    (!names.is_empty()).then(|| format!("the {what} are {names}"))
}
