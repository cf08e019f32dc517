//! One virtual router's side to the system: does what its machine wants done.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::time::{Duration, Instant, SystemTime};

use super::allowance::Allowance;
use super::report::Said;
use crate::machine::{Machine, State};
use crate::network::{Datagram, Network};
use crate::packet::{Codec, Refused};
use crate::{Advertisement, Priority, VirtualAddress, VirtualRoute};

/// The network of one virtual router, and what is set there.
pub(super) struct Port {
    pub(super) network: Box<dyn Network>,
    pub(super) codec: Codec,
    pub(super) allowance: Allowance,
    addresses: Vec<VirtualAddress>,
    routes: Vec<VirtualRoute>,
    destinations: Vec<IpAddr>,
    lifetime: Option<Duration>,
    /// While the addresses are set: when they are set anew.
    refresh: Option<Instant>,
    held: bool,
    message: Vec<u8>,
    /// What was last said of each kind of failure, and when.
    told: HashMap<Told, Instant>,
    said: Vec<Said>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Told {
    Refused(Refused),
    Failed(&'static str),
}

/// The same is not said again within this time.
const AGAIN: Duration = Duration::from_secs(60);

impl Port {
    pub(super) fn new(
        network: Box<dyn Network>,
        codec: Codec,
        addresses: Vec<VirtualAddress>,
        routes: Vec<VirtualRoute>,
        destinations: Vec<IpAddr>,
        lifetime: Option<Duration>,
        now: Instant,
    ) -> Self {
        Self {
            network,
            codec,
            allowance: Allowance::new(now),
            addresses,
            routes,
            destinations,
            lifetime,
            refresh: None,
            held: false,
            message: Vec::new(),
            told: HashMap::new(),
            said: Vec::new(),
        }
    }

    /// What it has to say since it was last asked.
    pub(super) fn said(&mut self) -> impl Iterator<Item = Said> + '_ {
        self.said.drain(..)
    }

    /// When the addresses are to be set anew.
    pub(super) const fn refresh_due(&self) -> Option<Instant> {
        self.refresh
    }

    /// Reads a packet; one that is refused is counted and said.
    pub(super) fn receive(&mut self, now: Instant, datagram: &Datagram) -> Option<Advertisement> {
        match self.codec.receive(datagram, SystemTime::now()) {
            Ok(advertisement) => Some(advertisement),
            Err(why) => {
                // Other virtual routers on the same network are none of ours.
                if why != Refused::VirtualRouterId && self.is_news(now, Told::Refused(why)) {
                    let count = self.codec.refusals().count(why);
                    let source = datagram.source;
                    self.said.push(Said::Refused { why, count, source });
                }
                None
            }
        }
    }

    pub(super) fn advertise(&mut self, now: Instant, machine: &Machine, priority: Priority) {
        let Some(source) = machine.source() else {
            return;
        };
        let settings = machine.settings();
        let advertisement = Advertisement {
            version: settings.version(),
            id: settings.id(),
            priority,
            interval: settings.interval(),
            addresses: settings.addresses().to_vec(),
        };
        for at in 0..self.destinations.len() {
            let to = self.destinations[at];
            let wall = SystemTime::now();
            let written = self
                .codec
                .write(&advertisement, source, to, wall, &mut self.message);
            let sent = match written {
                Ok(()) => self.network.send(to, &self.message),
                Err(error) => Err(io::Error::other(error)),
            };
            self.check(now, "cannot advertise", sent);
        }
    }

    /// Sets the addresses, or sets them anew.
    pub(super) fn add_addresses(&mut self, now: Instant) {
        let added = self.network.add_addresses(&self.addresses, self.lifetime);
        self.check(now, "cannot set its addresses", added);
        if !self.held && !self.routes.is_empty() {
            let added = self.network.add_routes(&self.routes);
            self.check(now, "cannot set its routes", added);
        }
        self.held = true;
        self.refresh = self.lifetime.map(|lifetime| now + lifetime / REFRESHES);
    }

    /// Removes them; also what a predecessor that was killed left.
    pub(super) fn remove_addresses(&mut self, now: Instant) {
        if !self.routes.is_empty() {
            let removed = self.network.remove_routes(&self.routes);
            self.check(now, "cannot remove its routes", removed);
        }
        let removed = self.network.remove_addresses(&self.addresses);
        self.check(now, "cannot remove its addresses", removed);
        self.held = false;
        self.refresh = None;
    }

    pub(super) fn announce(&mut self, now: Instant) {
        for at in 0..self.addresses.len() {
            let announced = self.network.announce(&self.addresses[at]);
            self.check(now, "cannot announce its addresses", announced);
        }
    }

    /// Whether `address` is one of those it sets.
    pub(super) fn has(&self, address: IpAddr) -> bool {
        self.addresses.iter().any(|own| own.ip() == address)
    }

    pub(super) fn probe(&mut self, now: Instant) {
        if let Some(first) = self.addresses.first() {
            let probed = self.network.probe(first);
            self.check(now, "cannot probe for its address", probed);
        }
    }

    /// Sets the addresses anew if it is time.
    pub(super) fn refresh_if_due(&mut self, now: Instant, state: State) {
        if state == State::Master && self.refresh.is_some_and(|due| due <= now) {
            self.add_addresses(now);
        }
    }

    /// Says what failed, once a minute while it goes on failing.
    pub(super) fn check(&mut self, now: Instant, what: &'static str, result: io::Result<()>) {
        if let Err(error) = result
            && self.is_news(now, Told::Failed(what))
        {
            self.said.push(Said::Trouble(format!("{what}: {error}")));
        }
    }

    fn is_news(&mut self, now: Instant, what: Told) -> bool {
        let news = self.told.get(&what).is_none_or(|at| now >= *at + AGAIN);
        if news {
            self.told.insert(what, now);
        }
        news
    }
}

/// So often within their lifetime the addresses are set anew: three of four may come late.
const REFRESHES: u32 = 4;

impl Drop for Port {
    /// A driver that is dropped while master leaves nothing behind.
    fn drop(&mut self) {
        if self.held {
            let _ = self.network.remove_routes(&self.routes);
            let _ = self.network.remove_addresses(&self.addresses);
        }
    }
}
