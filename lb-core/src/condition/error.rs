//! What is wrong with a condition, and where.

/// A stretch of the text of a condition, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub offset: usize,
    /// Length; 0 only at the end of the text.
    pub len: usize,
}

impl Span {
    /// From the first byte of `self` to the last of `end`.
    #[must_use]
    pub fn to(self, end: Self) -> Self {
        Self {
            offset: self.offset,
            len: (end.offset + end.len).saturating_sub(self.offset),
        }
    }
}

/// One mistake in a condition: what, where in the text that was given, and how to put it right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error("{message}")]
pub struct ConditionError {
    /// First byte of the words that are wrong. At most the length of the text.
    pub offset: usize,
    /// Length of those words in bytes; 0 where something is missing.
    pub len: usize,
    /// What is wrong, lower case, without the text itself.
    pub message: String,
    /// How to put it right, where that is known.
    pub help: Option<String>,
    /// It would be right in another place: on responses and not on requests, or the other way round.
    pub misplaced: bool,
}

impl ConditionError {
    /// An error about the words at `span`.
    pub fn new(span: Span, message: impl Into<String>) -> Self {
        Self {
            offset: span.offset,
            len: span.len,
            message: message.into(),
            help: None,
            misplaced: false,
        }
    }

    /// Adds how to put it right.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Says that it would be right in another place.
    #[must_use]
    pub fn misplaced(mut self) -> Self {
        self.misplaced = true;
        self
    }

    /// Adds "did you mean" if one of `names` is near `given`.
    #[must_use]
    pub fn suggest<'n>(self, given: &str, names: impl IntoIterator<Item = &'n str>) -> Self {
        match nearest(given, names) {
            Some(name) => self.help(format!("did you mean `{name}`?")),
            None => self,
        }
    }
}

/// The name a typing error turns into `given`: at most a third of its letters differ.
fn nearest<'n>(given: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    // No name is that long, and distances take time.
    if given.len() > 64 {
        return None;
    }
    let limit = (given.chars().count() / 3).max(1);
    names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(given, name), name))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, name)| name)
}
