//! The handle of one virtual router.

use std::future::Future;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};

use super::{Driver, Mastery};
use crate::gate::GateLayer;
use crate::machine::{Effect, Event, RouterIndex, Statistics, Tracker};
use crate::packet::Refusals;
use crate::status::Status;

/// One virtual router, seen and steered from the program: cheap to clone, usable from any task.
///
/// Made by [`Vrrp::builder`], or by [`Driver::add`](super::Driver::add) where there are several.
#[derive(Clone, Debug)]
pub struct Vrrp {
    shared: Arc<Shared>,
    /// Its driver, where it is its own and is not run yet.
    driver: Option<Arc<Mutex<Option<Driver>>>>,
}

#[derive(Debug)]
struct Shared {
    index: RouterIndex,
    status: watch::Receiver<Status>,
    mastery: Mastery,
    orders: mpsc::UnboundedSender<Order>,
    trackers: AtomicU16,
    down: Duration,
}

/// What a handle asks of the driver.
#[derive(Debug)]
pub(super) enum Order {
    Event(RouterIndex, Event),
    Inspect(RouterIndex, oneshot::Sender<Detail>),
    Stop(oneshot::Sender<()>),
}

/// What a virtual router counted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Detail {
    /// Its machine's counters.
    pub statistics: Statistics,
    /// The packets that were refused, by reason.
    pub refusals: Refusals,
}

/// The driver of a virtual router is not running.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("VRRP is not running")]
pub struct NotRunning;

/// It runs already, or its driver is not its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the virtual router runs already")]
pub struct NotRunnable;

impl Vrrp {
    pub(super) fn new(
        index: RouterIndex,
        status: watch::Receiver<Status>,
        mastery: Mastery,
        orders: mpsc::UnboundedSender<Order>,
        down: Duration,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                index,
                status,
                mastery,
                orders,
                trackers: AtomicU16::new(0),
                down,
            }),
            driver: None,
        }
    }

    /// The handle of a virtual router that has a driver for itself.
    pub(crate) fn with_driver(mut self, driver: Arc<Mutex<Option<Driver>>>) -> Self {
        self.driver = Some(driver);
        self
    }

    /// Runs the virtual router until [`stop`](Self::stop); dropped before, it gives its
    /// addresses up at once. The future is its own: the handle goes on showing what it does.
    ///
    /// # Errors
    /// If it runs already, or belongs to a [`Driver`] that runs several.
    pub fn run(&self) -> impl Future<Output = Result<(), NotRunnable>> + Send + use<> {
        let take = |driver: &Arc<Mutex<Option<Driver>>>| {
            let mut slot = driver.lock().unwrap_or_else(PoisonError::into_inner);
            slot.take()
        };
        let driver = self.driver.as_ref().and_then(take);
        async move {
            driver.ok_or(NotRunnable)?.run().await;
            Ok(())
        }
    }

    pub(super) fn index(&self) -> RouterIndex {
        self.shared.index
    }

    /// Whether this node has the addresses now.
    pub fn is_master(&self) -> bool {
        self.shared.mastery.is_master()
    }

    /// What it is doing now.
    pub fn status(&self) -> Status {
        self.shared.status.borrow().clone()
    }

    /// Follows what it is doing.
    pub fn watch(&self) -> watch::Receiver<Status> {
        self.shared.status.clone()
    }

    /// A layer that answers 503 with `Retry-After` while this node is not master.
    pub fn gate(&self) -> GateLayer {
        GateLayer::new(self.shared.mastery.clone(), self.shared.down)
    }

    /// Something the program tracks for this virtual router, with what it says at first. Where
    /// the virtual router must not start before more is known, that is [`Effect::Pending`].
    pub fn tracker(&self, at_first: Effect) -> TrackHandle {
        let number = self.shared.trackers.fetch_add(1, Ordering::Relaxed);
        let handle = TrackHandle {
            index: self.shared.index,
            tracker: Tracker(number),
            orders: self.shared.orders.clone(),
        };
        handle.set(at_first);
        handle
    }

    /// Asks a master to let another node take over. It stays master until that one is heard, and
    /// if nobody takes over.
    ///
    /// # Errors
    /// If the driver is not running.
    pub fn hand_over(&self) -> Result<(), NotRunning> {
        self.order(Order::Event(self.shared.index, Event::HandOver))
    }

    /// Its counters.
    ///
    /// # Errors
    /// If the driver is not running.
    pub async fn inspect(&self) -> Result<Detail, NotRunning> {
        let (answer, detail) = oneshot::channel();
        self.order(Order::Inspect(self.shared.index, answer))?;
        detail.await.map_err(|_| NotRunning)
    }

    /// Stops the driver, and with it all its virtual routers: a master says so, and gives the
    /// addresses away when its successor is heard. Done when that is done.
    ///
    /// # Errors
    /// If the driver is not running.
    pub async fn stop(&self) -> Result<(), NotRunning> {
        let (done, stopped) = oneshot::channel();
        self.order(Order::Stop(done))?;
        stopped.await.map_err(|_| NotRunning)
    }

    fn order(&self, order: Order) -> Result<(), NotRunning> {
        self.shared.orders.send(order).map_err(|_| NotRunning)
    }
}

/// Something tracked, from the side of who knows: Keepalived's `track_script` and its kin, told
/// from within the process.
#[derive(Clone, Debug)]
pub struct TrackHandle {
    index: RouterIndex,
    tracker: Tracker,
    orders: mpsc::UnboundedSender<Order>,
}

impl TrackHandle {
    /// Says what it is now. Without a driver there is nobody to listen.
    pub fn set(&self, effect: Effect) {
        let tracker = self.tracker;
        let event = Event::Tracked { tracker, effect };
        let _ = self.orders.send(Order::Event(self.index, event));
    }

    /// Says whether it is well, as Keepalived counts a `weight`: 0 makes a failure a fault, a
    /// positive one is added while it is well, a negative one while it is not. `None` is not
    /// known yet. `why` is for the log.
    pub fn weigh(&self, weight: i16, well: Option<bool>, why: &str) {
        self.set(match (weight, well) {
            (0, None) => Effect::Pending,
            (0, Some(false)) => Effect::Fault(why.into()),
            (1.., Some(true)) | (..0, Some(false)) => Effect::Weight(weight),
            _ => Effect::Fine,
        });
    }
}
