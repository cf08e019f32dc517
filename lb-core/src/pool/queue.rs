//! Those who wait for a slot: HAProxy's two queues.
//!
//! A request that must go to one server waits in that server's queue, every
//! other one in the pool's. A freed slot goes to the better of the two heads,
//! *with* the slot: the waiter owns it when it wakes, so a newcomer cannot take
//! it away, and a waiter that has gone gives it back.
//!
//! No wake-up is lost, because the two sides cross: a waiter first stands in
//! line and then looks for a slot, a releaser first frees the slot and then
//! looks for a waiter, all by sequentially consistent atomics (`loom_tests`).

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    sync::Arc,
    task::{Context, Poll, Waker},
};

use crate::{
    server::{Server, ServerUid},
    sync::{AtomicU32, Mutex, Ordering, crossing, lock},
};

/// Where in the queue a request stands: lower goes first, equals in order of
/// arrival (`http-request set-priority-class`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Priority(pub i16);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Order(Priority, u64);

/// What a waiter is told.
pub(crate) enum Verdict<T> {
    /// It has a slot of this server.
    Granted(Arc<Server<T>>),
    /// The server it waited for cannot be used any more.
    PickAgain,
}

struct Waiter<T> {
    cell: Mutex<Cell<T>>,
}

struct Cell<T> {
    verdict: Option<Verdict<T>>,
    waker: Option<Waker>,
}

impl<T> Waiter<T> {
    /// The waker is for the caller to wake when it holds no lock: what it wakes
    /// may run at once, and leave this very queue.
    #[must_use]
    fn tell(&self, verdict: Verdict<T>) -> Option<Waker> {
        let mut cell = lock(&self.cell);
        cell.verdict = Some(verdict);
        cell.waker.take()
    }
}

/// A place in line.
pub(crate) struct Ticket<T> {
    order: Order,
    server: Option<Arc<Server<T>>>,
    ahead: u32,
    waiter: Arc<Waiter<T>>,
}

impl<T> Ticket<T> {
    /// The server it waits for, if not for any.
    pub(crate) fn server(&self) -> Option<&Arc<Server<T>>> {
        self.server.as_ref()
    }

    /// How many were in the same queue when it joined.
    pub(crate) fn ahead(&self) -> u32 {
        self.ahead
    }

    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<Verdict<T>> {
        let mut cell = lock(&self.waiter.cell);
        match cell.verdict.take() {
            Some(verdict) => Poll::Ready(verdict),
            None => {
                match &mut cell.waker {
                    Some(waker) => waker.clone_from(cx.waker()),
                    none => *none = Some(cx.waker().clone()),
                }
                Poll::Pending
            }
        }
    }
}

/// What [`Queue::grant`] did.
struct Grant {
    from_own: bool,
    waker: Option<Waker>,
}

type Line<T> = BTreeMap<Order, Arc<Waiter<T>>>;

struct Lines<T> {
    any: Line<T>,
    servers: HashMap<ServerUid, Line<T>, ahash::RandomState>,
    next: u64,
}

pub(crate) struct Queue<T> {
    lines: Mutex<Lines<T>>,
    waiting: AtomicU32,
    waiting_for_any: AtomicU32,
}

impl<T> Queue<T> {
    pub(crate) fn new() -> Self {
        Self {
            lines: Mutex::new(Lines {
                any: BTreeMap::new(),
                servers: HashMap::default(),
                next: 0,
            }),
            waiting: AtomicU32::new(0),
            waiting_for_any: AtomicU32::new(0),
        }
    }

    /// Everyone who waits.
    pub(crate) fn waiting(&self) -> u32 {
        self.waiting.load(Ordering::SeqCst)
    }

    /// Those who wait for any server.
    pub(crate) fn waiting_for_any(&self) -> u32 {
        self.waiting_for_any.load(Ordering::SeqCst)
    }

