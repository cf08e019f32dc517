//! What a cookie cannot be.

use thiserror::Error;

/// Why a [`StickySession`](super::StickySession) cannot work.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum InvalidCookie {
    /// The name is empty, begins with `$`, or holds a blank, a control
    /// character or one of `" , ; =`.
    #[error("`{0}` cannot be the name of a cookie")]
    Name(String),
    /// The domain is empty or holds a blank, a control character or `;`.
    #[error("`{0}` cannot be the domain of a cookie")]
    Domain(String),
    /// The attribute is empty or holds a control character or `;`.
    #[error("`{0}` cannot be an attribute of a cookie")]
    Attribute(String),
    /// `preserve` without `insert` or `indirect`.
    #[error("`preserve` needs `insert` or `indirect`")]
    PreserveAlone,
    /// `rewrite` with `indirect`.
    #[error("`rewrite` and `indirect` exclude each other")]
    RewriteIndirect,
}
