//! What a matcher compares with, for those who look many up at once.

use super::{Matcher, Method, Pattern};

impl Matcher {
    /// The texts that a sample must be one of, each with whether case is ignored; `None` if it is not so simple.
    pub(in crate::condition) fn equal_texts(&self) -> Option<Vec<(&[u8], bool)>> {
        if !matches!(self.method, Method::Str) {
            return None;
        }
        let texts = self.patterns.iter().map(|(_, pattern)| match pattern {
            Pattern::Text(text) => Some((&*text.bytes, text.ignore_case)),
            _ => None,
        });
        texts.collect()
    }
}
