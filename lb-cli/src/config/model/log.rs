//! `log`: where lines go, and which of them.

use std::{fmt, path::PathBuf};

use crate::config::{
    AddressError, ServerAddress,
    print::{ToToml, inline, quoted},
    section::{Place, Section},
    types::{FromValue, words},
    value::Value,
};

use super::{LogFormat, LogSample};

/// The port of a syslog server that is written without one.
const SYSLOG_PORT: u16 = 514;

/// HAProxy's default of `len`.
const LONGEST: usize = 1024;

/// One destination of log lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogTarget {
    /// Where they go.
    pub to: LogTo,
    /// What lines of requests look like; `None`: as each frontend has it.
    pub format: Option<LogFormat>,
    /// The facility in the header of syslog. `local0`.
    pub facility: Facility,
    /// The least severe lines that go there. `debug`: all.
    pub level: Level,
    /// The program's name in the header of syslog. `lb`.
    pub tag: String,
    /// How the header of syslog is written.
    pub protocol: SyslogProtocol,
    /// Bytes of a message of syslog, its header with them; longer ones are cut. 1024.
    pub len: usize,
    /// Which lines of requests go there; `None`: all.
    pub sample: Option<LogSample>,
}

/// Where log lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogTo {
    /// `"stdout"`
    Stdout,
    /// `"stderr"`
    Stderr,
    /// `"file:///var/log/lb.log"`
    File(PathBuf),
    /// `"syslog://127.0.0.1:514"`: by UDP.
    Syslog(ServerAddress),
    /// `"syslog+tcp://192.0.2.1:514"`: by TCP, each message behind its length (RFC 6587).
    SyslogTcp(ServerAddress),
    /// `"unix:///dev/log"`: a datagram socket that takes syslog.
    Unix(PathBuf),
}

words! {
    /// How syslog's header is written.
    #[derive(Default)]
    pub enum SyslogProtocol {
        /// RFC 3164 without a host name, as HAProxy writes it unless told otherwise.
        #[default]
        Rfc3164 = "rfc3164",
        /// RFC 5424.
        Rfc5424 = "rfc5424",
    }
}

/// Where a frontend's lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrontendLog {
    /// `"global"`: to the targets of `[global]`.
    Global,
    /// To one of its own.
    Target(LogTarget),
}

words! {
    /// A facility of syslog, in the order of their numbers.
    #[derive(Default)]
    pub enum Facility {
        /// 0
        Kern = "kern",
        /// 1
        User = "user",
        /// 2
        Mail = "mail",
        /// 3
        Daemon = "daemon",
        /// 4
        Auth = "auth",
        /// 5
        Syslog = "syslog",
        /// 6
        Lpr = "lpr",
        /// 7
        News = "news",
        /// 8
        Uucp = "uucp",
        /// 9
        Cron = "cron",
        /// 10
        Auth2 = "auth2",
        /// 11
        Ftp = "ftp",
        /// 12
        Ntp = "ntp",
        /// 13
        Audit = "audit",
        /// 14
        Alert = "alert",
        /// 15
        Cron2 = "cron2",
        /// 16
        #[default]
        Local0 = "local0",
        /// 17
        Local1 = "local1",
        /// 18
        Local2 = "local2",
        /// 19
        Local3 = "local3",
        /// 20
        Local4 = "local4",
        /// 21
        Local5 = "local5",
        /// 22
        Local6 = "local6",
        /// 23
        Local7 = "local7",
    }
}

words! {
    /// A level of syslog, in the order of their numbers: the most severe first.
    #[derive(Default, PartialOrd, Ord)]
    pub enum Level {
        /// 0
        Emerg = "emerg",
        /// 1
        Alert = "alert",
        /// 2
        Crit = "crit",
        /// 3
        Err = "err",
        /// 4
        Warning = "warning",
        /// 5
        Notice = "notice",
        /// 6
        Info = "info",
        /// 7
        #[default]
        Debug = "debug",
    }
}

impl LogTarget {
    /// Every line, with HAProxy's defaults.
    pub fn new(to: LogTo) -> Self {
        Self {
            to,
            format: None,
            facility: Facility::default(),
            level: Level::default(),
            tag: "lb".to_owned(),
            protocol: SyslogProtocol::default(),
            len: LONGEST,
            sample: None,
        }
    }

    /// The number that a datagram of syslog starts with, for a line of `level`.
    pub fn priority(&self, level: Level) -> u8 {
        self.facility as u8 * 8 + level as u8
    }

    fn read(section: &Section<'_>) -> Option<Self> {
        let to: Option<LogTo> = section.require("to");
        let format = section.get("format");
        let facility = section.get("facility");
        let level = section.get("level");
        let tag = section.value("tag").and_then(|tag| tag.single_word());
        let protocol = section.get("protocol");
        let len = section.number("len", 80..=65_535);
        let sample = section.get("sample");
        section.finish(&[]);
        let target = Self::new(to?);
        if !target.to.has_header() {
            for key in ["facility", "tag", "protocol", "len"] {
                if let Some(value) = section.value(key) {
                    let message = format!("`{key}` has no effect: only syslog has a place for it");
                    let help = "leave it out, or log to \"syslog://…\" or \"unix://…\"";
                    section.cx.warning(value.span(), message, help);
                }
            }
        }
        Some(Self {
            format,
            facility: facility.unwrap_or_default(),
            level: level.unwrap_or_default(),
            tag: tag.unwrap_or(target.tag),
            protocol: protocol.unwrap_or_default(),
            len: len.unwrap_or(LONGEST),
            sample,
            to: target.to,
        })
    }
}

