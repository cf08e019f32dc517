//! Keys of one virtual router that do not go together.

use lb_vrrp::{Family, Version, VirtualAddress};

use super::{Auth, Checksum, InitialState, Vrrp};
use crate::config::{Span, section::Section};

/// What an advertisement's counter of addresses holds.
const MOST_ADDRESSES: usize = 255;

/// What every Ethernet carries.
const MTU: usize = 1500;

const ONE_FAMILY: &str = "a virtual router has one family: move it to a router of its own, with the same id if you like, and hold both together by a sync group";

/// What `auth_hmac` adds to an advertisement.
const HMAC_TRAILER: usize = 28;

/// A virtual router and where its keys stand.
struct Check<'r, 's, 'a> {
    router: &'r Vrrp,
    section: &'s Section<'a>,
    /// `None` where it was refused: what depends on it is not looked at.
    version: Option<Version>,
    /// `None` where no address could be read.
    family: Option<Family>,
}

pub(super) fn report(router: &Vrrp, version: Option<Version>, section: &Section<'_>) {
    let family = router.virtual_addresses.first();
    let check = Check {
        router,
        section,
        version,
        family: family.map(|address| address.family()),
    };
    check.addresses();
    check.first_address();
    check.size();
    check.labels();
    check.preemption();
    check.authentication();
    check.checksum();
    check.unicast();
    check.owner();
    check.witness();
}