    /// Stands in line for `server`, or for any. The caller then calls
    /// [`serve`](Self::serve) for each server that may have a slot free.
    pub(crate) fn join(&self, server: Option<&Arc<Server<T>>>, priority: Priority) -> Ticket<T> {
        let waiter = Arc::new(Waiter {
            cell: Mutex::new(Cell {
                verdict: None,
                waker: None,
            }),
        });
        let mut lines = lock(&self.lines);
        let order = Order(priority, lines.next);
        lines.next += 1;
        let line = match server {
            Some(server) => {
                server.load().enter_queue();
                lines.servers.entry(server.uid()).or_default()
            }
            None => {
                self.waiting_for_any.fetch_add(1, Ordering::SeqCst);
                &mut lines.any
            }
        };
        let ahead = u32::try_from(line.len()).unwrap_or(u32::MAX);
        line.insert(order, Arc::clone(&waiter));
        self.waiting.fetch_add(1, Ordering::SeqCst);
        crossing();
        Ticket {
            order,
            server: server.cloned(),
            ahead,
            waiter,
        }
    }

    /// Gives up. Returns the verdict that came too late, if one did: a slot in
    /// it is the caller's to give back.
    pub(crate) fn leave(&self, ticket: &Ticket<T>) -> Option<Verdict<T>> {
        let mut lines = lock(&self.lines);
        let removed = match &ticket.server {
            None => lines.any.remove(&ticket.order).is_some(),
            Some(server) => match lines.servers.entry(server.uid()) {
                Entry::Vacant(_) => false,
                Entry::Occupied(mut line) => {
                    let removed = line.get_mut().remove(&ticket.order).is_some();
                    if line.get().is_empty() {
                        line.remove();
                    }
                    removed
                }
            },
        };
        if removed {
            self.left(ticket.server.as_deref());
        }
        drop(lines);
        lock(&ticket.waiter.cell).verdict.take()
    }

    /// Grants slots of `server`, each taken by `take`, to the best of its own
    /// line and, if it serves `any`, the pool's, until no slot or nobody is
    /// left. Says whether anyone left the server's own line.
    pub(crate) fn serve(
        &self,
        server: &Arc<Server<T>>,
        any: bool,
        take: impl Fn() -> bool,
    ) -> bool {
        let mut left_own = false;
        while let Some(grant) = self.grant(server, any, &take) {
            left_own |= grant.from_own;
            if let Some(waker) = grant.waker {
                waker.wake();
            }
        }
        left_own
    }

    /// One slot to the better of the two heads. The verdict is given before the
    /// line is unlocked: who leaves must find it, or the slot would be lost.
    fn grant(&self, server: &Arc<Server<T>>, any: bool, take: impl Fn() -> bool) -> Option<Grant> {
        let mut lines = lock(&self.lines);
        let lines = &mut *lines;
        let mut own = match lines.servers.entry(server.uid()) {
            Entry::Occupied(line) => Some(line),
            Entry::Vacant(_) => None,
        };
        let own_head = own.as_ref().and_then(|line| head(line.get()));
        let any_head = any.then(|| head(&lines.any)).flatten();
        let from_own = match (own_head, any_head) {
            (None, None) => return None,
            (Some(own), Some(any)) => own < any,
            (own, None) => own.is_some(),
            (None, Some(_)) => false,
        };
        if !take() {
            return None;
        }
        let waiter = match &mut own {
            Some(line) if from_own => line.get_mut().pop_first(),
            _ => lines.any.pop_first(),
        };
        self.left(from_own.then_some(&**server));
        if let Some(line) = own.filter(|line| line.get().is_empty()) {
            line.remove();
        }
        let (_, waiter) = waiter.expect("the line has a head");
        Some(Grant {
            from_own,
            waker: waiter.tell(Verdict::Granted(Arc::clone(server))),
        })
    }

    /// Sends everyone who waits for `server` back to pick again.
    pub(crate) fn evict(&self, server: &Server<T>) {
        let line = lock(&self.lines).servers.remove(&server.uid());
        for waiter in line.into_iter().flat_map(BTreeMap::into_values) {
            self.left(Some(server));
            if let Some(waker) = waiter.tell(Verdict::PickAgain) {
                waker.wake();
            }
        }
    }

    fn left(&self, server: Option<&Server<T>>) {
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        match server {
            Some(server) => server.load().leave_queue(),
            None => {
                self.waiting_for_any.fetch_sub(1, Ordering::SeqCst);
            }
        }
    }
}

fn head<T>(line: &Line<T>) -> Option<Order> {
    line.first_key_value().map(|(&order, _)| order)
}
