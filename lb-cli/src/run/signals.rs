//! Signals: SIGTERM drains, SIGINT cuts, SIGHUP and SIGUSR2 reload.
//!
//! They are caught before the first client is served, so that none finds the
//! process without an answer.

use std::io;

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::sleep,
};

use super::{Live, Reload, RunError, System, shared::Phase, vrrp::Virtual};
use crate::log::Level;

/// The signals sent to this process.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    user2: Signal,
}

/// What a signal asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Drain,
    Stop,
}

impl Signals {
    /// Catches signals from now on, on the runtime that this is called in.
    pub(super) fn catch() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            user2: signal(SignalKind::user_defined2())?,
        })
    }

    async fn next(&mut self, reload: &Reload) -> Asked {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return Asked::Drain,
                _ = self.interrupt.recv() => return Asked::Stop,
                _ = self.hangup.recv() => {}
                _ = self.user2.recv() => {}
            }
            // What there is to say about it is in the log. A signal that comes meanwhile is another reload.
            let _ = reload.reload().await;
        }
    }

    async fn interrupted(&mut self, reload: &Reload) {
        while self.next(reload).await != Asked::Stop {}
    }

    /// Waits until the process is told to stop.
    ///
    /// On SIGTERM it first gives the virtual addresses away, and goes on serving until their
    /// successors have them: no request falls between the two nodes.
    ///
    /// # Errors
    ///
    /// The thread of VRRP has ended by itself. The process drains then: as it is, its supervisor
    /// would never know.
    pub(super) async fn until_stopped(
        &mut self,
        live: &Live,
        reload: &Reload,
        vrrp: Option<&Virtual>,
    ) -> Result<(), RunError> {
        let system = &*live.system();
        let mut phase = system.shared.phase.subscribe();
        let ended = async {
            match vrrp {
                Some(vrrp) => vrrp.ended().await,
                None => std::future::pending().await,
            }
        };
        let asked = tokio::select! {
            asked = self.next(reload) => Some(asked),
            _ = phase.wait_for(|phase| *phase != Phase::Run) => None,
            () = ended => {
                system.stop();
                let error = RunError::VrrpEnded;
                system.log().say(Level::Emerg, &format!("stopping: {error}"));
                return Err(error);
            }
        };
        let asked = match (asked, vrrp) {
            (Some(Asked::Drain), Some(vrrp)) => {
                system
                    .log()
                    .notice("stopping on SIGTERM: virtual addresses are given away");
                tokio::select! {
                    () = vrrp.give_away() => asked,
                    () = self.interrupted(reload) => Some(Asked::Stop),
                }
            }
            _ => asked,
        };
        let why = match asked {
            Some(asked) => match asked {
                Asked::Drain => {
                    system.stop();
                    "stopping on SIGTERM: no new connections"
                }
                Asked::Stop => {
                    system.shared.cut();
                    if let Some(vrrp) = vrrp {
                        tokio::select! {
                            () = vrrp.give_away() => {}
                            () = self.interrupted(reload) => {}
                        }
                    }
                    "stopping on SIGINT: connections are cut"
                }
            },
            None => "stopping: no new connections",
        };
        system.log().notice(why);
        Ok(())
    }

    /// Waits until the workers are idle, but cuts them off at the deadline or on
    /// SIGINT. Another SIGTERM changes nothing: a supervisor's must not cost the
    /// requests that the operator's began to drain.
    pub(super) async fn drain(&mut self, system: &System, reload: &Reload) {
        tokio::select! {
            // Workers hold receivers for as long as they run; this task holds none.
            () = system.shared.phase.closed() => return,
            () = sleep(system.hard_stop_after()) => {
                system.log().notice("stopping: the time is over, connections are cut");
            }
            () = self.interrupted(reload) => {}
        }
        system.shared.cut();
    }
}