impl Check<'_, '_, '_> {
    fn at(&self, key: &'static str) -> Span {
        let value = self.section.value(key);
        value.map_or(self.section.span, |value| value.span())
    }

    fn error(&self, span: Span, message: impl Into<String>, help: impl Into<Option<&'static str>>) {
        let help = help.into().map(ToOwned::to_owned);
        self.section.cx.error(span, message, help);
    }

    /// How many, and of one family.
    fn addresses(&self) {
        let addresses = &self.router.virtual_addresses;
        let Some(value) = self.section.value("virtual_addresses") else {
            return;
        };
        if value.is_array() && value.one_or_more().is_empty() {
            let help = "add `virtual_addresses = [\"192.0.2.100/24\"]`";
            self.error(value.span(), "there is no virtual address to move", help);
        }
        if let Some(over) = addresses.get(MOST_ADDRESSES) {
            let message = format!(
                "{} virtual addresses: an advertisement counts up to {MOST_ADDRESSES}",
                addresses.len()
            );
            self.error(over.span(), message, EXCLUDE);
        }
        let other = addresses
            .iter()
            .find(|address| Some(address.family()) != self.family);
        if let (Some(other), Some(family)) = (other, self.family) {
            let message = format!("{} is not {family}, as the first address is", other.ip());
            self.error(other.span(), message, ONE_FAMILY);
        }
        let mut excluded = self.router.virtual_addresses_excluded.iter();
        let other = excluded.find(|address| Some(address.family()) != self.family);
        if let (Some(other), Some(family)) = (other, self.family) {
            let message = format!("{} is not {family}, as the virtual router is", other.ip());
            self.error(other.span(), message, ONE_FAMILY);
        }
    }

    /// IPv6 is for version 3, and begins with a link-local address.
    fn first_address(&self) {
        let Some(first) = self.router.virtual_addresses.first() else {
            return;
        };
        if self.family != Some(Family::V6) {
            return;
        }
        if self.version == Some(Version::V2) {
            self.error(
                first.span(),
                "version 2 has IPv4 addresses only",
                "add `version = 3`",
            );
        }
        if !is_link_local(first) {
            let id = self.router.virtual_router_id.number();
            let message = "the first IPv6 address is not link-local, as RFC 9568 demands";
            let help = format!("put a link-local one before it, such as \"fe80::{id:x}/64\"");
            self.section.cx.error(first.span(), message, Some(help));
        }
    }

    /// One packet holds all addresses that are advertised.
    fn size(&self) {
        let (Some(family), Some(version)) = (self.family, self.version) else {
            return;
        };
        if self.router.use_interface_mtu {
            return;
        }
        let (ip_header, octets) = match family {
            Family::V4 => (20, 4),
            Family::V6 => (40, 16),
        };
        // Version 2 ends with 8 octets of authentication, used or not.
        let message = if version == Version::V2 { 16 } else { 8 };
        let trailer = match self.router.auth {
            Some(Auth::Hmac(_)) => HMAC_TRAILER,
            _ => 0,
        };
        let room = (MTU - ip_header - message - trailer) / octets;
        let addresses = &self.router.virtual_addresses;
        if let Some(over) = addresses.get(room.min(MOST_ADDRESSES))
            && room < MOST_ADDRESSES
        {
            let message = format!(
                "{} addresses do not fit into one packet: {room} do, of {MTU} octets",
                addresses.len()
            );
            self.error(over.span(), message, EXCLUDE);
        }
    }

    fn labels(&self) {
        let router = self.router;
        let all = router
            .virtual_addresses
            .iter()
            .chain(&router.virtual_addresses_excluded);
        for address in all {
            let interface = address.interface().unwrap_or(&router.interface);
            if let Some(label) = address.label_text()
                && !label.starts_with(interface)
            {
                let message = format!(
                    "the label `{label}` does not begin with the name of its interface, `{interface}`"
                );
                self.error(address.span(), message, None);
            }
        }
    }

    fn preemption(&self) {
        let router = self.router;
        let delayed = !router.preempt_delay.is_zero();
        if router.state == InitialState::Master {
            let message = "`state = \"master\"` is only where this node starts";
            let help = "leave it out: the priorities decide who is master";
            self.section.cx.warning(self.at("state"), message, help);
            for (key, stated) in [("preempt", !router.preempt), ("preempt_delay", delayed)] {
                if stated {
                    let message = format!("`{key}` contradicts `state = \"master\"`");
                    let help = "write `state = \"backup\"`: the node waits for a master at first";
                    self.error(self.at(key), message, help);
                }
            }
        }
        if !router.preempt && delayed {
            let message = "`preempt_delay` has no meaning with `preempt = false`";
            self.error(self.at("preempt_delay"), message, None);
        }
        if !router.preempt && router.priority.is_owner() {
            let message = "priority 255 is the owner of the addresses, who always takes them";
            let help = "a priority up to 254 goes with `preempt = false`";
            self.error(self.at("preempt"), message, help);
        }
    }

    fn authentication(&self) {
        if let (Some(Version::V3), Some(Auth::Pass(_))) = (self.version, &self.router.auth) {
            let message = "version 3 has no passwords";
            let help = "use `type = \"hmac\"`, or `version = 2`";
            self.error(self.at("auth"), message, help);
        }
    }

    fn checksum(&self) {
        let stated = self.section.value("checksum").is_some();
        let has_forms = self.version.is_none() || self.family.is_none();
        let has_forms = has_forms || self.router.has_checksum_forms();
        if stated && !has_forms && self.router.checksum != Checksum::Auto {
            let message =
                "`checksum` is for version 3 and IPv4: in all other cases there is one form";
            self.error(self.at("checksum"), message, None);
        }
    }

    fn unicast(&self) {
        let Self { router, family, .. } = self;
        let peers = &router.unicast_peers;
        let source = router.source_address.as_ref();
        for (at, peer) in peers.iter().enumerate() {
            let why = if source.is_some_and(|source| **source == **peer) {
                "is this node itself"
            } else if family.is_some_and(|family| family != Family::of(**peer)) {
                "is not of the family of the virtual addresses"
            } else if router
                .virtual_addresses
                .iter()
                .any(|own| own.ip() == **peer)
            {
                "is a virtual address"
            } else if peers[..at].contains(peer) {
                "is named twice"
            } else {
                continue;
            };
            self.error(peer.span(), format!("the peer {} {why}", **peer), None);
        }
        if let (Some(source), Some(family)) = (source, family) {
            let span = source.span();
            if Family::of(**source) != *family {
                let message = format!("{} is not {family}, as the virtual addresses are", **source);
                self.error(span, message, None);
            } else if *family == Family::V6
                && peers.is_empty()
                && !source.is_ipv4()
                && !is_link_local(&VirtualAddress::new((**source).into()))
            {
                let message = "advertisements to the group come from a link-local address";
                self.error(span, message, "leave it out, or name `unicast_peers`");
            } else if router
                .virtual_addresses
                .iter()
                .any(|own| own.ip() == **source)
                && !router.priority.is_owner()
            {
                let message = "a virtual address cannot be the source: it is not always here";
                self.error(span, message, None);
            }
        }
        if peers.is_empty() && self.section.value("ttl").is_some() {
            let message = "`ttl` is for unicast: to the group it is 255, as receivers demand";
            self.error(self.at("ttl"), message, "name `unicast_peers`");
        }
    }

    /// The priority of an owner never changes.
    fn owner(&self) {
        let router = self.router;
        let weights = router.track_scripts.iter().filter_map(|t| t.weight);
        let weights = weights.chain(router.track_interfaces.iter().map(|t| t.weight));
        let mut weights = weights.chain(router.track_backends.iter().map(|t| t.weight));
        if router.priority.is_owner() && weights.any(|weight| weight != 0) {
            let message = "weights do not change priority 255";
            let help = "a priority up to 254 goes with weights";
            self.section.cx.warning(self.at("priority"), message, help);
        }
    }

    fn witness(&self) {
        let own = |target| {
            let addresses = &self.router.virtual_addresses;
            addresses.iter().any(|address| address.ip() == target)
        };
        let targets = self.router.witness.iter().flat_map(|w| &w.targets);
        for target in targets.filter(|target| own(***target)) {
            let message = format!("{} is a virtual address: it is no witness", **target);
            self.error(target.span(), message, None);
        }
    }
}

const EXCLUDE: &str =
    "list the others in `virtual_addresses_excluded`, or share them among several virtual routers";

pub(super) fn is_link_local(address: &VirtualAddress) -> bool {
    match address.ip() {
        std::net::IpAddr::V6(ip) => ip.is_unicast_link_local(),
        std::net::IpAddr::V4(_) => false,
    }
}
