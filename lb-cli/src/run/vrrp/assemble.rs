//! From the plan to virtual routers that can run.

use std::{collections::BTreeSet, net::IpAddr};

use lb_vrrp::{
    VirtualAddress, Vrrp,
    driver::{Driver, Instance, Report, Severity},
    link::PeerLink,
    linux::LinuxNetwork,
    machine::{Probe, Settings},
    packet::{
        Authentication, ChecksumPolicy, Delivery, Format, Hmac, Password,
        hmac::{AntiReplay, Key, KeyId, Mode, Window},
    },
    witness::{self, Witness},
};

use super::VrrpError;
use crate::{
    config::{
        Spanned,
        model::{self, Auth, Checksum, HmacMode, InitialState, Level, ProbePolicy, WitnessMode},
    },
    log::Sink,
    plan::{self, VirtualRouter},
};

/// All virtual routers of the plan, with their sockets open.
pub(super) fn driver(plan: &plan::Vrrp, log: Sink) -> Result<(Driver, Vec<Vrrp>), VrrpError> {
    let mut driver = Driver::new();
    let mut routers = Vec::with_capacity(plan.routers.len());
    for router in &plan.routers {
        routers.push(driver.add(instance(router)?));
    }
    for group in &plan.groups {
        driver.group(group.members.iter().map(|&member| &routers[member]));
    }
    for (at, script) in plan.scripts.iter().enumerate() {
        let tracking = plan
            .routers
            .iter()
            .zip(&routers)
            .flat_map(|(router, vrrp)| {
                let tracked = router.scripts().iter().filter(move |it| it.script == at);
                tracked.map(move |tracked| (vrrp, tracked.weight))
            });
        driver.track_script(script, tracking);
    }
    if let Some(link) = plan
        .routers
        .iter()
        .find_map(|it| it.model().peer_link.as_ref())
    {
        driver.link(peer_link(link)?);
    }
    driver.observe(move |report: &Report| {
        let level = match report.severity() {
            Severity::Notice => Level::Notice,
            Severity::Warning => Level::Warning,
            Severity::Alert => Level::Alert,
        };
        log.say(level, &format!("vrrp: {report}"));
    });
    Ok((driver, routers))
}

fn instance(router: &VirtualRouter) -> Result<Instance, VrrpError> {
    let model = router.model();
    let settings = settings(model);
    let network = network(model)
        .open()
        .map_err(|source| VrrpError::opening(router.name(), source))?;
    let advertised = model.virtual_addresses.iter();
    let all = advertised.chain(&model.virtual_addresses_excluded);
    let addresses = all.map(|address| VirtualAddress::clone(address)).collect();
    let interfaces = model.track_interfaces.iter();
    let mut instance = Instance::new(
        router.name(),
        model.interface.as_str(),
        settings,
        format(model),
        addresses,
        network,
    )
    .routes(model.virtual_routes.clone())
    .unicast_peers(values(&model.unicast_peers))
    .address_lifetime(model.address_lifetime)
    .track_interfaces(
        interfaces
            .map(|it| (it.name.to_string(), it.weight))
            .collect(),
    );
    if let Some(notify) = router.notify() {
        instance = instance.notify(notify.clone());
    }
    if let Some(witness) = &model.witness {
        instance = instance.witness(self::witness(witness));
    }
    Ok(instance)
}

fn settings(model: &model::Vrrp) -> Settings {
    Settings::builder(*model.virtual_router_id)
        .version(model.version)
        .priority(*model.priority)
        .interval(model.advert_interval)
        .addresses(model.virtual_addresses.iter().map(|address| address.ip()))
        .preempt(model.preempt)
        .preempt_delay(model.preempt_delay)
        .start_as_master(model.state == InitialState::Master)
        .down_timer_adverts(model.down_timer_adverts)
        .probe(match model.probe {
            ProbePolicy::Alarm => Probe::Alarm,
            ProbePolicy::Hold => Probe::Hold,
        })
        .announcements(model.garp.schedule.iter().copied(), model.garp.refresh)
        .build()
        .expect("the configuration has checked them")
}

