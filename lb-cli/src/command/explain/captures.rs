//! `capture`: what the log line has of a message.

use lb_http::transaction::Slot;

use super::{Case, Sheet};
use crate::config::model::CapturedField;

/// Tells what has been kept of a `message`.
pub(super) fn tell(
    fields: &[CapturedField],
    slot: fn(usize) -> Slot,
    message: &str,
    case: &Case,
    sheet: &mut Sheet,
) {
    for (at, field) in fields.iter().enumerate() {
        let name = &field.header;
        let text = match case.transaction.captures.find(slot(at)) {
            Some(text) => format!("{name}: \"{}\"", text.escape_ascii()),
            None => format!("the {message} has no {name}"),
        };
        sheet.row("capture", text);
    }
}
