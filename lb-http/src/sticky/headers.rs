//! Changing some of several fields of one name.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header::Entry};
use smallvec::SmallVec;

/// Puts every field of this name through `change`, in order; `None` removes it.
pub(super) fn replace_all(
    headers: &mut HeaderMap,
    name: &HeaderName,
    change: impl FnMut(HeaderValue) -> Option<HeaderValue>,
) {
    let Entry::Occupied(entry) = headers.entry(name) else {
        return;
    };
    let (name, fields) = entry.remove_entry_mult();
    let fields: SmallVec<[HeaderValue; 4]> = fields.filter_map(change).collect();
    for field in fields {
        headers.append(name.clone(), field);
    }
}

/// `None` if the bytes cannot be a field's value.
pub(super) fn into_value(field: Vec<u8>) -> Option<HeaderValue> {
    HeaderValue::from_maybe_shared(Bytes::from(field)).ok()
}
