//! Virtual routers with the names they use resolved.

use std::{path::Path, time::Duration};

use super::{
    Names,
    ids::{self, User},
    program,
};
use crate::config::{
    Config, Diagnostics, Span, Spanned,
    model::{self, Program},
};

/// A virtual router. Numbers are places in the lists of [`Plan`](super::Plan).
#[derive(Clone, Debug)]
pub struct VirtualRouter {
    model: model::Vrrp,
    group: Option<usize>,
    scripts: Vec<TrackedScript>,
    backends: Vec<TrackedBackend>,
    frontends: Vec<usize>,
}

/// A script that a virtual router tracks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrackedScript {
    /// Which of [`Plan::scripts`](super::Plan::scripts).
    pub script: usize,
    /// 0: a failure is a fault; else added to the priority while it works, or, below 0, while it does not.
    pub weight: i16,
}

/// A backend that a virtual router tracks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrackedBackend {
    /// Which of [`Plan::backends`](super::Plan::backends).
    pub backend: usize,
    /// It works while so many of its servers are up.
    pub min_up: u32,
    /// As a script's.
    pub weight: i16,
}

/// A script that can be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Its name.
    pub name: String,
    /// What is run.
    pub command: Program,
    /// Between two starts.
    pub interval: Duration,
    /// A run that takes longer has failed.
    pub timeout: Duration,
    /// Successes in a row until it is up.
    pub rise: u32,
    /// Failures in a row until it is down.
    pub fall: u32,
    /// Who runs it; `None`: who runs `lb`.
    pub user: Option<User>,
    /// It counts as failed until `rise` successes.
    pub init_fail: bool,
}

/// Virtual routers that move together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncGroup {
    /// Its name.
    pub name: String,
    /// Which of [`Plan::vrrp`](super::Plan::vrrp).
    pub members: Vec<usize>,
}

impl VirtualRouter {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.model.name
    }

    /// What the file says.
    pub fn model(&self) -> &model::Vrrp {
        &self.model
    }

    /// Which of [`Plan::sync_groups`](super::Plan::sync_groups) it moves with.
    pub fn group(&self) -> Option<usize> {
        self.group
    }

    /// The scripts it tracks.
    pub fn scripts(&self) -> &[TrackedScript] {
        &self.scripts
    }

    /// The backends it tracks.
    pub fn backends(&self) -> &[TrackedBackend] {
        &self.backends
    }

    /// Which of [`Plan::frontends`](super::Plan::frontends) must accept.
    pub fn frontends(&self) -> &[usize] {
        &self.frontends
    }

    fn compile(model: &model::Vrrp, config: &Config) -> Self {
        let scripts = model.track_scripts.iter().filter_map(|tracked| {
            let script = position(&config.scripts, &tracked.name, |s| &s.name)?;
            let weight = tracked.weight.unwrap_or(config.scripts[script].weight);
            Some(TrackedScript { script, weight })
        });
        let backends = model.track_backends.iter().filter_map(|tracked| {
            Some(TrackedBackend {
                backend: position(&config.backends, &tracked.name, |b| &b.name)?,
                min_up: *tracked.min_up,
                weight: tracked.weight,
            })
        });
        let frontends = model.track_frontends.iter();
        let frontends = frontends
            .filter_map(|name| position(&config.frontends, name, |frontend| &frontend.name));
        let member = |group: &model::SyncGroup| group.members.contains(&model.name);
        Self {
            group: config.sync_groups.iter().position(member),
            scripts: scripts.collect(),
            backends: backends.collect(),
            frontends: frontends.collect(),
            model: model.clone(),
        }
    }
}

impl Script {
    /// `None` where its command was refused.
    fn compile(model: &model::Script, names: Names, diagnostics: &mut Diagnostics) -> Option<Self> {
        let mut user = None;
        if names == Names::LookUp {
            if let Some(name) = &model.user {
                user = ids::user(name);
                if user.is_none() {
                    let message = format!("there is no user `{}` on this host", **name);
                    diagnostics.error(name.span(), message);
                }
            }
            if let Some(command) = &model.command {
                program::check(command, user, diagnostics);
            }
        }
        Some(Self {
            name: model.name.to_string(),
            command: model.command.clone()?,
            interval: model.interval,
            timeout: model.timeout,
            rise: model.rise,
            fall: model.fall,
            user,
            init_fail: model.init_fail,
        })
    }
}

/// Every script, in the order of the file; fewer only where there are errors.
pub(super) fn scripts(config: &Config, names: Names, diagnostics: &mut Diagnostics) -> Vec<Script> {
    let scripts = config.scripts.iter();
    scripts
        .filter_map(|script| Script::compile(script, names, diagnostics))
        .collect()
}

/// Every virtual router, in the order of the file.
pub(super) fn routers(
    config: &Config,
    names: Names,
    diagnostics: &mut Diagnostics,
) -> Vec<VirtualRouter> {
    if names == Names::LookUp {
        for router in &config.vrrp {
            on_this_host(router, diagnostics);
        }
    }
    let routers = config.vrrp.iter();
    routers
        .map(|router| VirtualRouter::compile(router, config))
        .collect()
}

/// Every group, in the order of the file.
pub(super) fn groups(config: &Config) -> Vec<SyncGroup> {
    let group = |group: &model::SyncGroup| {
        let members = group.members.iter();
        SyncGroup {
            name: group.name.to_string(),
            members: members
                .filter_map(|name| position(&config.vrrp, name, |router| &router.name))
                .collect(),
        }
    };
    config.sync_groups.iter().map(group).collect()
}

/// Programs must be there; interfaces may come later.
fn on_this_host(router: &model::Vrrp, diagnostics: &mut Diagnostics) {
    for program in router.notify.programs() {
        program::check(program, None, diagnostics);
    }
    let mut interface = |name: &str, span: Span| {
        if !Path::new("/sys/class/net").join(name).exists() {
            diagnostics
                .warning(span, format!("this host has no interface `{name}` now"))
                .help("the virtual router is in fault until it has");
        }
    };
    let own = &router.interface;
    if own.span() != Span::BUILT_IN {
        interface(own, own.span());
    }
    for tracked in &router.track_interfaces {
        interface(&tracked.name, tracked.name.span());
    }
    let addresses = &router.virtual_addresses;
    for address in addresses.iter().chain(&router.virtual_addresses_excluded) {
        if let Some(name) = address.interface() {
            interface(name, address.span());
        }
    }
}

fn position<T>(all: &[T], name: &str, of: impl Fn(&T) -> &Spanned<String>) -> Option<usize> {
    all.iter().position(|one| of(one).as_str() == name)
}
