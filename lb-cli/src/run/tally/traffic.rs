//! What is counted of a frontend, a backend or a server, and its totals.

use std::ops::AddAssign;

use super::{Phase, Tally, Time};

/// Declares what is counted, once: where a worker counts it, and what all workers have counted together.
macro_rules! counts {
    (
        sums { $($(#[$sum_doc:meta])* $sum:ident,)+ }
        rows { $($(#[$row_doc:meta])* $row:ident: $width:literal,)+ }
        maxima { $($(#[$max_doc:meta])* $max:ident,)+ }
        times { $($(#[$last_doc:meta])* $last:ident,)+ }
        phases { $($(#[$phase_doc:meta])* $phase:ident,)+ }
    ) => {
        /// What is counted of a frontend, a backend or a server.
        #[derive(Debug, Default)]
        #[repr(align(128))] // Two cache lines, which processors fetch in pairs.
        pub(in crate::run) struct Traffic {
            $($(#[$sum_doc])* pub(in crate::run) $sum: Tally,)+
            $($(#[$row_doc])* pub(in crate::run) $row: [Tally; $width],)+
            $($(#[$max_doc])* pub(in crate::run) $max: Tally,)+
            $($(#[$last_doc])* pub(in crate::run) $last: Tally,)+
            $($(#[$phase_doc])* pub(in crate::run) $phase: Phase,)+
        }

        impl Traffic {
            /// Forgets the most there ever was, and with `averages` how long phases took (`clear counters`).
            pub(in crate::run) fn forget(&self, averages: bool) {
                $(self.$max.reset();)+
                $(self.$phase.forget(averages);)+
            }

            /// Is all of `totals` from now on. For the one thread that counts here.
            pub(in crate::run) fn become_all(&self, totals: &Totals) {
                $(self.$sum.set(totals.$sum);)+
                $(for (tally, total) in self.$row.iter().zip(totals.$row) {
                    tally.set(total);
                })+
                $(self.$max.set(totals.$max);)+
                $(self.$last.set(totals.$last);)+
                $(self.$phase.become_all(&totals.$phase);)+
            }

            pub(super) fn totals(&self) -> Totals {
                Totals {
                    $($sum: self.$sum.now(),)+
                    $($row: std::array::from_fn(|at| self.$row[at].now()),)+
                    $($max: self.$max.now(),)+
                    $($last: self.$last.now(),)+
                    $($phase: self.$phase.time(),)+
                }
            }
        }

        /// What all workers have counted.
        #[derive(Clone, Copy, Debug, Default)]
        pub struct Totals {
            $($(#[$sum_doc])* pub $sum: u64,)+
            $($(#[$row_doc])* pub $row: [u64; $width],)+
            $($(#[$max_doc])* pub $max: u64,)+
            $($(#[$last_doc])* pub $last: u64,)+
            $($(#[$phase_doc])* pub $phase: Time,)+
        }

        impl Totals {
            /// What has come since `base`; maxima, averages and times are as they are.
            pub(in crate::run) fn since(mut self, base: &Self) -> Self {
                $(self.$sum = self.$sum.saturating_sub(base.$sum);)+
                $(for (sum, base) in self.$row.iter_mut().zip(base.$row) {
                    *sum = sum.saturating_sub(base);
                })+
                self
            }

            /// Each number with its name, to read or to write. Times are of this process only, and left out.
            pub(in crate::run) fn each(&mut self, mut visit: impl FnMut(&str, &mut u64)) {
                $(visit(stringify!($sum), &mut self.$sum);)+
                $(for (at, value) in self.$row.iter_mut().enumerate() {
                    visit(&format!("{}.{at}", stringify!($row)), value);
                })+
                $(visit(stringify!($max), &mut self.$max);)+
                $(self.$phase.each(|name, value| {
                    visit(&format!("{}.{name}", stringify!($phase)), value);
                });)+
            }
        }

        impl AddAssign for Totals {
            fn add_assign(&mut self, other: Self) {
                $(self.$sum += other.$sum;)+
                $(for (sum, each) in self.$row.iter_mut().zip(other.$row) {
                    *sum += each;
                })+
                $(self.$max = self.$max.max(other.$max);)+
                $(self.$last = self.$last.max(other.$last);)+
                $(self.$phase += other.$phase;)+
            }
        }
    };
}

counts! {
    sums {
        /// Requests.
        requests,
        /// Octets of requests.
        bytes_in,
        /// Octets of responses.
        bytes_out,
        /// Clients that went before the end.
        client_aborts,
        /// Servers that did.
        server_aborts,
        /// What was no request.
        refused,
        /// Answered by this process itself: the statistics page, redirects, monitors.
        intercepted,
        /// Requests that a rule forbade.
        denied,
        /// Responses of servers, likewise.
        denied_responses,
        /// Responses that were none, or broke off.
        response_errors,
        /// No connection to a server; a backend's own are those without a server.
        unserved,
    }
    rows {
        /// By the first digit of the status; 0 are all others.
        responses: 6,
        /// Of responses that were compressed: octets before and after, and how many there were.
        compressed: 3,
    }
    maxima {
        /// Requests at a time.
        in_flight_max,
        /// Requests that waited at a time.
        queue_max,
    }
    times {
        /// When the last request came, in milliseconds since the start and one; 0 is never.
        last,
    }
    phases {
        /// From the request to a place at a server.
        queued,
        /// From there to a connection.
        connecting,
        /// From there to the head of a response.
        responding,
        /// From the request to the end.
        whole,
    }
}

impl Traffic {
    pub(in crate::run) fn answered(&self, status: u16) {
        let class = match status / 100 {
            class @ 1..=5 => usize::from(class),
            _ => 0,
        };
        self.responses[class].add(1);
    }

    /// Forgets all of it, while nobody counts here.
    pub(in crate::run) fn reset(&self) {
        self.become_all(&Totals::default());
    }
}

impl Totals {
    pub(in crate::run) fn of<'a>(traffic: impl Iterator<Item = &'a Traffic>) -> Self {
        traffic.fold(Self::default(), |mut sum, each| {
            sum += each.totals();
            sum
        })
    }
}
