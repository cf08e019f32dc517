//! What the rest of the program sees of a virtual router.

use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::{mpsc, watch};

use super::handle::{Order, Vrrp};
use super::mastery::Mastery;
use crate::machine::{Machine, RouterIndex, Settings, State, Transition, master_down};
use crate::status::Status;

/// The driver's end of a [`Vrrp`] handle.
pub(super) struct Publisher {
    status: watch::Sender<Status>,
    mastery: Mastery,
}

impl Publisher {
    pub(super) fn new(
        settings: &Settings,
        name: Arc<str>,
        interface: Arc<str>,
        orders: mpsc::UnboundedSender<Order>,
        index: RouterIndex,
    ) -> (Self, Vrrp) {
        let (status, watched) = watch::channel(Status {
            name,
            interface,
            id: settings.id(),
            version: settings.version(),
            family: settings.family(),
            state: State::Initialize,
            priority: settings.priority(),
            source: None,
            master: None,
            since: SystemTime::now(),
            reason: "not started".into(),
            addresses: settings.addresses().into(),
        });
        let mastery = Mastery::default();
        let down = master_down(
            settings.version(),
            settings.priority(),
            settings.interval(),
            3,
        );
        let handle = Vrrp::new(index, watched, mastery.clone(), orders, down);
        (Self { status, mastery }, handle)
    }

    pub(super) fn interface(&self) -> Arc<str> {
        self.status.borrow().interface.clone()
    }

    /// The state has changed: the request path hears it first.
    pub(super) fn transition(&self, transition: &Transition) {
        self.mastery.set(transition.to == State::Master);
        self.status.send_modify(|status| {
            status.state = transition.to;
            status.since = SystemTime::now();
            status.reason = transition.reason.to_string().into();
        });
    }

    /// Shows what changes without a transition.
    pub(super) fn refresh(&self, machine: &Machine) {
        let (priority, source, master) = (machine.priority(), machine.source(), machine.master());
        self.status.send_if_modified(|status| {
            let same =
                (status.priority, status.source, status.master) == (priority, source, master);
            (status.priority, status.source, status.master) = (priority, source, master);
            !same
        });
    }
}

impl Drop for Publisher {
    /// Without a driver nobody is master here.
    fn drop(&mut self) {
        self.mastery.set(false);
    }
}
