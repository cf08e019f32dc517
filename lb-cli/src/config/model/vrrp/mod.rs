//! `[vrrp.NAME]`: a virtual router, whose addresses move between nodes; Keepalived's `vrrp_instance`.

mod address;
mod auth;
mod contradictions;
mod garp;
mod notify;
mod peer_link;
mod route;
mod track;
mod witness;

use std::{net::IpAddr, time::Duration};

use lb_vrrp::{Family, Interval, Priority, Version, VirtualAddress, VirtualRoute, VirtualRouterId};

pub(crate) use self::track::WEIGHTS;
pub use self::{
    auth::{Auth, HmacAuth, HmacMode},
    garp::Garp,
    notify::Notify,
    peer_link::PeerLink,
    track::{TrackBackend, TrackInterface, TrackScript},
    witness::{Witness, WitnessMode},
};
use super::checked_name;
use crate::config::{
    Spanned,
    print::Printer,
    section::Section,
    types::{FromValue, words},
    value::Value,
};

/// A virtual router. Defaults are Keepalived's where it has the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vrrp {
    /// Its name.
    pub name: Spanned<String>,
    /// Where it advertises, and where its addresses are set.
    pub interface: Spanned<String>,
    /// Its number on its network.
    pub virtual_router_id: Spanned<VirtualRouterId>,
    /// 1 to 255. 100.
    pub priority: Spanned<Priority>,
    /// 2.
    pub version: Version,
    /// Between two advertisements. 1 s.
    pub advert_interval: Interval,
    /// Where it starts.
    pub state: InitialState,
    /// Takes the addresses from a node of lower priority. True.
    pub preempt: bool,
    /// Waits so long before it does: up to 1000 s. 0.
    pub preempt_delay: Duration,
    /// How advertisements are known to be authentic; `None`: they are not.
    pub auth: Option<Auth>,
    /// How the checksum is made, of version 3 and IPv4 only.
    pub checksum: Checksum,
    /// How long the kernel keeps the addresses unless they are set again: whole seconds; `None`: for ever. 3 intervals, at
    /// least 2 s.
    pub address_lifetime: Option<Duration>,
    /// What it means when somebody answers for an address before it is taken.
    pub probe: ProbePolicy,
    /// Missed advertisements before takeover: 1 to 100. 3.
    pub down_timer_adverts: u8,
    /// What is advertised: 1 to 255, of one family; of IPv6 the first is link-local.
    pub virtual_addresses: Vec<Spanned<VirtualAddress>>,
    /// Set with the others, not advertised.
    pub virtual_addresses_excluded: Vec<Spanned<VirtualAddress>>,
    /// Set with the addresses.
    pub virtual_routes: Vec<VirtualRoute>,
    /// Advertises to each of these; empty: to the multicast group.
    pub unicast_peers: Vec<Spanned<IpAddr>>,
    /// Where advertisements come from; `None`: the interface's primary (IPv6: link-local) address.
    pub source_address: Option<Spanned<IpAddr>>,
    /// Of unicast advertisements: 1 to 255. 255.
    pub ttl: u8,
    /// When neighbours are told.
    pub garp: Garp,
    /// Scripts that must work.
    pub track_scripts: Vec<TrackScript>,
    /// Interfaces that must be up.
    pub track_interfaces: Vec<TrackInterface>,
    /// Backends that must have servers.
    pub track_backends: Vec<TrackBackend>,
    /// Frontends that must accept, else this is a fault.
    pub track_frontends: Vec<Spanned<String>>,
    /// Uses the virtual MAC address, on an interface of its own.
    pub vmac: bool,
    /// Takes packets to the addresses without being their owner. True.
    pub accept: bool,
    /// Its packets may be as large as the interface says, and not as Ethernet's usual MTU.
    pub use_interface_mtu: bool,
    /// Others, without whom it does not take the addresses.
    pub witness: Option<Witness>,
    /// A connection to the other nodes.
    pub peer_link: Option<PeerLink>,
    /// Programs that are told of changes.
    pub notify: Notify,
}

words! {
    /// Where a virtual router starts.
    #[derive(Default)]
    pub enum InitialState {
        /// As backup: it waits for a master.
        #[default]
        Backup = "backup",
        /// As master, if there is none: it waits for its skew time only.
        Master = "master",
    }
}

