//! Binary upgrade: a new process takes the place of one that runs.
//!
//! It asks at the admin socket of the one that runs with the word `takeover`. From there on both speak in frames: a length
//! of four octets, the highest first, and so many octets of JSON.
//!
//! 1. The old one sends a [`Legacy`]: which sockets it listens on and what its servers and tables know; then the
//!    sockets themselves (`SCM_RIGHTS`, [`descriptors`]). Or it says why not, and nothing has happened.
//! 2. The new one opens what else it needs, serves, and says so with an empty frame. If it cannot, it ends, and the old
//!    one has never stopped serving.
//! 3. The old one takes no more connections. Those it has end with the request they are at or the next one. Until the
//!    last of them has gone it sends its [`Figures`] once a second, and a last time at its end: the new one counts
//!    them as its own.
//!
//! Both hold the same sockets meanwhile, so that no connection is lost that waits to be accepted.

mod descriptors;
mod figures;
mod give;
mod state;
mod take;

use serde::{Deserialize, Serialize};

pub use self::take::TakeoverError;
use self::{
    figures::{Figures, Inherited},
    state::State,
};
pub(crate) use self::{give::Succession, take::Predecessor};

/// The word that asks for it.
pub(crate) const WORD: &str = "takeover";

/// The longest frame, in octets: a table may have millions of entries.
const LONGEST_FRAME: usize = 1 << 30;

/// What comes with the sockets.
#[derive(Debug, Serialize, Deserialize)]
struct Legacy {
    /// In the order of the descriptors that follow.
    sockets: Vec<Socket>,
    state: State,
    /// Why there is nothing, if there is nothing.
    refused: Option<String>,
}

/// A socket that is listened on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Socket {
    of: Of,
    /// As declared.
    address: String,
    /// Everything that was asked of it, to be compared only.
    options: String,
}

/// Whose it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
enum Of {
    Frontend,
    Admin,
    Metrics,
}
