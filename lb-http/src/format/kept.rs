//! Samples of a log format that are gone before the line is written.

use super::{Format, Item};
use crate::fetch::View;

/// What the samples of one [`Format`] were while their message was there.
///
/// A log line is written when all is over, and neither the request nor the response is there any more: HAProxy
/// refuses such expressions in `log-format`. Each is taken whenever there is something new to take it from, and the
/// last that was there counts.
#[derive(Debug, Default)]
pub struct Kept(Vec<Option<Box<[u8]>>>);

impl Format {
    /// Has it samples at all?
    #[must_use]
    pub fn has_samples(&self) -> bool {
        self.items.iter().any(|item| matches!(item, Item::Expr(..)))
    }

    /// Takes those samples that are there now.
    pub fn keep(&self, kept: &mut Kept, view: &View<'_>) {
        let exprs = self.items.iter().filter_map(|item| match item {
            Item::Expr(expr, style) => Some((expr, style)),
            _ => None,
        });
        for (at, (expr, style)) in exprs.enumerate() {
            let text = expr.with_sample(view, |sample| {
                let mut text = Vec::new();
                style.sample(&mut text, sample);
                text.into_boxed_slice()
            });
            if kept.0.len() <= at {
                kept.0.resize_with(at + 1, || None);
            }
            if text.is_some() {
                kept.0[at] = text;
            }
        }
    }
}

impl Kept {
    pub(super) fn find(&self, at: usize) -> Option<&[u8]> {
        self.0.get(at)?.as_deref()
    }
}