words! {
    /// What the checksum of version 3 covers in IPv4.
    #[derive(Default)]
    pub enum Checksum {
        /// Both forms are accepted, and the current master's is sent.
        #[default]
        Auto = "auto",
        /// The message and a pseudo-header, as Keepalived reads RFC 5798.
        PseudoHeader = "pseudo-header",
        /// The message only, as RFC 9568 says.
        Message = "message",
    }
}

words! {
    /// What it means when somebody answers for an address before it is taken.
    #[derive(Default)]
    pub enum ProbePolicy {
        /// Takes it, and says so.
        #[default]
        Alarm = "alarm",
        /// Does not take it.
        Hold = "hold",
    }
}

impl Vrrp {
    /// What cannot be read has a value of no place, [`Span::BUILT_IN`](crate::config::Span::BUILT_IN).
    pub(crate) fn read(name: Spanned<String>, section: &Section<'_>) -> Self {
        let name = checked_name(section.cx, name, "a virtual router");
        let version = version(section);
        let interval = interval(section, version);
        let vrrp = Self {
            name,
            interface: section
                .required("interface")
                .and_then(|value| address::interface(&value))
                .unwrap_or_else(|| Spanned::built_in(String::new())),
            virtual_router_id: section
                .required("virtual_router_id")
                .and_then(|value| id(&value))
                .unwrap_or(Spanned::built_in(
                    VirtualRouterId::new(1).expect("it is not 0"),
                )),
            priority: section
                .value("priority")
                .and_then(|value| priority(&value))
                .unwrap_or(Spanned::built_in(Priority::DEFAULT)),
            version: version.unwrap_or(Version::V2),
            advert_interval: interval,
            state: section.get("state").unwrap_or_default(),
            preempt: section.get("preempt").unwrap_or(true),
            preempt_delay: section
                .value("preempt_delay")
                .and_then(|value| preempt_delay(&value))
                .unwrap_or_default(),
            auth: Auth::read(section, interval),
            checksum: section.get("checksum").unwrap_or_default(),
            address_lifetime: match section.value("address_lifetime") {
                Some(value) => lifetime(&value),
                None => Some(usual_lifetime(interval)),
            },
            probe: section.get("probe").unwrap_or_default(),
            down_timer_adverts: section.number("down_timer_adverts", 1..=100).unwrap_or(3),
            virtual_addresses: section.require("virtual_addresses").unwrap_or_default(),
            virtual_addresses_excluded: list(section, "virtual_addresses_excluded"),
            virtual_routes: list(section, "virtual_routes"),
            unicast_peers: list(section, "unicast_peers"),
            source_address: section.get("source_address"),
            ttl: section.number("ttl", 1..=255).unwrap_or(255),
            garp: Garp::read(section),
            track_scripts: list(section, "track_scripts"),
            track_interfaces: list(section, "track_interfaces"),
            track_backends: list(section, "track_backends"),
            track_frontends: list(section, "track_frontends"),
            vmac: section.flag("vmac"),
            accept: section.get("accept").unwrap_or(true),
            use_interface_mtu: section.flag("use_interface_mtu"),
            witness: Witness::read(section),
            peer_link: PeerLink::read(section),
            notify: Notify::read(section),
        };
        section.finish(&[]);
        contradictions::report(&vrrp, version, section);
        vrrp
    }

    /// The family of its addresses; IPv4 where it has none.
    pub fn family(&self) -> Family {
        let first = self.virtual_addresses.first();
        first.map_or(Family::V4, |address| address.family())
    }

