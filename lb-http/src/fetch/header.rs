//! Header values, whole or cut at commas.

use http::{HeaderMap, HeaderName, header::HOST};

use super::view::{RequestView, ResponseView};

/// The fields of a message.
pub(super) struct Head<'a> {
    pub(super) headers: &'a HeaderMap,
    /// What stands in for `Host`.
    host: Option<&'a [u8]>,
}

impl<'a> Head<'a> {
    pub(super) fn of_request(view: &RequestView<'a>) -> Self {
        Self {
            headers: view.headers,
            host: view.authority_as_host(),
        }
    }

    pub(super) fn of_response(view: &ResponseView<'a>) -> Self {
        Self {
            headers: view.headers,
            host: None,
        }
    }
}

/// Shows the values of the fields named `name`, or of all fields, to `visit` until it returns true.
pub(super) fn each(
    head: &Head<'_>,
    name: Option<&HeaderName>,
    split: bool,
    visit: &mut dyn FnMut(&[u8]) -> bool,
) -> bool {
    let mut show = |value: &[u8]| {
        if split {
            items(value).any(&mut *visit)
        } else {
            visit(trim(value))
        }
    };
    let host = match name {
        Some(name) if name != HOST => None,
        _ => head.host,
    };
    if host.is_some_and(&mut show) {
        return true;
    }
    match name {
        Some(name) => head
            .headers
            .get_all(name)
            .iter()
            .any(|value| show(value.as_bytes())),
        None => head.headers.values().any(|value| show(value.as_bytes())),
    }
}

/// The comma-separated items of a value, blanks around them dropped. Commas in quotes do not part, `\` in quotes
/// protects one character; an empty item is one.
pub(super) fn items(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        let value = rest?;
        let end = item_end(value, b",");
        rest = value.get(end + 1..);
        Some(trim(&value[..end]))
    })
}

/// Values below this length are looked through octet by octet.
const SHORT: usize = 24;

/// Where the item ends that `value` starts with: at one of `delimiters` outside quotes, or the end.
pub(super) fn item_end(value: &[u8], delimiters: &[u8]) -> usize {
    // Most values are one plain item.
    if let [delimiter] = delimiters {
        let plain = match value.len() {
            // A search by vectors takes longer to begin.
            ..SHORT => value.iter().all(|b| b != delimiter && *b != b'"'),
            _ => memchr::memchr2(*delimiter, b'"', value).is_none(),
        };
        if plain {
            return value.len();
        }
    }
    let mut quoted = false;
    let mut escaped = false;
    for (i, byte) in value.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            byte if !quoted && delimiters.contains(byte) => return i,
            _ => {}
        }
    }
    value.len()
}

/// Without blanks at its ends.
pub(super) fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}
