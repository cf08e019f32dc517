//! `[frontend.NAME]`: where clients come in and which backend they get.

use super::{
    Acl, Bind, Capture, ClientTimeouts, Compression, ErrorFile, ForwardFor, FrontendLog,
    HttpConnection, Limits, LogFormat, Mode, Monitor, Rules, Stats, UseBackend,
};
use crate::config::{Spanned, print::Printer, section::Section, types::FromValue};

/// Where clients come in and which backend they get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frontend {
    /// Its name.
    pub name: Spanned<String>,
    /// Its listening sockets.
    pub bind: Vec<Bind>,
    /// Client connections; `None`: as many as the process takes.
    pub maxconn: Option<u32>,
    /// Named conditions.
    pub acl: Vec<Acl>,
    /// What is done to requests and responses.
    pub rules: Rules,
    /// What is answered to those who watch this process.
    pub monitor: Monitor,
    /// Backends and when to take them; the first match wins.
    pub use_backend: Vec<UseBackend>,
    /// The backend of all other requests.
    pub default_backend: Option<Spanned<String>>,
    /// The header that names the client's address, if any.
    pub forwardfor: Option<ForwardFor>,
    /// What happens to connections between requests.
    pub http_connection: HttpConnection,
    /// Connections that brought no request are not logged.
    pub dontlognull: bool,
    /// Where its lines go; `None`: to the targets of `[global]`.
    pub log: Option<Vec<FrontendLog>>,
    /// What its lines look like where a target has no format of its own.
    pub log_format: LogFormat,
    /// What lines of connections look like that ended before any request; `None`: as HAProxy writes them.
    pub error_log_format: Option<Spanned<String>>,
    /// Lines are written when the response begins (`option logasap`).
    pub logasap: bool,
    /// What is kept of requests and responses for the log.
    pub capture: Capture,
    /// Replacements of `lb`'s own error pages.
    pub errorfile: Vec<ErrorFile>,
    /// Which responses are compressed.
    pub compression: Option<Compression>,
    /// The statistics page, if it has one.
    pub stats: Option<Stats>,
    /// How large a request may be.
    pub limits: Limits,
    /// How long the client may take.
    pub timeout: ClientTimeouts,
    /// Adds a `Via` header, as RFC 9110 asks of proxies. True.
    pub via: bool,
}

impl Frontend {
    pub(crate) fn read(name: Spanned<String>, section: &Section<'_>) -> Self {
        section.get::<Mode>("mode");
        Self {
            name,
            bind: section.get("bind").unwrap_or_default(),
            maxconn: section.number("maxconn", 1..=i64::from(u32::MAX)),
            acl: Acl::read_all(section),
            rules: Rules::read(section),
            monitor: Monitor::read(section),
            use_backend: section.get("use_backend").unwrap_or_default(),
            default_backend: section.get("default_backend"),
            forwardfor: ForwardFor::read(section),
            http_connection: section.get("http_connection").unwrap_or_default(),
            dontlognull: section.flag("dontlognull"),
            log: section.value("log").map(|log| {
                log.one_or_more()
                    .iter()
                    .filter_map(FrontendLog::from_value)
                    .collect()
            }),
            log_format: section.get("log_format").unwrap_or_default(),
            error_log_format: section.get("error_log_format"),
            logasap: section.flag("logasap"),
            capture: Capture::read(section),
            errorfile: ErrorFile::read_all(section),
            compression: Compression::read(section),
            stats: Stats::read(section),
            limits: Limits::read(section),
            timeout: ClientTimeouts::read(section),
            via: section.get("via").unwrap_or(true),
        }
    }

    pub(crate) fn print(&self, out: &mut Printer) {
        let path = ["frontend", self.name.as_str()];
        out.table(&path);
        out.set("mode", "http");
        out.set("bind", self.bind.as_slice());
        out.set_some("maxconn", self.maxconn);
        self.monitor.print(out);
        self.rules.print(out);
        out.set_any("use_backend", &self.use_backend);
        out.set_some("default_backend", self.default_backend.as_ref());
        out.set_some("forwardfor", self.forwardfor.as_ref());
        out.set("http_connection", self.http_connection);
        out.set("dontlognull", self.dontlognull);
        out.set_some("log", self.log.as_deref());
        out.set("log_format", &self.log_format);
        out.set_some("error_log_format", self.error_log_format.as_ref());
        out.set("logasap", self.logasap);
        self.capture.print(out);
        out.set("via", self.via);
        out.set_some("compression", self.compression.as_ref());
        out.set_some("stats", self.stats.as_ref());
        Acl::print_all(&self.acl, &path, out);
        ErrorFile::print_all(&self.errorfile, &path, out);
        self.limits.print(&path, out);
        self.timeout.print(&path, out);
    }
}
