//! Stopping: SIGTERM drains, SIGINT cuts.

use std::{future::Future, io};

use tokio::{
    signal::unix::{SignalKind, signal},
    time::sleep,
};

use super::{System, system::Phase};

/// Runs `work` until the process is told to stop.
pub(super) async fn until_stopped(system: &System, work: impl Future<Output = ()>) {
    let mut phase = system.phase.subscribe();
    tokio::select! {
        () = work => {}
        () = received(SignalKind::terminate()) => system.stop(),
        () = received(SignalKind::interrupt()) => drop(system.phase.send_replace(Phase::Stop)),
        _ = phase.wait_for(|phase| *phase != Phase::Run) => {}
    }
}

/// Waits until the workers are idle, but cuts them off at the deadline or on
/// SIGINT.
pub(super) async fn drain(system: &System) {
    let idle = async {
        // Workers hold receivers for as long as they run; this task holds none.
        system.phase.closed().await;
    };
    tokio::select! {
        () = idle => {}
        () = sleep(system.hard_stop_after) => {
            system.log().notice("stopping: connections are cut, the time is over");
        }
        () = received(SignalKind::interrupt()) => {}
    }
    system.phase.send_replace(Phase::Stop);
}

async fn received(kind: SignalKind) {
    let wait: io::Result<()> = async {
        signal(kind)?.recv().await;
        Ok(())
    }
    .await;
    if wait.is_err() {
        // Without a handler the signal ends the process by itself.
        std::future::pending::<()>().await;
    }
}
