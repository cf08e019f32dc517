//! Runs virtual routers: joins their machines to the network, the peer link, scripts and time.
//!
//! A [`Driver`] is one future. It spawns no task and no thread; where advertisements must not
//! wait for a busy program, the program gives it a thread with a runtime of its own
//! (`lb serve` does).
//!
//! In each round packets are read first, then what is due is done: after a pause it is the
//! packets that say what happened meanwhile.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tokio::time::Sleep;

mod act;
mod allowance;
mod checks;
mod handle;
mod instance;
mod mastery;
mod peers;
mod port;
mod publish;
mod report;

pub use self::handle::{Detail, NotRunnable, NotRunning, TrackHandle, Vrrp};
pub use self::instance::Instance;
pub(crate) use self::mastery::Mastery;
pub use self::report::{Report, Said, Severity};

use self::checks::Checks;
use self::handle::Order;
use self::peers::Peers;
use self::port::Port;
use self::publish::Publisher;
use crate::link::PeerLink;
use crate::machine::{Effect, Event, Router, RouterIndex, Tracker};
use crate::network::NetworkEvent;
use crate::packet::Codec;
use crate::script::{Notifier, Script, Subject};
use crate::witness::Watch;

/// A set of virtual routers that one future runs.
pub struct Driver {
    router: Router,
    seats: Vec<Seat>,
    checks: Checks,
    peers: Option<Peers>,
    orders: mpsc::UnboundedReceiver<Order>,
    order: mpsc::UnboundedSender<Order>,
    observer: Box<dyn FnMut(&Report) + Send>,
    stopping: Vec<oneshot::Sender<()>>,
    sleep: Option<Pin<Box<Sleep>>>,
    /// What is done after the packets of a round are read.
    late: Vec<(RouterIndex, Event)>,
}

/// What one virtual router has beside its machine.
struct Seat {
    port: Port,
    publisher: Publisher,
    notifier: Option<Notifier>,
    witness: Option<Watch>,
    /// What was last said of it.
    reached: Option<bool>,
    /// Interfaces that are only tracked, with their weights.
    interfaces: Vec<(String, TrackHandle, i16)>,
    /// Its network could not be read, and when that is tried again.
    deaf: Option<Instant>,
}

/// So long after its network could not be read a virtual router is in fault at least. What came
/// of a moment, such as a lack of descriptors, does not keep it there.
const READ_AGAIN: Duration = Duration::from_secs(1);

/// The longest that the last notify programs of a virtual router may take, each of them limited
/// itself.
const LAST_WORDS: Duration = Duration::from_secs(4);

impl Seat {
    fn interface(&self, name: &str, up: bool) {
        for (_, handle, weight) in self.interfaces.iter().filter(|(n, ..)| n == name) {
            handle.weigh(*weight, Some(up), &format!("interface {name} is down"));
        }
    }
}

/// The tracker by which the driver says that a network failed; handles count from the other end.
const NETWORK: Tracker = Tracker(u16::MAX);

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("router", &self.router)
            .finish_non_exhaustive()
    }
}

impl Default for Driver {
    fn default() -> Self {
        Self::new()
    }
}

impl Driver {
    /// A driver without virtual routers.
    pub fn new() -> Self {
        let (order, orders) = mpsc::unbounded_channel();
        Self {
            router: Router::new(),
            seats: Vec::new(),
            checks: Checks::default(),
            peers: None,
            orders,
            order,
            observer: Box::new(|_| ()),
            stopping: Vec::new(),
            sleep: None,
            late: Vec::new(),
        }
    }