    /// What no other virtual router may have as well: `address`, one that is link-local with its link.
    pub(crate) fn claim<'a>(&'a self, address: &'a VirtualAddress) -> (IpAddr, Option<&'a str>) {
        let link = address.interface().unwrap_or(&self.interface);
        let of_link = contradictions::is_link_local(address);
        (address.ip(), of_link.then_some(link))
    }

    pub(crate) fn print(&self, out: &mut Printer) {
        out.table(&["vrrp", &self.name]);
        out.set("interface", &self.interface);
        out.set("virtual_router_id", self.virtual_router_id.number());
        out.set("priority", self.priority.0);
        out.set("version", self.version.number());
        out.set("advert_interval", self.advert_interval.duration());
        out.set("state", self.state);
        out.set("preempt", self.preempt);
        out.set("preempt_delay", self.preempt_delay);
        out.set_some("auth", self.auth.as_ref());
        if self.has_checksum_forms() {
            out.set("checksum", self.checksum);
        }
        let lifetime = self.address_lifetime.unwrap_or_default();
        out.set("address_lifetime", lifetime);
        out.set("probe", self.probe);
        out.set("down_timer_adverts", self.down_timer_adverts);
        out.set("virtual_addresses", self.virtual_addresses.as_slice());
        out.set_any(
            "virtual_addresses_excluded",
            &self.virtual_addresses_excluded,
        );
        out.set_any("virtual_routes", &self.virtual_routes);
        out.set_any("unicast_peers", &self.unicast_peers);
        out.set_some("source_address", self.source_address.as_ref());
        if !self.unicast_peers.is_empty() {
            out.set("ttl", self.ttl);
        }
        out.set("garp", &self.garp);
        out.set_any("track_scripts", &self.track_scripts);
        out.set_any("track_interfaces", &self.track_interfaces);
        out.set_any("track_backends", &self.track_backends);
        out.set_any("track_frontends", &self.track_frontends);
        out.set("vmac", self.vmac);
        out.set("accept", self.accept);
        out.set("use_interface_mtu", self.use_interface_mtu);
        out.set_some("witness", self.witness.as_ref());
        out.set_some("peer_link", self.peer_link.as_ref());
        let notified = self.notify.programs().next().is_some();
        out.set_some("notify", Some(&self.notify).filter(|_| notified));
    }

    /// Whether `checksum` means anything.
    fn has_checksum_forms(&self) -> bool {
        self.version == Version::V3 && self.family() == Family::V4
    }
}

fn list<T: FromValue>(section: &Section<'_>, key: &'static str) -> Vec<T> {
    section.get(key).unwrap_or_default()
}

/// The default where nothing is stated, `None` where it was refused.
fn version(section: &Section<'_>) -> Option<Version> {
    let Some(value) = section.value("version") else {
        return Some(Version::V2);
    };
    let number: u8 = value.number("version", &(2..=3))?;
    Some(if number == 3 {
        Version::V3
    } else {
        Version::V2
    })
}

fn interval(section: &Section<'_>, version: Option<Version>) -> Interval {
    let read = || {
        let value = section.value("advert_interval")?;
        let duration = Duration::from_value(&value)?;
        match Interval::new(version?, duration) {
            Ok(interval) => Some(interval),
            // Sub-second intervals are what version 3 is for.
            Err(why) if Interval::new(Version::V3, duration).is_ok() => {
                value.fail_with(why.to_string(), "`version = 3` can carry it")
            }
            Err(why) => value.fail(why.to_string()),
        }
    };
    read().unwrap_or_default()
}

fn id(value: &Value<'_>) -> Option<Spanned<VirtualRouterId>> {
    let number = value.number("virtual_router_id", &(1..=255))?;
    Some(Spanned::new(VirtualRouterId::new(number)?, value.span()))
}

fn priority(value: &Value<'_>) -> Option<Spanned<Priority>> {
    let number = value.number("priority", &(1..=255))?;
    Some(Spanned::new(Priority(number), value.span()))
}

fn preempt_delay(value: &Value<'_>) -> Option<Duration> {
    let delay = Duration::from_value(value)?;
    if delay > Duration::from_secs(1000) {
        return value.fail("`preempt_delay` is at most \"1000s\"");
    }
    Some(delay)
}

/// The kernel counts whole seconds.
fn lifetime(value: &Value<'_>) -> Option<Duration> {
    let lifetime = Duration::from_value(value)?;
    if lifetime.subsec_nanos() > 0 {
        let help = "the kernel counts seconds; \"0s\" is for ever";
        return value.fail_with("`address_lifetime` is a number of whole seconds", help);
    }
    (lifetime > Duration::ZERO).then_some(lifetime)
}

fn usual_lifetime(interval: Interval) -> Duration {
    let three = (3 * interval.duration()).as_millis().div_ceil(1000);
    Duration::from_secs(u64::try_from(three).unwrap_or(u64::MAX).max(2))
}
