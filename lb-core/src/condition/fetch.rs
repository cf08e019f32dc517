//! What the engine asks of those who know where samples come from.

use super::{
    call::SampleExpr,
    error::ConditionError,
    sample::{Sample, SampleType},
};

/// Something that takes samples from a request, ready to run.
pub trait Fetch {
    /// What the samples are taken from: a request, a connection.
    type Context<'a>;

    /// The type of every sample this yields.
    fn sample_type(&self) -> SampleType;

    /// Shows the samples to `visit` in order until it returns true, and returns whether it did.
    ///
    /// None where the request does not have what is asked for; several where it has several, as header values. It
    /// must not allocate: this is the request path.
    fn each(&self, cx: &Self::Context<'_>, visit: &mut dyn FnMut(Sample<'_>) -> bool) -> bool;

    /// Why no sample of this ever has `text` in it, or at its start if `start`; `None` if one may.
    ///
    /// Asked when a condition is compiled, so that one that can never hold is a mistake.
    fn never_has(&self, text: &[u8], start: bool) -> Option<String> {
        let _ = (text, start);
        None
    }

    /// The least and the greatest number that this ever yields, where it yields numbers and that is known.
    ///
    /// Asked when a condition is compiled, likewise.
    fn bounds(&self) -> Option<(i64, i64)> {
        None
    }
}

/// What a [`Vocabulary`] says of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// It can be used.
    Built,
    /// HAProxy has it and it is not built here yet.
    NotBuilt,
    /// Nobody has heard of it.
    No,
}

/// The fetches and converters that may be used in a place, by name.
pub trait Vocabulary {
    /// What their expressions become.
    type Fetch: Fetch;

    /// What is known of a fetch's name. Suffixed forms (`path_beg`) are the engine's business.
    fn knows(&self, name: &str) -> Known;

    /// The names that [`Vocabulary::knows`] calls built, to suggest from.
    fn names(&self) -> Vec<&'static str>;

    /// Gives an expression its meaning. The name of its fetch is a known one.
    ///
    /// # Errors
    /// Arguments that are wrong, converters that are unknown.
    fn resolve(&self, expr: &SampleExpr) -> Result<Self::Fetch, ConditionError>;
}

impl<V: Vocabulary + ?Sized> Vocabulary for &V {
    type Fetch = V::Fetch;

    fn knows(&self, name: &str) -> Known {
        (**self).knows(name)
    }

    fn names(&self) -> Vec<&'static str> {
        (**self).names()
    }

    fn resolve(&self, expr: &SampleExpr) -> Result<Self::Fetch, ConditionError> {
        (**self).resolve(expr)
    }
}
