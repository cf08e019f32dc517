//! Rules that cannot be.

use std::fmt;

use lb_core::condition::ConditionError;

/// Every mistake in the rules of a [`RulesLayer`](super::RulesLayer); there is at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidRules(pub(super) Vec<Mistake>);

/// A mistake in a rule or a named condition.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mistake {
    /// The text it is in.
    pub text: String,
    /// What is wrong, and where in the text.
    pub source: ConditionError,
}

impl InvalidRules {
    /// The mistakes, in the order of the lists.
    pub fn mistakes(&self) -> &[Mistake] {
        &self.0
    }
}

impl fmt::Display for InvalidRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, Mistake { text, source }) in self.0.iter().enumerate() {
            let between = if at == 0 { "" } else { "; " };
            write!(f, "{between}`{text}`: {}", source.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for InvalidRules {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.first().map(|mistake| &mistake.source as _)
    }
}
