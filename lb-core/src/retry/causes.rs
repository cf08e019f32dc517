//! Why an attempt failed, in the words of HAProxy's `retry-on`.

/// Why an attempt failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// No connection (`conn-failure`).
    ConnectFailure,
    /// The connection closed before a byte of a response (`empty-response`).
    EmptyResponse,
    /// The response is not HTTP (`junk-response`).
    JunkResponse,
    /// No response in time (`response-timeout`).
    ResponseTimeout,
    /// A response of this status.
    Status(u16),
}

/// The statuses that may be retried.
const STATUSES: [u16; 12] = [401, 403, 404, 408, 421, 425, 429, 500, 501, 502, 503, 504];

/// A set of causes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Causes(u32);

/// A word that `retry-on` does not know.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` is no cause to retry")]
pub struct UnknownCause(pub String);

impl Default for Causes {
    /// A connection that failed, or that closed without an answer.
    fn default() -> Self {
        Self::NONE
            .with(Cause::ConnectFailure)
            .with(Cause::EmptyResponse)
    }
}

impl Causes {
    /// No cause at all (`none`).
    pub const NONE: Self = Self(0);

    /// Every word that [`parse`](Self::parse) takes, for suggestions.
    pub const WORDS: [&str; 7] = [
        "none",
        "conn-failure",
        "empty-response",
        "junk-response",
        "response-timeout",
        "0rtt-rejected",
        "all-retryable-errors",
    ];

    /// The set with one more cause; a status that cannot be retried adds nothing.
    #[must_use]
    pub fn with(self, cause: Cause) -> Self {
        Self(self.0 | Self::bit(cause))
    }

    /// Is it one of them?
    pub fn contains(self, cause: Cause) -> bool {
        self.0 & Self::bit(cause) != 0
    }

    /// Does any of them need the request to be sent a second time?
    pub fn resend(self) -> bool {
        self.0 & !Self::bit(Cause::ConnectFailure) != 0
    }

    /// Is there a status among them?
    pub fn any_status(self) -> bool {
        self.0 >> 4 != 0
    }

    /// The set that these words name.
    ///
    /// # Errors
    ///
    /// [`UnknownCause`] with the word.
    pub fn parse<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, UnknownCause> {
        words.into_iter().try_fold(Self::NONE, |causes, word| {
            Ok(match word {
                // Early data does not exist here; there is nothing it could reject.
                "none" | "0rtt-rejected" => causes,
                "conn-failure" => causes.with(Cause::ConnectFailure),
                "empty-response" => causes.with(Cause::EmptyResponse),
                "junk-response" => causes.with(Cause::JunkResponse),
                "response-timeout" => causes.with(Cause::ResponseTimeout),
                // As in HAProxy: what a server may answer when it fails as such.
                "all-retryable-errors" => [500, 502, 503, 504]
                    .map(Cause::Status)
                    .into_iter()
                    .chain([
                        Cause::ConnectFailure,
                        Cause::EmptyResponse,
                        Cause::JunkResponse,
                        Cause::ResponseTimeout,
                    ])
                    .fold(causes, Self::with),
                status => match status.parse() {
                    Ok(code) if STATUSES.contains(&code) => causes.with(Cause::Status(code)),
                    _ => return Err(UnknownCause(status.to_owned())),
                },
            })
        })
    }

    fn bit(cause: Cause) -> u32 {
        match cause {
            Cause::ConnectFailure => 1,
            Cause::EmptyResponse => 1 << 1,
            Cause::JunkResponse => 1 << 2,
            Cause::ResponseTimeout => 1 << 3,
            Cause::Status(code) => match STATUSES.iter().position(|&status| status == code) {
                Some(at) => 1 << (4 + at),
                None => 0,
            },
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn words_of_haproxy() {
        let causes = Causes::parse(["503", "response-timeout"]).unwrap();
        assert!(causes.contains(Cause::Status(503)) && causes.any_status());
        assert!(!causes.contains(Cause::Status(504)));
        assert!(!causes.contains(Cause::ConnectFailure));
        assert_eq!(Causes::parse(["200"]), Err(UnknownCause("200".into())));
        assert!(!Causes::parse(["conn-failure"]).unwrap().resend());
    }
}
