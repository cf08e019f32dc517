//! Check scripts, and the programs that are told of a change: Keepalived's `vrrp_script` and
//! `notify`.
//!
//! A [`Script`] is checked again and again by its [`Checker`]; a [`Notify`] says which programs
//! are told of a transition, and a [`Notifier`] tells them, in order. Both are polled by whoever
//! owns them: they spawn no task and no thread, and what they started dies with them. The
//! runtime must have I/O and time enabled.
//!
//! What differs from Keepalived, on purpose:
//!
//! - A program that is missing, may not be executed, or could be changed by others while it runs
//!   as root is refused ([`ProgramError`]). Keepalived drops such a script and goes on unchecked.
//! - A script that cannot be run later has failed.
//! - Notify programs of one instance never overlap or overtake each other.
//! - Programs get a small environment: `PATH`, `HOME`, `LANG`, `LC_ALL` and `TZ`. The process's
//!   own may hold the keys of its configuration, and another user could read it in `/proc`.
//!   Where more is needed, `["/usr/bin/env", "NAME=value", "/path"]` gives it.
//!
//! ```no_run
//! use std::time::Duration;
//! use lb_vrrp::script::Script;
//!
//! # async fn example() -> Result<(), lb_vrrp::script::ScriptError> {
//! let script = Script::builder("web", ["/usr/local/bin/check-web", "--quick"])
//!     .interval(Duration::from_secs(2))
//!     .fall(3)
//!     .weight(-20)
//!     .user("nobody")
//!     .build()?;
//! let mut checker = script.checker();
//! let change = checker.next().await;
//! println!("{:?}: {}", change.verdict, change.reason);
//! # Ok(())
//! # }
//! ```

mod checker;
mod last_line;
mod notifier;
mod notify;
mod program;
mod queue;
mod run;
mod settings;
mod user;
mod verdict;

pub use self::checker::{Change, Checker};
pub use self::notifier::{Notifier, Report};
pub use self::notify::{Notify, NotifyBuilder, NotifyError, State, Subject};
pub use self::program::{Program, ProgramError};
pub use self::settings::{Script, ScriptBuilder, ScriptError};
pub use self::user::{User, UserError};
pub use self::verdict::{Counter, Verdict};
