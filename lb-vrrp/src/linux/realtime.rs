//! The priority of the thread that advertises.
//!
//! An advertisement that is late by three intervals costs a failover. A thread of its own under
//! SCHED_RR is run before every ordinary one; it sleeps nearly always, so that costs nobody.
//!
//! RLIMIT_RTTIME, by which Keepalived guards itself, is not set: it is the process's limit, its
//! signal ends the process, and with it would end the load balancer. Should the thread spin, the
//! kernel's own guard leaves the rest 5 % of the time (`kernel.sched_rt_runtime_us`).

use std::fmt;

use rustix::process::setpriority_process;

use crate::sys;

/// The lowest: whatever is real-time on this host already goes first.
const PRIORITY: u8 = 1;
const NICE: i32 = -10;

/// How a thread is scheduled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scheduling {
    /// SCHED_RR with this priority: before every ordinary thread. Needs CAP_SYS_NICE, or
    /// RLIMIT_RTPRIO.
    RoundRobin(u8),
    /// An ordinary thread with this nice value. Needs CAP_SYS_NICE, or RLIMIT_NICE.
    Nice(i32),
    /// As every other thread.
    Ordinary,
}

impl fmt::Display for Scheduling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RoundRobin(priority) => write!(f, "SCHED_RR {priority}"),
            Self::Nice(value) => write!(f, "nice {value}"),
            Self::Ordinary => f.write_str("ordinary"),
        }
    }
}

/// Prefers the calling thread, as far as this process may; says what it got, for the log. What it
/// starts later is ordinary again under SCHED_RR; a nice value is inherited.
pub fn prefer() -> Scheduling {
    if sys::set_round_robin(PRIORITY).is_ok() {
        return Scheduling::RoundRobin(PRIORITY);
    }
    // `None` is the calling thread on Linux, not the whole process.
    if setpriority_process(None, NICE).is_ok() {
        return Scheduling::Nice(NICE);
    }
    Scheduling::Ordinary
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_gets_what_it_says_and_its_children_do_not() {
        let got = std::thread::spawn(|| {
            let got = prefer();
            let mine = sys::policy();
            let child = std::thread::spawn(sys::policy).join().unwrap();
            (got, mine, child)
        });
        let (got, mine, child) = got.join().unwrap();
        let expected = match got {
            Scheduling::RoundRobin(PRIORITY) => libc::SCHED_RR,
            _ => libc::SCHED_OTHER,
        };
        assert_eq!(mine, expected);
        assert_eq!(child, libc::SCHED_OTHER);
        assert_eq!(
            sys::policy(),
            libc::SCHED_OTHER,
            "no other thread is touched"
        );
    }
}
