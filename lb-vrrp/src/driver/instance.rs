//! All that one virtual router is made of, before it runs.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::machine::Settings;
use crate::network::Network;
use crate::packet::Format;
use crate::script::Notify;
use crate::witness::Witness;
use crate::{VirtualAddress, VirtualRoute};

/// One virtual router for a [`Driver`](super::Driver).
pub struct Instance {
    pub(super) name: Arc<str>,
    pub(super) interface: Arc<str>,
    pub(super) settings: Settings,
    pub(super) format: Format,
    pub(super) network: Box<dyn Network>,
    pub(super) addresses: Vec<VirtualAddress>,
    pub(super) routes: Vec<VirtualRoute>,
    pub(super) peers: Vec<IpAddr>,
    pub(super) lifetime: Option<Duration>,
    pub(super) notify: Option<Notify>,
    pub(super) witness: Option<Witness>,
    pub(super) interfaces: Vec<(String, i16)>,
}

impl Instance {
    /// A virtual router that advertises on `network`, which is on `interface`.
    ///
    /// `addresses` are all that it sets while master: those of `settings`, and any that are not
    /// advertised (Keepalived's `virtual_ipaddress_excluded`).
    pub fn new(
        name: impl Into<Arc<str>>,
        interface: impl Into<Arc<str>>,
        settings: Settings,
        format: Format,
        addresses: Vec<VirtualAddress>,
        network: impl Network + 'static,
    ) -> Self {
        let lifetime = Some(default_lifetime(&settings));
        Self {
            name: name.into(),
            interface: interface.into(),
            settings,
            format,
            network: Box::new(network),
            addresses,
            routes: Vec::new(),
            peers: Vec::new(),
            lifetime,
            notify: None,
            witness: None,
            interfaces: Vec::new(),
        }
    }

    /// Routes that are set with the addresses (Keepalived's `virtual_routes`).
    #[must_use]
    pub fn routes(mut self, routes: Vec<VirtualRoute>) -> Self {
        self.routes = routes;
        self
    }

    /// Advertises to these nodes instead of the group (Keepalived's `unicast_peer`).
    #[must_use]
    pub fn unicast_peers(mut self, peers: Vec<IpAddr>) -> Self {
        self.peers = peers;
        self
    }

    /// How long the kernel keeps the addresses if this process no longer says that it lives:
    /// 2 s or 3 intervals by default, whichever is longer; `None` for ever.
    #[must_use]
    pub fn address_lifetime(mut self, lifetime: Option<Duration>) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Programs that are told of every transition.
    #[must_use]
    pub fn notify(mut self, notify: Notify) -> Self {
        self.notify = Some(notify);
        self
    }

    /// Interfaces that `network` tracks, each with its weight (Keepalived's `track_interface`).
    #[must_use]
    pub fn track_interfaces(mut self, interfaces: Vec<(String, i16)>) -> Self {
        self.interfaces = interfaces;
        self
    }

    /// Who must be reached before the addresses are taken over.
    #[must_use]
    pub fn witness(mut self, witness: Witness) -> Self {
        self.witness = Some(witness);
        self
    }
}

fn default_lifetime(settings: &Settings) -> Duration {
    const SHORTEST: Duration = Duration::from_secs(2);
    SHORTEST.max(settings.interval().duration() * 3)
}
