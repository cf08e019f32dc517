//! Virtual routers with the names they use resolved.

use std::{net::IpAddr, path::Path};

use lb_vrrp::script::{self, Notify, Script, ScriptError};

use super::{Names, problem::with_sources};
use crate::config::{
    Config, Diagnostics, Span, Spanned,
    model::{self, Program},
};

/// What moves addresses from node to node.
#[derive(Clone, Debug, Default)]
pub struct Vrrp {
    /// In the order of the file.
    pub routers: Vec<VirtualRouter>,
    /// In the order of the file.
    pub scripts: Vec<Script>,
    /// In the order of the file.
    pub groups: Vec<SyncGroup>,
}

/// A virtual router. Numbers are places in the lists of [`Vrrp`] and [`Plan`](super::Plan).
#[derive(Clone, Debug)]
pub struct VirtualRouter {
    model: model::Vrrp,
    group: Option<usize>,
    notify: Option<Notify>,
    scripts: Vec<TrackedScript>,
    backends: Vec<TrackedBackend>,
    frontends: Vec<usize>,
}

/// A script that a virtual router tracks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrackedScript {
    /// Which of [`Vrrp::scripts`].
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

/// Virtual routers that move together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncGroup {
    /// Its name.
    pub name: String,
    /// Which of [`Vrrp::routers`].
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

    /// Which of [`Vrrp::groups`] it moves with.
    pub fn group(&self) -> Option<usize> {
        self.group
    }

    /// The programs that are told of its transitions.
    pub fn notify(&self) -> Option<&Notify> {
        self.notify.as_ref()
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

    fn compile(model: &model::Vrrp, config: &Config, notify: Option<Notify>) -> Self {
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
            notify,
            group: config.sync_groups.iter().position(member),
            scripts: scripts.collect(),
            backends: backends.collect(),
            frontends: frontends.collect(),
            model: model.clone(),
        }
    }
}

impl Vrrp {
    /// Programs are run, perhaps as other users.
    pub(crate) fn runs_programs(&self) -> bool {
        let notifies = self.routers.iter().any(|router| router.notify.is_some());
        notifies || !self.scripts.is_empty()
    }

    pub(super) fn compile(config: &Config, names: Names, diagnostics: &mut Diagnostics) -> Self {
        let mut vrrp = Self::default();
        for router in &config.vrrp {
            let mut notify = None;
            // Programs and interfaces are this host's, which need not be the one that runs it.
            if names == Names::LookUp {
                on_this_host(router, diagnostics);
                notify = self::notify(&router.notify, diagnostics);
            }
            let router = VirtualRouter::compile(router, config, notify);
            vrrp.routers.push(router);
        }
        if names == Names::LookUp {
            let scripts = config.scripts.iter();
            vrrp.scripts = scripts
                .filter_map(|script| self::script(script, diagnostics))
                .collect();
        }
        let groups = config.sync_groups.iter();
        vrrp.groups = groups
            .map(|group| SyncGroup::compile(group, config))
            .collect();
        vrrp
    }
}

impl Vrrp {
    /// Every address that moves.
    pub(super) fn addresses(&self) -> Vec<IpAddr> {
        let of = |router: &VirtualRouter| {
            let advertised = router.model.virtual_addresses.iter();
            let all = advertised.chain(&router.model.virtual_addresses_excluded);
            all.map(|address| address.ip()).collect::<Vec<_>>()
        };
        self.routers.iter().flat_map(of).collect()
    }
}

impl SyncGroup {
    fn compile(group: &model::SyncGroup, config: &Config) -> Self {
        let members = group.members.iter();
        Self {
            name: group.name.to_string(),
            members: members
                .filter_map(|name| position(&config.vrrp, name, |router| &router.name))
                .collect(),
        }
    }
}

/// `None` where it was refused.
fn script(model: &model::Script, diagnostics: &mut Diagnostics) -> Option<Script> {
    let command = model.command.as_ref()?;
    let mut script = Script::builder(model.name.as_str(), words(command))
        .interval(model.interval)
        .timeout(model.timeout)
        .rise(model.rise)
        .fall(model.fall)
        .init_fail(model.init_fail);
    if let Some(user) = &model.user {
        script = script.user(user.as_str());
    }
    script
        .build()
        .map_err(|error| {
            let span = match (&error, &model.user) {
                (ScriptError::User(_), Some(user)) => user.span(),
                _ => command.path.span(),
            };
            diagnostics.error(span, with_sources(&error));
        })
        .ok()
}

/// `None` where there is no program, or one was refused.
fn notify(model: &model::Notify, diagnostics: &mut Diagnostics) -> Option<Notify> {
    let states = [
        (Some(script::State::Master), &model.master),
        (Some(script::State::Backup), &model.backup),
        (Some(script::State::Fault), &model.fault),
        (Some(script::State::Stop), &model.stop),
        (None, &model.any),
    ];
    let named = |(state, program): (_, &Option<Program>)| Some((state, program.clone()?));
    let mut whole = Notify::builder();
    let mut count = 0;
    for (state, program) in states.into_iter().filter_map(named) {
        let told = |builder: script::NotifyBuilder| match state {
            Some(state) => builder.on(state, words(&program)),
            None => builder.any(words(&program)),
        };
        // One by one first, so that each mistake is shown at its place.
        if let Err(error) = told(Notify::builder()).build() {
            diagnostics.error(program.path.span(), with_sources(&error));
            return None;
        }
        whole = told(whole);
        count += 1;
    }
    whole.build().ok().filter(|_| count > 0)
}

fn words(program: &Program) -> impl Iterator<Item = &str> {
    let path = std::iter::once(program.path.as_str());
    path.chain(program.arguments.iter().map(String::as_str))
}

/// Interfaces may come later.
fn on_this_host(router: &model::Vrrp, diagnostics: &mut Diagnostics) {
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
