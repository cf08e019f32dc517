//! What a server's traffic tells about it: HAProxy's `observe`.

use crate::retry::Cause;

/// How one request or connection went, as a proxy saw it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// A connection was made.
    Connected,
    /// No connection could be made.
    ConnectFailed,
    /// A response with this status code came.
    Response(u16),
    /// What came is not HTTP.
    InvalidResponse,
    /// Reading the response failed.
    ReadError,
    /// The response did not come in time.
    ReadTimeout,
    /// The server closed before it had answered.
    Closed,
}

/// Which outcomes count.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Observe {
    /// None.
    #[default]
    Off,
    /// Connections made and not made.
    Layer4,
    /// Responses, and connections not made.
    Layer7,
}

impl Observe {
    /// Is this outcome good (`Some(true)`), an error (`Some(false)`), or
    /// nothing that counts?
    ///
    /// A response is good with status 100 to 499, 501 or 505.
    pub fn judge(self, outcome: Outcome) -> Option<bool> {
        match (self, outcome) {
            (Self::Off, _) => None,
            (_, Outcome::ConnectFailed) => Some(false),
            (Self::Layer4, Outcome::Connected) => Some(true),
            (Self::Layer4, _) | (Self::Layer7, Outcome::Connected) => None,
            (Self::Layer7, Outcome::Response(code)) => Some(matches!(code, 100..=499 | 501 | 505)),
            (Self::Layer7, _) => Some(false),
        }
    }
}

impl From<Cause> for Outcome {
    /// What a failed attempt says about the server.
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::ConnectFailure => Self::ConnectFailed,
            Cause::EmptyResponse => Self::Closed,
            Cause::JunkResponse => Self::InvalidResponse,
            Cause::ResponseTimeout => Self::ReadTimeout,
            Cause::Status(code) => Self::Response(code),
        }
    }
}

impl Outcome {
    /// HAProxy's words for an outcome that counts as an error.
    pub fn description(self) -> &'static str {
        match self {
            Self::Connected => "L4 successful connection",
            Self::ConnectFailed => "L4 unsuccessful connection",
            Self::Response(_) => "Wrong http response",
            Self::InvalidResponse => "Invalid http response",
            Self::ReadError => "Read error (http)",
            Self::ReadTimeout => "Read timeout (http)",
            Self::Closed => "Close from server (http)",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_layer_counts_what_haproxy_counts() {
        use Outcome::*;
        let judge = |observe: Observe, outcomes: &[Outcome]| {
            outcomes
                .iter()
                .map(|o| observe.judge(*o))
                .collect::<Vec<_>>()
        };
        let all = [
            Connected,
            ConnectFailed,
            Response(404),
            Response(500),
            ReadTimeout,
        ];
        assert_eq!(judge(Observe::Off, &all), [None; 5]);
        assert_eq!(
            judge(Observe::Layer4, &all),
            [Some(true), Some(false), None, None, None]
        );
        assert_eq!(
            judge(Observe::Layer7, &all),
            [None, Some(false), Some(true), Some(false), Some(false)]
        );
        let good: Vec<u16> = (0..=999)
            .filter(|code| Observe::Layer7.judge(Response(*code)) == Some(true))
            .collect();
        let expected: Vec<u16> = (100..=499).chain([501, 505]).collect();
        assert_eq!(good, expected);
    }
}
