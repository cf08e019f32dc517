//! Why a change is not made, in HAProxy's words where it has some.

/// Why a change is not made.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The server is not named as `backend/server`.
    #[error("Require 'backend/server'.")]
    PathExpected,
    /// No backend has this name.
    #[error("No such backend.")]
    NoBackend,
    /// No backend has this name; of `show servers`.
    #[error("Can't find backend.")]
    BackendNotFound,
    /// Neither frontend nor backend has this name.
    #[error("No such proxy.")]
    NoProxy,
    /// The backend has no server of this name.
    #[error("No such server.")]
    NoServer,
    /// No frontend is named.
    #[error("A frontend name is expected.")]
    FrontendExpected,
    /// No frontend has this name.
    #[error("No such frontend.")]
    NoFrontend,
    /// What is named is not there: what programs tell it by, and HAProxy's words.
    #[error("{1}")]
    Unknown(&'static str, &'static str),
    /// What is said to do is missing, or none of what there is.
    #[error("{0}")]
    Words(&'static str),
    /// A value that is none, or not of those that are allowed.
    #[error("{0}")]
    Value(String),
    /// It cannot be done now, or not to this one.
    #[error("{0}")]
    State(&'static str),
    /// The same, with what stands in its way.
    #[error("{0}")]
    Conflict(String),
    /// It may be, one day.
    #[error("{0} is not supported by this version of lb yet")]
    Unbuilt(String),
}

impl Refusal {
    /// What programs tell it by.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::PathExpected | Self::FrontendExpected | Self::Words(_) => "usage",
            Self::NoBackend | Self::BackendNotFound => "no-such-backend",
            Self::NoProxy => "no-such-proxy",
            Self::NoServer => "no-such-server",
            Self::NoFrontend => "no-such-frontend",
            Self::Unknown(code, _) => code,
            Self::Value(_) => "invalid-value",
            Self::State(_) | Self::Conflict(_) => "conflict",
            Self::Unbuilt(_) => "not-supported",
        }
    }
}
