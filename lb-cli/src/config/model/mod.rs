//! What a configuration means: one type for each section, defaults applied.
//!
//! Each file holds a section's type, how it is read and how it is printed. A field is what the key of its name says in the
//! reference, `docs/configuration.md`. Text in another language (conditions, `balance`, `hash_type`, `expect`) is kept with
//! its place for the planning stage to compile.

mod admin;
mod backend;
mod bind;
mod capture;
mod check;
mod compression;
mod condition;
mod cookie;
mod errorfile;
mod forwardfor;
mod frontend;
mod global;
mod limits;
mod log;
mod log_format;
mod log_sample;
mod monitor;
mod process;
mod program;
mod retry;
mod rule;
mod script;
mod secret;
mod server;
mod stats;
mod stick;
mod sync_group;
mod table;
mod timeouts;
mod userlist;
mod vrrp;

pub(crate) use errorfile::read_file;

pub use self::{
    admin::{ADMIN_SOCKET, Admin, AdminLevel},
    backend::{Backend, HttpReuse, Pool},
    bind::Bind,
    capture::{Capture, CapturedCookie, CapturedField},
    check::{Check, CheckKind, HttpCheck},
    compression::Compression,
    condition::{Acl, Condition, UseBackend},
    cookie::{Cookie, CookieMode},
    errorfile::ErrorFile,
    forwardfor::ForwardFor,
    frontend::Frontend,
    global::Global,
    limits::Limits,
    log::{Facility, FrontendLog, Level, LogTarget, LogTo, SyslogProtocol},
    log_format::LogFormat,
    log_sample::{LogSample, LogSampleError},
    monitor::Monitor,
    process::Process,
    program::Program,
    retry::{Redispatch, RetryOn},
    rule::{Rule, Rules},
    script::Script,
    secret::Secret,
    server::{InitState, Observe, OnError, OnMarkedDown, OnMarkedUp, ProxyVersion, Server, Track},
    stats::{Credential, Stats},
    stick::Stick,
    sync_group::SyncGroup,
    table::Table,
    timeouts::{ClientTimeouts, ServerTimeouts},
    userlist::{Given, User, UserList},
    vrrp::{
        Auth, Checksum, Garp, HmacAuth, HmacMode, InitialState, Notify, PeerLink, ProbePolicy,
        TrackBackend, TrackInterface, TrackScript, Vrrp, Witness, WitnessMode,
    },
};
use super::{Spanned, types::words, unbuilt, value::Context};

words! {
    /// What happens to connections between requests. Of a frontend's and a backend's, the later one here counts.
    #[derive(Default, PartialOrd, Ord)]
    pub enum HttpConnection {
        /// Both sides stay open.
        #[default]
        KeepAlive = "keep-alive",
        /// The server's side is closed.
        ServerClose = "server-close",
        /// Both sides are closed.
        Close = "close",
    }
}

words! {
    /// What is proxied.
    pub(crate) enum Mode {
        Http = "http",
    }
    not_yet {
        "tcp" => unbuilt::TCP,
        "udp" => unbuilt::TCP,
    }
}

/// Reports a name that could not be told from what surrounds it in conditions, logs and the runtime API.
pub(crate) fn checked_name(cx: &Context<'_>, name: Spanned<String>, of: &str) -> Spanned<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
    if name.is_empty() || !name.chars().all(allowed) {
        let help = "names have letters, digits and -_.: only".to_owned();
        cx.error(
            name.span(),
            format!("`{}` cannot be the name of {of}", *name),
            Some(help),
        );
    }
    name
}
