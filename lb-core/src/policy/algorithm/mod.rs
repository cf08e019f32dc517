//! Any of the algorithms, chosen at run time by the words of a configuration.

mod error;
mod parse;

use std::sync::Arc;

pub use error::{AlgorithmError, AlgorithmPart};

use super::{
    Choice, First, Hash, Interest, Key, LeastConn, Maglev, P2c, PeakEwma, Policy, Query, Random,
    RoundRobin, StaticRoundRobin, rotation::first_with_room,
};
use crate::server::Server;

/// Makes the enum, its index and its delegation from the list of algorithms.
macro_rules! algorithms {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// One of the built-in algorithms; [`Algorithm::parse`] reads the words of
        /// a configuration file.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[non_exhaustive]
        pub enum Algorithm {
            $($(#[$doc])* $name($name),)+
        }

        /// The index of one of the built-in algorithms.
        #[derive(Debug)]
        pub struct AlgorithmIndex(Indexed);

        #[derive(Debug)]
        enum Indexed {
            $($name(<$name as Policy>::Index),)+
        }

        $(impl From<$name> for Algorithm {
            fn from(policy: $name) -> Self {
                Self::$name(policy)
            }
        })+

        impl Policy for Algorithm {
            type Index = AlgorithmIndex;

            fn index<T>(
                &self,
                servers: &[Arc<Server<T>>],
                previous: Option<&AlgorithmIndex>,
            ) -> AlgorithmIndex {
                AlgorithmIndex(match (self, previous.map(|AlgorithmIndex(index)| index)) {
                    $((Self::$name(policy), Some(Indexed::$name(previous))) => {
                        Indexed::$name(policy.index(servers, Some(previous)))
                    })+
                    // The algorithm has been changed: a new start.
                    $((Self::$name(policy), _) => Indexed::$name(policy.index(servers, None)),)+
                })
            }

            fn pick<T>(
                &self,
                AlgorithmIndex(index): &AlgorithmIndex,
                servers: &[Arc<Server<T>>],
                query: &mut Query<'_>,
            ) -> Choice {
                match (self, index) {
                    $((Self::$name(policy), Indexed::$name(index)) => {
                        policy.pick(index, servers, query)
                    })+
                    // Not the index of this algorithm: still a server.
                    _ => first_with_room(servers, 0, query),
                }
            }

            fn digest(&self, key: Key<'_>) -> Option<u32> {
                match self {
                    $(Self::$name(policy) => policy.digest(key),)+
                }
            }

            fn interest(&self) -> Interest {
                match self {
                    $(Self::$name(policy) => policy.interest(),)+
                }
            }

            fn load_changed<T>(
                &self,
                AlgorithmIndex(index): &AlgorithmIndex,
                servers: &[Arc<Server<T>>],
                position: usize,
            ) {
                match (self, index) {
                    $((Self::$name(policy), Indexed::$name(index)) => {
                        policy.load_changed(index, servers, position);
                    })+
                    _ => {}
                }
            }
        }
    };
}

algorithms! {
    /// `roundrobin`
    RoundRobin,
    /// `static-rr`
    StaticRoundRobin,
    /// `leastconn`
    LeastConn,
    /// `first`
    First,
    /// `source`, `uri`, `url_param`, `hdr`, `rdp-cookie`, `hash`
    Hash,
    /// `random`
    Random,
    /// `p2c`
    P2c,
    /// `peak-ewma`
    PeakEwma,
    /// `maglev`
    Maglev,
}

impl Default for Algorithm {
    fn default() -> Self {
        RoundRobin::new().into()
    }
}
