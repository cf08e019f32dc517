//! `log`: where lines go, and which of them.

use std::path::PathBuf;

use crate::config::{
    AddressError, ServerAddress,
    print::{ToToml, inline, quoted},
    section::{Place, Section},
    types::{FromValue, words},
    unbuilt,
    value::Value,
};

/// The port of a syslog server that is written without one.
const SYSLOG_PORT: u16 = 514;

/// One destination of log lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogTarget {
    /// Where they go.
    pub to: LogTo,
    /// What they look like.
    pub format: LogFormat,
    /// The facility in the header of syslog. `local0`.
    pub facility: Facility,
    /// The least severe lines that go there. `debug`: all.
    pub level: Level,
    /// The program's name in the header of syslog. `lb`.
    pub tag: String,
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
    /// `"unix:///dev/log"`: a datagram socket that takes syslog.
    Unix(PathBuf),
}

words! {
    /// What a log line looks like.
    #[derive(Default)]
    pub enum LogFormat {
        /// HAProxy's HTTP log line.
        #[default]
        HaProxy = "haproxy",
    }
    not_yet {
        "json" => unbuilt::LOGS,
        "combined" => unbuilt::LOGS,
    }
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
            format: LogFormat::default(),
            facility: Facility::default(),
            level: Level::default(),
            tag: "lb".to_owned(),
        }
    }

    /// The number that a datagram of syslog starts with, for a line of `level`.
    pub fn priority(&self, level: Level) -> u8 {
        self.facility as u8 * 8 + level as u8
    }

    fn read(section: &Section<'_>) -> Option<Self> {
        let to: Option<LogTo> = section.require("to");
        let format = section.value("format").map(|format| log_format(&format));
        let facility = section.get("facility");
        let level = section.get("level");
        let tag = section.value("tag").and_then(|tag| tag.single_word());
        section.finish(&[]);
        let target = Self::new(to?);
        if !target.to.has_header() {
            for key in ["facility", "tag"] {
                if let Some(value) = section.value(key) {
                    let message = format!("`{key}` has no effect: only syslog has a place for it");
                    let help = "leave it out, or log to \"syslog://…\" or \"unix://…\"";
                    section.cx.warning(value.span(), message, help);
                }
            }
        }
        Some(Self {
            format: format.flatten().unwrap_or_default(),
            facility: facility.unwrap_or_default(),
            level: level.unwrap_or_default(),
            tag: tag.unwrap_or(target.tag),
            to: target.to,
        })
    }
}

impl LogTo {
    /// Do its lines begin with priority, time and tag?
    pub fn has_header(&self) -> bool {
        matches!(self, Self::Syslog(_) | Self::Unix(_))
    }
}

impl FromValue for LogTarget {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        Self::read(&value.section(Place::Log, "global.log")?)
    }
}

/// A word, or a log-format string, which is told by its `%`.
fn log_format(value: &Value<'_>) -> Option<LogFormat> {
    let text = value.text()?;
    if text.contains('%') {
        value
            .cx
            .not_yet(text.span(), "a log-format string", unbuilt::LOGS);
        return None;
    }
    LogFormat::from_value(value)
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
            Some(("syslog", address)) => match syslog_address(address) {
                Ok(address) => Some(Self::Syslog(address)),
                Err(why) => value.fail_with(
                    format!("`{text}`: {why}"),
                    "write \"syslog://192.0.2.1:514\"",
                ),
            },
            _ => value.fail_with(
                format!("unknown log target `{text}`"),
                "it is \"stdout\", \"stderr\", \"file:///path\", \"syslog://address:port\" or \"unix:///dev/log\"",
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
            ("format", Some(self.format.to_toml())),
            ("facility", header(self.facility.to_toml())),
            ("level", Some(self.level.to_toml())),
            ("tag", header(self.tag.to_toml())),
        ])
    }
}

impl ToToml for LogTo {
    fn to_toml(&self) -> String {
        match self {
            Self::Stdout => quoted("stdout"),
            Self::Stderr => quoted("stderr"),
            Self::File(path) => quoted(&format!("file://{}", path.display())),
            Self::Unix(path) => quoted(&format!("unix://{}", path.display())),
            Self::Syslog(address) => quoted(&format!("syslog://{address}")),
        }
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
