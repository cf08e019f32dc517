//! What holds between virtual routers, and between them and what they name.

use std::collections::HashMap;

use super::{known, unique};
use crate::config::{Config, Span, Spanned, model::Vrrp, suggest, value::Context};

/// Two things with one name, one number, one address.
pub(super) fn duplicates(config: &Config, cx: &Context<'_>) {
    let named = |what: &'static str| move |name: &&str| format!("two {what} are named `{name}`");
    let scripts = config.scripts.iter().map(|s| &s.name);
    unique(cx, scripts.map(in_place), named("scripts"));
    let routers = config.vrrp.iter().map(|v| &v.name);
    unique(cx, routers.map(in_place), named("virtual routers"));
    let groups = config.sync_groups.iter().map(|g| &g.name);
    unique(cx, groups.map(in_place), named("sync groups"));
    ids(config, cx);
    addresses(config, cx);
    let members = config.sync_groups.iter().flat_map(|g| &g.members);
    unique(cx, members.map(in_place), |name| {
        format!("`{name}` is in sync groups twice: it can move with one only")
    });
    links(config, cx);
    for router in &config.vrrp {
        tracked(router, cx);
    }
}

fn in_place(name: &Spanned<String>) -> (&str, Span) {
    (name.as_str(), name.span())
}

/// On one interface, one number is one virtual router; IPv4 and IPv6 count on their own.
fn ids(config: &Config, cx: &Context<'_>) {
    let known = config.vrrp.iter().filter(|router| {
        let built_in = [router.interface.span(), router.virtual_router_id.span()];
        !built_in.contains(&Span::BUILT_IN)
    });
    let ids = known.map(|router| {
        let what = format!(
            "{} virtual routers on `{}` have the id {}",
            router.family(),
            *router.interface,
            *router.virtual_router_id
        );
        (what, router.virtual_router_id.span())
    });
    unique(cx, ids, |what| format!("two {what}"));
}

fn addresses(config: &Config, cx: &Context<'_>) {
    let mut first: HashMap<_, (&Vrrp, Span)> = HashMap::new();
    for router in &config.vrrp {
        let all = router
            .virtual_addresses
            .iter()
            .chain(&router.virtual_addresses_excluded);
        for address in all {
            let key = router.claim(address);
            let Some((other, span)) = first.get(&key) else {
                first.insert(key, (router, address.span()));
                continue;
            };
            let place = cx.diagnostics.borrow().place(*span);
            let message = if std::ptr::eq(*other, router) {
                format!("{} is listed twice", address.ip())
            } else {
                format!(
                    "{} is a virtual address of `{}`, too",
                    address.ip(),
                    other.name
                )
            };
            let help = format!("the first one is at {place}");
            cx.error(address.span(), message, Some(help));
        }
    }
}

/// A process has one link to the other nodes: virtual routers share it.
fn links(config: &Config, cx: &Context<'_>) {
    let mut links = config.vrrp.iter().filter_map(|v| v.peer_link.as_ref());
    let Some(first) = links.next() else { return };
    for link in links.filter(|link| *link != first) {
        let place = cx.diagnostics.borrow().place(first.bind.span());
        let message = if *first.bind == *link.bind {
            format!(
                "another peer link binds {}, with other peers or another key",
                *link.bind
            )
        } else {
            format!(
                "a process has one peer link, and another binds {}",
                *first.bind
            )
        };
        let help = format!("it is at {place}; the same link serves all virtual routers");
        cx.error(link.bind.span(), message, Some(help));
    }
}

/// What one virtual router tracks.
fn tracked(router: &Vrrp, cx: &Context<'_>) {
    let twice = |what: &str| {
        let router = router.name.to_string();
        let what = what.to_owned();
        move |name: &&str| format!("`{router}` tracks the {what} `{name}` twice")
    };
    let scripts = router.track_scripts.iter().map(|t| in_place(&t.name));
    unique(cx, scripts, twice("script"));
    let interfaces = router.track_interfaces.iter().map(|t| in_place(&t.name));
    unique(cx, interfaces, twice("interface"));
    let backends = router.track_backends.iter().map(|t| in_place(&t.name));
    unique(cx, backends, twice("backend"));
    unique(
        cx,
        router.track_frontends.iter().map(in_place),
        twice("frontend"),
    );
}

/// Names of things that do not exist.
pub(super) fn references(config: &Config, cx: &Context<'_>) {
    let scripts: Vec<_> = config.scripts.iter().map(|s| s.name.as_str()).collect();
    let backends: Vec<_> = config.backends.iter().map(|b| b.name.as_str()).collect();
    let frontends: Vec<_> = config.frontends.iter().map(|f| f.name.as_str()).collect();
    let routers: Vec<_> = config.vrrp.iter().map(|v| v.name.as_str()).collect();
    for router in &config.vrrp {
        for script in &router.track_scripts {
            exists(&script.name, "script", &scripts, cx);
        }
        for frontend in &router.track_frontends {
            exists(frontend, "frontend", &frontends, cx);
        }
        for tracked in &router.track_backends {
            exists(&tracked.name, "backend", &backends, cx);
            let Some(backend) = config.backend(&tracked.name) else {
                continue;
            };
            let servers = backend.server.len();
            if *tracked.min_up as usize > servers {
                let message = format!(
                    "`min_up` {} exceeds the number of servers of `{}`, {servers}",
                    *tracked.min_up, tracked.name
                );
                let stated = tracked.min_up.span() != Span::BUILT_IN;
                let span = if stated {
                    tracked.min_up.span()
                } else {
                    tracked.name.span()
                };
                cx.error(span, message, None);
            }
        }
        owner(config, router, cx);
    }
    for member in config.sync_groups.iter().flat_map(|g| &g.members) {
        exists(member, "virtual router", &routers, cx);
    }
}

/// Scripts bring weights of their own.
fn owner(config: &Config, router: &Vrrp, cx: &Context<'_>) {
    let weighs = |name: &str| {
        let mut scripts = config.scripts.iter();
        scripts.any(|script| script.name.as_str() == name && script.weight != 0)
    };
    let mut scripts = router.track_scripts.iter();
    if router.priority.is_owner() && scripts.any(|t| t.weight.is_none() && weighs(&t.name)) {
        let message = "weights do not change priority 255";
        let help = "a priority up to 254 goes with weights";
        cx.warning(router.priority.span(), message, help);
    }
}

fn exists(name: &Spanned<String>, what: &str, names: &[&str], cx: &Context<'_>) {
    if names.contains(&name.as_str()) {
        return;
    }
    let all = || names.iter().copied();
    let help = suggest::did_you_mean(name, all()).or_else(|| known(&format!("{what}s"), all()));
    cx.error(name.span(), format!("there is no {what} `{name}`"), help);
}
