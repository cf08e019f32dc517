//! What one check found, in HAProxy's words.

use std::{fmt, time::Duration};

/// How a check ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Status {
    /// Nothing is known yet.
    Initializing,
    /// This host could not make the connection: no port, no descriptor.
    SocketError,
    /// The connection stands; no more was asked for.
    L4Ok,
    /// No connection in time.
    L4Timeout,
    /// The connection was refused, or there is no route.
    L4Connection,
    /// The TLS handshake is done; no more was asked for.
    L6Ok,
    /// No TLS handshake in time.
    L6Timeout,
    /// The TLS handshake failed.
    L6Response,
    /// The answer is as expected.
    L7Ok,
    /// The answer asks for no new clients (`disable-on-404`).
    L7OkConditional,
    /// No answer in time.
    L7Timeout,
    /// The answer is not of the protocol, or not as expected.
    L7Response,
    /// The answer says that the server is not well.
    L7Status,
    /// An external check could not be run, or says no.
    ProcessError,
    /// An external check did not end in time.
    ProcessTimeout,
    /// An external check says yes.
    ProcessOk,
    /// Too many errors in a row of the server's traffic.
    Analyzed,
    /// An agent has answered and said nothing of the server's health.
    Checked,
}

/// What a [`Status`] means for the server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Grade {
    /// It is well.
    Passed,
    /// It is well and wants no new clients.
    Conditional,
    /// It is not.
    Failed,
    /// Nothing.
    Neutral,
}

impl Status {
    /// HAProxy's short word, as on its statistics page.
    pub fn code(self) -> &'static str {
        match self {
            Self::Initializing => "INI",
            Self::SocketError => "SOCKERR",
            Self::L4Ok => "L4OK",
            Self::L4Timeout => "L4TOUT",
            Self::L4Connection => "L4CON",
            Self::L6Ok => "L6OK",
            Self::L6Timeout => "L6TOUT",
            Self::L6Response => "L6RSP",
            Self::L7Ok => "L7OK",
            Self::L7OkConditional => "L7OKC",
            Self::L7Timeout => "L7TOUT",
            Self::L7Response => "L7RSP",
            Self::L7Status => "L7STS",
            Self::ProcessError => "PROCERR",
            Self::ProcessTimeout => "PROCTOUT",
            Self::ProcessOk => "PROCOK",
            Self::Analyzed => "HANA",
            Self::Checked => "CHECKED",
        }
    }

    /// HAProxy's phrase, as in its logs.
    pub fn description(self) -> &'static str {
        match self {
            Self::Initializing => "Initializing",
            Self::SocketError => "Socket error",
            Self::L4Ok => "Layer4 check passed",
            Self::L4Timeout => "Layer4 timeout",
            Self::L4Connection => "Layer4 connection problem",
            Self::L6Ok => "Layer6 check passed",
            Self::L6Timeout => "Layer6 timeout",
            Self::L6Response => "Layer6 invalid response",
            Self::L7Ok => "Layer7 check passed",
            Self::L7OkConditional => "Layer7 check conditionally passed",
            Self::L7Timeout => "Layer7 timeout",
            Self::L7Response => "Layer7 invalid response",
            Self::L7Status => "Layer7 wrong status",
            Self::ProcessError => "External check error",
            Self::ProcessTimeout => "External check timeout",
            Self::ProcessOk => "External check passed",
            Self::Analyzed => "Health analyze",
            Self::Checked => "No status change",
        }
    }

    /// What it means for the server.
    pub fn grade(self) -> Grade {
        match self {
            Self::L4Ok | Self::L6Ok | Self::L7Ok | Self::ProcessOk => Grade::Passed,
            Self::L7OkConditional => Grade::Conditional,
            Self::Initializing | Self::Checked => Grade::Neutral,
            _ => Grade::Failed,
        }
    }
}

/// How a check ended, and what there is to say about it.
///
/// ```
/// use lb_core::health::{Status, Verdict};
///
/// let verdict = Verdict::new(Status::L7Status).with_code(500).with_info("Oops");
/// assert_eq!(verdict.to_string(), r#"Layer7 wrong status, code: 500, info: "Oops""#);
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verdict {
    status: Status,
    code: Option<u16>,
    info: Option<Box<str>>,
    duration: Option<Duration>,
}

impl Verdict {
    /// A check that ended so.
    pub fn new(status: Status) -> Self {
        Self {
            status,
            code: None,
            info: None,
            duration: None,
        }
    }

    /// The status code of the answer.
    #[must_use]
    pub fn with_code(mut self, code: u16) -> Self {
        self.code = Some(code);
        self
    }

    /// More words. Control characters, which would break a log line, become
    /// `?`; what is over 200 bytes is cut.
    #[must_use]
    pub fn with_info(mut self, info: impl fmt::Display) -> Self {
        let mut text = info.to_string();
        text.truncate(text.floor_char_boundary(200));
        if text.contains(char::is_control) {
            text = text.replace(char::is_control, "?");
        }
        self.info = (!text.is_empty()).then(|| text.into_boxed_str());
        self
    }

    /// How long the check took; the driver sets it.
    #[must_use]
    pub fn with_duration(mut self, duration: Duration) -> Self {
        self.duration = Some(duration);
        self
    }

    /// How it ended.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The status code of the answer, if there was one.
    pub fn code(&self) -> Option<u16> {
        self.code
    }

    /// More words, if there are any.
    pub fn info(&self) -> Option<&str> {
        self.info.as_deref()
    }

    /// How long the check took.
    pub fn duration(&self) -> Option<Duration> {
        self.duration
    }

    /// What it means for the server.
    pub fn grade(&self) -> Grade {
        self.status.grade()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.status.description())?;
        if let Some(code) = self.code {
            write!(f, ", code: {code}")?;
        }
        if let Some(info) = &self.info {
            write!(f, ", info: \"{info}\"")?;
        }
        if let Some(duration) = self.duration {
            write!(f, ", check duration: {}ms", duration.as_millis())?;
        }
        Ok(())
    }
}