fn network(model: &model::Vrrp) -> lb_vrrp::linux::LinuxNetworkBuilder {
    let id = *model.virtual_router_id;
    let advertised = model.virtual_addresses.iter();
    let all = advertised.chain(&model.virtual_addresses_excluded);
    let mut network = LinuxNetwork::builder(&model.interface, model.family(), id)
        .addresses(all.map(|address| VirtualAddress::clone(address)))
        .vmac(model.vmac)
        .owner(model.priority.is_owner())
        .accept(model.accept || model.priority.is_owner());
    if !model.unicast_peers.is_empty() {
        network = network
            .unicast_peers(values(&model.unicast_peers))
            .ttl(model.ttl);
    }
    if let Some(source) = &model.source_address {
        network = network.source(**source);
    }
    let tracked: BTreeSet<_> = model.track_interfaces.iter().map(|it| &*it.name).collect();
    for interface in tracked {
        network = network.track(interface.as_str());
    }
    if let Some(witness) = &model.witness
        && witness.mode == WitnessMode::Arp
    {
        network = network.witnesses(values(&witness.targets));
    }
    network
}

fn format(model: &model::Vrrp) -> Format {
    let id = *model.virtual_router_id;
    let mut format = Format::builder(model.version, model.family(), id)
        .authentication(authentication(model))
        .checksum(match model.checksum {
            Checksum::Auto => ChecksumPolicy::Auto,
            Checksum::PseudoHeader => ChecksumPolicy::PseudoHeader,
            Checksum::Message => ChecksumPolicy::Message,
        });
    if !model.unicast_peers.is_empty() {
        format = format
            .delivery(Delivery::Unicast { ttl: None })
            .peers(values(&model.unicast_peers));
    }
    format.build().expect("the configuration has checked them")
}

fn authentication(model: &model::Vrrp) -> Authentication {
    const CHECKED: &str = "the configuration has checked it";
    match &model.auth {
        None => Authentication::None,
        Some(Auth::Pass(password)) => {
            Authentication::Simple(Password::new(password.reveal()).expect(CHECKED))
        }
        Some(Auth::Hmac(hmac)) => {
            let id = |number| KeyId::new(number).expect(CHECKED);
            let keys = hmac.keys.iter().map(|(number, key)| {
                let key = Key::new(key.reveal()).expect(CHECKED);
                (id(*number), key)
            });
            let mode = match hmac.mode {
                HmacMode::Enforce => Mode::Enforce,
                HmacMode::Permissive => Mode::Permissive,
                HmacMode::ReceiveOnly => Mode::ReceiveOnly,
            };
            let window = Window::new(hmac.window).expect(CHECKED);
            let hmac = Hmac::new(keys, id(hmac.active)).expect(CHECKED);
            Authentication::Hmac(hmac.mode(mode).anti_replay(AntiReplay::Window(window)))
        }
    }
}

fn witness(model: &model::Witness) -> Witness {
    let mode = match model.mode {
        WitnessMode::Arp => witness::Mode::Arp,
        WitnessMode::Ping => witness::Mode::Ping,
    };
    let targets = values(&model.targets).into_iter();
    targets
        .fold(Witness::builder(), |builder, target| builder.target(target))
        .mode(mode)
        .min_up(model.min_up as usize)
        .build()
        .expect("the configuration has checked it")
}

fn peer_link(model: &model::PeerLink) -> Result<PeerLink, VrrpError> {
    let builder = PeerLink::builder()
        .bind(*model.bind)
        .key(model.key.reveal());
    let link = model.peers.iter().fold(builder, |it, peer| it.peer(**peer));
    let settings = link.build().expect("the configuration has checked it");
    Ok(settings.open()?)
}

fn values(spanned: &[Spanned<IpAddr>]) -> Vec<IpAddr> {
    spanned.iter().map(|value| **value).collect()
}
