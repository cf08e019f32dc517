//! What the process knows of itself, told to its virtual routers.

use std::sync::Arc;

use lb_vrrp::{Vrrp, machine::Effect};

use crate::{
    plan::TrackedBackend,
    run::{RunningBackend, RunningFrontend},
};

/// Tells whether `backend` has enough servers (config's `track_backends`).
pub(super) fn backend(
    vrrp: &Vrrp,
    backend: Arc<RunningBackend>,
    tracked: TrackedBackend,
) -> impl Future<Output = ()> + use<> {
    let handle = vrrp.tracker(Effect::Fine);
    async move {
        let needed = tracked.min_up as usize;
        loop {
            let changed = backend.pool().changed();
            let snapshot = backend.pool().snapshot();
            let up = snapshot.all().iter().filter(|it| it.is_usable()).count();
            let name = backend.plan().name();
            let why = format!("backend {name} has {up} usable servers, and {needed} are needed");
            handle.weigh(tracked.weight, Some(up >= needed), &why);
            changed.await;
        }
    }
}

/// Tells whether `frontend` accepts (config's `track_frontends`).
pub(super) fn frontend(
    vrrp: &Vrrp,
    frontend: Arc<RunningFrontend>,
) -> impl Future<Output = ()> + use<> {
    let handle = vrrp.tracker(Effect::Fine);
    let mut refusing = frontend.life.refusing.subscribe();
    async move {
        let name = frontend.plan().name();
        let why = format!("frontend {name} does not accept");
        loop {
            let accepts = *refusing.borrow_and_update() == 0;
            handle.weigh(0, Some(accepts), &why);
            if refusing.changed().await.is_err() {
                return;
            }
        }
    }
}
