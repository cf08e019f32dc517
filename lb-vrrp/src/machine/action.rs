//! What a machine wants done.

use std::fmt;
use std::net::IpAddr;

use super::Transition;
use crate::network::MacAddress;
use crate::{Interval, Priority};

/// One thing to do, in the order given.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Send an advertisement with this priority.
    Advertise(Priority),
    /// Set the virtual addresses (and routes) and keep them set.
    AddAddresses,
    /// Remove them.
    RemoveAddresses,
    /// Announce every address once: gratuitous ARP, unsolicited neighbour advertisement.
    Announce,
    /// Ask the network whether somebody has the first address.
    Probe,
    /// Ask the next in priority, over the peer link, to take over at once.
    AskSuccessor,
    /// The state has changed: log it, tell who watches, call the notify programs.
    Transition(Transition),
    /// Something an operator must know.
    Alarm(Alarm),
}

/// Something an operator must know, though the state is as it was.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Alarm {
    /// Another node is master, too: split brain.
    OtherMaster {
        /// Who it is.
        source: IpAddr,
        /// Its priority.
        priority: Priority,
    },
    /// Nothing is heard of the master, but its address answers.
    OwnerAlive {
        /// Who answered the probe.
        by: MacAddress,
        /// Whether this node therefore does not take the addresses.
        held: bool,
    },
    /// Another host says it has an address of this master.
    Claimed {
        /// The address.
        address: IpAddr,
        /// Who says so.
        by: MacAddress,
    },
    /// An address of this master was gone, and not by its doing; all are set again.
    AddressLost {
        /// The address, or the first of them.
        address: IpAddr,
    },
    /// This node would take over, but reaches none of its witnesses.
    Isolated,
    /// Nobody took over when this master was asked to hand over; it stays.
    NoSuccessor,
    /// Another node advertises in an interval that is not this node's (version 2 forbids it).
    IntervalDiffers {
        /// Who.
        source: IpAddr,
        /// Its interval.
        theirs: Interval,
        /// This node's.
        own: Interval,
    },
    /// Another node advertises other addresses for the same virtual router.
    AddressesDiffer {
        /// Who.
        source: IpAddr,
    },
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherMaster { source, priority } => write!(
                f,
                "two masters: {source} advertises with priority {priority} while this node is master"
            ),
            Self::OwnerAlive { by, held } => {
                write!(
                    f,
                    "the master is not heard, but {by} answers for its address"
                )?;
                f.write_str(if *held {
                    "; it is not taken"
                } else {
                    "; it is taken all the same"
                })
            }
            Self::Claimed { address, by } => {
                write!(f, "{by} claims {address} while this node is master")
            }
            Self::AddressLost { address } => write!(
                f,
                "{address} was removed by somebody else, or expired: it is set again"
            ),
            Self::Isolated => {
                f.write_str("no witness is reached: the addresses are not taken over")
            }
            Self::NoSuccessor => f.write_str("nobody took over: this node stays master"),
            Self::IntervalDiffers {
                source,
                theirs,
                own,
            } => write!(
                f,
                "{source} advertises every {theirs}, this node every {own}"
            ),
            Self::AddressesDiffer { source } => {
                write!(f, "{source} advertises other addresses than this node has")
            }
        }
    }
}
