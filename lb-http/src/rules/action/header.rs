//! `set-header NAME FORMAT`.

use http::{HeaderMap, HeaderName, HeaderValue};
use lb_core::condition::ConditionError;

use crate::{fetch::View, format::Format, rules::compile::Words};

/// Puts one field in the place of all of its name.
#[derive(Debug)]
pub(in crate::rules) struct SetHeader {
    name: HeaderName,
    value: Format,
}

impl SetHeader {
    pub(super) fn parse(words: &mut Words<'_>) -> Result<Self, ConditionError> {
        let word = words.required("the name of a header")?;
        let name = HeaderName::from_bytes(word.value()).map_err(|_| {
            let given = String::from_utf8_lossy(word.value());
            let message = format!("`{given}` cannot be the name of a header");
            ConditionError::new(word.span(), message)
        })?;
        let value = Format::parse(words.required("a value")?, words.vocabulary)?;
        Ok(Self { name, value })
    }

    /// The value for a message.
    pub(in crate::rules) fn value(&self, view: &View<'_>) -> Option<HeaderValue> {
        let mut text = Vec::new();
        self.value.write(&mut text, view, &mut |_, _, _| {});
        HeaderValue::from_bytes(&text).ok()
    }

    pub(in crate::rules) fn set(&self, headers: &mut HeaderMap, value: HeaderValue) {
        headers.insert(self.name.clone(), value);
    }
}