    /// Adds a virtual router, and gives the handle by which the program sees and steers it.
    pub fn add(&mut self, instance: Instance) -> Vrrp {
        let destinations = if instance.peers.is_empty() {
            vec![instance.settings.family().group()]
        } else {
            instance.peers
        };
        let (publisher, handle) = Publisher::new(
            &instance.settings,
            instance.name.clone(),
            instance.interface.clone(),
            self.order.clone(),
            RouterIndex(self.seats.len()),
        );
        self.seats.push(Seat {
            port: Port::new(
                instance.network,
                Codec::new(instance.format),
                instance.addresses,
                instance.routes,
                destinations,
                instance.lifetime,
                now(),
            ),
            publisher,
            notifier: instance
                .notify
                .map(|notify| notify.notifier(Subject::Instance, &*instance.name)),
            witness: instance
                .witness
                .map(|witness| witness.watch(&*instance.interface)),
            reached: None,
            interfaces: instance
                .interfaces
                .into_iter()
                .map(|(name, weight)| (name, handle.tracker(Effect::Fine), weight))
                .collect(),
            deaf: None,
        });
        self.router.add(instance.name, instance.settings);
        handle
    }

    /// Ties virtual routers of this driver together: a sync group.
    pub fn group<'a>(&mut self, members: impl IntoIterator<Item = &'a Vrrp>) {
        self.router.group(members.into_iter().map(Vrrp::index));
    }

    /// Checks by this script, for every virtual router in `tracked` with its own weight; 0 means
    /// that a failure is a fault.
    pub fn track_script<'a>(
        &mut self,
        script: &Script,
        tracked: impl IntoIterator<Item = (&'a Vrrp, i16)>,
    ) {
        let track = |(vrrp, weight): (&Vrrp, i16)| (vrrp.tracker(Effect::Fine), weight);
        self.checks
            .add(script, tracked.into_iter().map(track).collect());
    }

    /// Joins this node to its peers.
    pub fn link(&mut self, link: PeerLink) {
        self.peers = Some(Peers::new(link));
    }

    /// Says everything worth a line in a log to `observer`, beside [`tracing`].
    pub fn observe(&mut self, observer: impl FnMut(&Report) + Send + 'static) {
        self.observer = Box::new(observer);
    }

    /// Runs until [`Vrrp::stop`] is called on any handle and every address is given away.
    /// Dropped before that, it removes the addresses at once.
    pub async fn run(mut self) {
        self.begin().await;
        while !(self.is_stopping() && self.router.is_stopped()) {
            let deadline = self.deadline();
            poll_fn(|cx| self.poll_round(cx, deadline)).await;
        }
        self.end().await;
    }

    /// Reads what is known before the first step, and clears what a killed predecessor left.
    async fn begin(&mut self) {
        let now = now();
        for index in self.router.indices() {
            // An owner's addresses may be there without VRRP.
            if !self.router.machine(index).priority().is_owner() {
                self.seats[index.0].port.remove_addresses(now);
            }
            self.ask_witness(now, index);
        }
        poll_fn(|cx| {
            self.poll_orders(cx);
            self.poll_networks(cx);
            Poll::Ready(())
        })
        .await;
        self.router.start(now);
        self.act(now);
    }

    fn is_stopping(&self) -> bool {
        !self.stopping.is_empty()
    }

    /// Says goodbye, lets the last notify programs run, and answers who waits for the end.
    async fn end(&mut self) {
        if let Some(peers) = self.peers.take() {
            peers.close();
        }
        for (index, seat) in self.router.indices().zip(&mut self.seats) {
            if let Some(notifier) = &mut seat.notifier {
                notifier.stop(self.router.machine(index).priority().0);
                let told = async { while notifier.next().await.is_some() {} };
                // A program may be stuck in the kernel.
                let _ = tokio::time::timeout(LAST_WORDS, told).await;
            }
        }
        for waiting in self.stopping.drain(..) {
            let _ = waiting.send(());
        }
    }

    /// When the next round begins if nothing happens before.
    fn deadline(&self) -> Option<Instant> {
        let ports = self.seats.iter().map(|seat| &seat.port);
        let refresh = ports.clone().filter_map(Port::refresh_due);
        let resume = ports.filter_map(|port| port.allowance.resume());
        let again = self.seats.iter().filter_map(|seat| seat.deaf);
        refresh
            .chain(resume)
            .chain(again)
            .chain(self.router.poll_timeout())
            .min()
    }

    /// One round: everything that came in, then everything that is due.
    fn poll_round(&mut self, cx: &mut Context<'_>, deadline: Option<Instant>) -> Poll<()> {
        let mut busy = self.poll_networks(cx);
        busy |= self.poll_orders(cx);
        busy |= self.poll_checks(cx);
        busy |= self.poll_peers(cx);
        busy |= self.poll_programs(cx);
        let now = now();
        let due = deadline.is_some_and(|deadline| deadline <= now);
        if busy || due {
            self.router.handle_timeout(now);
            self.act(now);
            return Poll::Ready(());
        }
        self.poll_sleep(cx, deadline)
    }

    fn poll_networks(&mut self, cx: &mut Context<'_>) -> bool {
        let mut busy = false;
        for index in self.router.indices() {
            while let Some(event) = self.poll_network(cx, index) {
                busy = true;
                self.network_event(index, event);
            }
        }
        let now = now();
        for (index, event) in std::mem::take(&mut self.late) {
            busy = true;
            self.router.handle_event(now, index, event);
        }
        busy
    }

    fn poll_network(&mut self, cx: &mut Context<'_>, index: RouterIndex) -> Option<NetworkEvent> {
        let now = now();
        let seat = &mut self.seats[index.0];
        if seat.deaf.is_some_and(|until| now < until) {
            return None;
        }
        if !seat.port.allowance.take(now) {
            self.router.handle_event(now, index, Event::Overrun);
            return None;
        }
        let polled = seat.port.network.poll_event(cx);
        let effect = match &polled {
            Poll::Ready(Err(error)) => {
                let what = format!("the network cannot be read: {error}");
                seat.deaf = Some(now + READ_AGAIN);
                Some(Effect::Fault(what.into()))
            }
            _ => seat.deaf.take().map(|_| Effect::Fine),
        };
        if let Some(effect) = effect {
            let tracker = NETWORK;
            let event = Event::Tracked { tracker, effect };
            self.late.push((index, event));
        }
        match polled {
            Poll::Pending => {
                seat.port.allowance.give_back();
                None
            }
            Poll::Ready(event) => event.ok(),
        }
    }

    fn network_event(&mut self, index: RouterIndex, event: NetworkEvent) {
        let now = now();
        let seat = &mut self.seats[index.0];
        match event {
            NetworkEvent::Received(datagram) => {
                if let Some(heard) = seat.port.receive(now, &datagram) {
                    self.router
                        .handle_advertisement(now, index, datagram.source, &heard);
                }
            }
            NetworkEvent::Interface(state) => {
                seat.port.codec.set_source(state.source);
                let (up, source) = (state.up, state.source);
                let event = Event::Interface { up, source };
                self.router.handle_event(now, index, event);
            }
            NetworkEvent::Tracked { interface, up } => seat.interface(&interface, up),
            NetworkEvent::Claimed { address, by } => {
                if let Some(witness) = &mut seat.witness {
                    witness.answered(address);
                }
                if seat.port.has(address) {
                    self.router
                        .handle_event(now, index, Event::Claimed { address, by });
                }
            }
            // Whether it is missed depends on what the packets of this round say.
            NetworkEvent::Lost(address) => self.late.push((index, Event::Lost { address })),
        }
    }

    fn poll_orders(&mut self, cx: &mut Context<'_>) -> bool {
        let mut busy = false;
        while let Poll::Ready(Some(order)) = self.orders.poll_recv(cx) {
            busy = true;
            let now = now();
            match order {
                Order::Event(index, event) => self.router.handle_event(now, index, event),
                Order::Inspect(index, answer) => {
                    let _ = answer.send(Detail {
                        statistics: self.router.machine(index).statistics(),
                        refusals: self.seats[index.0].port.codec.refusals().clone(),
                    });
                }
                Order::Stop(done) => {
                    self.stopping.push(done);
                    self.router.stop(now);
                }
            }
        }
        busy
    }
}

/// The clock: tokio's, so that a paused one holds.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
