//! Totals of a server, under HAProxy's names where it has one.

use crate::sync::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// Totals since the server was declared; they survive every change of
        /// the set of servers.
        #[derive(Debug)]
        pub struct Counters {
            $($name: AtomicU64,)+
        }

        impl Default for Counters {
            fn default() -> Self {
                Self { $($name: AtomicU64::new(0),)+ }
            }
        }

        /// A reading of [`Counters`].
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
        pub struct Totals {
            $($(#[$doc])* pub $name: u64,)+
        }

        impl Counters {
            /// All totals as they are now.
            pub fn totals(&self) -> Totals {
                Totals { $($name: self.$name.load(Ordering::Relaxed),)+ }
            }

            /// Each total with its name.
            pub fn named(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name.load(Ordering::Relaxed)),)+].into_iter()
            }

            /// Adds to the total of this name what was counted elsewhere, such as by the process before this one; an
            /// unknown one is left out.
            pub fn add(&self, name: &str, more: u64) {
                match name {
                    $(stringify!($name) => {
                        self.$name.fetch_add(more, Ordering::Relaxed);
                    })+
                    _ => {}
                }
            }

            /// Begins at 0 again (`clear counters all`).
            pub fn reset(&self) {
                $(self.$name.store(0, Ordering::Relaxed);)+
            }

            $(
                #[doc = concat!("Counts one more of `", stringify!($name), "`.")]
                pub fn $name(&self) {
                    self.$name.fetch_add(1, Ordering::Relaxed);
                }
            )+
        }
    };
}

counters! {
    /// Requests that a policy sent here, and no persistence token (`lbtot`).
    selected,
    /// Connections that could not be made (`econ`).
    connection_errors,
    /// Answers that broke off, timed out or could not be parsed (`eresp`).
    response_errors,
    /// Attempts after a failed one (`wretr`).
    retries,
    /// Attempts taken to another server after this one failed (`wredis`).
    redispatches,
    /// Requests that waited for this server and gave up.
    queue_timeouts,
    /// Checks that failed (`chkfail`).
    failed_checks,
    /// Changes from UP to DOWN (`chkdown`).
    downs,
}
