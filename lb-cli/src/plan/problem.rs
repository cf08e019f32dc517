//! Problems of texts inside the configuration, with their place in the file.

use lb_core::policy::AlgorithmPart;
use lb_core::{condition::ConditionError, policy::AlgorithmError};

use crate::config::{Diagnostics, Spanned, model};

/// An error in one line, with what caused it.
pub(crate) fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

/// Adds the mistakes of a condition, whose offsets are into `text`.
pub(super) fn of_condition(
    text: &Spanned<String>,
    errors: impl IntoIterator<Item = ConditionError>,
    diagnostics: &mut Diagnostics,
) {
    for error in errors {
        let span = text.at(error.offset..error.offset + error.len);
        let diagnostic = diagnostics.error(span, error.message);
        if let Some(help) = error.help {
            diagnostic.help(help);
        }
    }
}

/// Adds the mistake of a `balance`, `hash_type` or `hash_balance_factor`.
pub(super) fn of_algorithm(
    backend: &model::Backend,
    error: &AlgorithmError,
    diagnostics: &mut Diagnostics,
) {
    let text = match error.part() {
        AlgorithmPart::HashType => backend.hash_type.as_ref().unwrap_or(&backend.balance),
        _ => &backend.balance,
    };
    let span = match (error.part(), &backend.hash_balance_factor) {
        (AlgorithmPart::Factor, Some(factor)) => factor.span(),
        _ => text.at(error.span()),
    };
    let diagnostic = diagnostics.error(span, error.to_string());
    let word = text.get(error.span()).unwrap_or_default();
    if let Some(near) = crate::config::nearest(word, error.known().iter().copied()) {
        diagnostic.help(format!("did you mean `{near}`?"));
    }
}