impl LogTo {
    /// Do its lines begin with priority, time and tag?
    pub fn has_header(&self) -> bool {
        matches!(self, Self::Syslog(_) | Self::SyslogTcp(_) | Self::Unix(_))
    }
}

impl FromValue for LogTarget {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        Self::read(&value.section(Place::Log, "global.log")?)
    }
}

/// `"global"` or a table; for an array of them, or one in its stead.
impl FromValue for FrontendLog {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        if !value.is_string() {
            return LogTarget::from_value(value).map(Self::Target);
        }
        match value.text()?.as_str() {
            "global" => Some(Self::Global),
            _ => value.fail_with(
                "a frontend logs to \"global\" or to targets of its own",
                "write [\"global\"] or [{ to = \"syslog://…\" }]",
            ),
        }
    }
}

impl FromValue for LogTo {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        let text = value.text()?;
        match text.as_str() {
            "stdout" => return Some(Self::Stdout),
            "stderr" => return Some(Self::Stderr),
            _ => {}
        }
        match text.split_once("://") {
            Some(("file", path)) if path.starts_with('/') => Some(Self::File(path.into())),
            Some(("unix", path)) if path.starts_with('/') => Some(Self::Unix(path.into())),
            Some((scheme @ ("file" | "unix"), _)) => value.fail_with(
                "the path of a log target is absolute",
                match scheme {
                    "file" => "write \"file:///var/log/lb.log\"",
                    _ => "write \"unix:///dev/log\"",
                },
            ),
            Some((scheme @ ("syslog" | "syslog+tcp"), address)) => match syslog_address(address) {
                Ok(address) if scheme == "syslog" => Some(Self::Syslog(address)),
                Ok(address) => Some(Self::SyslogTcp(address)),
                Err(why) => value.fail_with(
                    format!("`{text}`: {why}"),
                    format!("write \"{scheme}://192.0.2.1:514\""),
                ),
            },
            _ => value.fail_with(
                format!("unknown log target `{text}`"),
                "it is \"stdout\", \"stderr\", \"file:///path\", \"syslog://address:port\", \"syslog+tcp://address:port\" or \"unix:///dev/log\"",
            ),
        }
    }
}

/// An IP address or a name, with or without a port.
fn syslog_address(text: &str) -> Result<ServerAddress, AddressError> {
    let address = match text.parse() {
        Err(AddressError::NoPort) => format!("{text}:{SYSLOG_PORT}").parse(),
        parsed => parsed,
    }?;
    match address {
        ServerAddress::Ip(_) | ServerAddress::Name { .. } => Ok(address),
        ServerAddress::Unix(_) | ServerAddress::Abstract(_) => Err(AddressError::NotAServer),
    }
}

impl ToToml for LogTarget {
    fn to_toml(&self) -> String {
        let header = |text: String| self.to.has_header().then_some(text);
        inline([
            ("to", Some(self.to.to_toml())),
            ("format", self.format.as_ref().map(ToToml::to_toml)),
            ("facility", header(self.facility.to_toml())),
            ("level", Some(self.level.to_toml())),
            ("tag", header(self.tag.to_toml())),
            ("protocol", header(self.protocol.to_toml())),
            ("len", header(self.len.to_string())),
            ("sample", self.sample.as_ref().map(ToToml::to_toml)),
        ])
    }
}

impl ToToml for FrontendLog {
    fn to_toml(&self) -> String {
        match self {
            Self::Global => quoted("global"),
            Self::Target(target) => target.to_toml(),
        }
    }
}

/// As it is written in the file.
impl fmt::Display for LogTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdout => f.write_str("stdout"),
            Self::Stderr => f.write_str("stderr"),
            Self::File(path) => write!(f, "file://{}", path.display()),
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::SyslogTcp(address) => write!(f, "syslog+tcp://{address}"),
            Self::Syslog(address) => write!(f, "syslog://{address}"),
        }
    }
}

impl ToToml for LogTo {
    fn to_toml(&self) -> String {
        quoted(&self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_priority_is_facility_and_level() {
        let mut target = LogTarget::new(LogTo::Stdout);
        target.facility = Facility::Local2;
        assert_eq!(target.priority(Level::Info), 150);
        target.facility = Facility::Local7;
        assert_eq!(target.priority(Level::Debug), 191);
        target.facility = Facility::Kern;
        assert_eq!(target.priority(Level::Emerg), 0);
    }

    #[test]
    fn a_syslog_server_has_a_port_or_the_usual_one() {
        let read = |text| syslog_address(text).map(|address| address.to_string());
        assert_eq!(read("127.0.0.1:5140").unwrap(), "127.0.0.1:5140");
        assert_eq!(read("127.0.0.1").unwrap(), "127.0.0.1:514");
        assert_eq!(read("[::1]").unwrap(), "[::1]:514");
        assert_eq!(read("logs.example").unwrap(), "logs.example:514");
        assert!(read("unix:/dev/log").is_err());
        assert!(read("").is_err());
        assert!(read("127.0.0.1:x").is_err());
    }
}
