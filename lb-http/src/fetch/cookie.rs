//! The cookies that a request brings and a response sets.

use http::header::{COOKIE, SET_COOKIE};

use super::{
    header::{Head, item_end, trim},
    values::Side,
};

/// Shows the values of the cookies named `name`, or of all, to `visit` until it returns true.
pub(super) fn each(
    head: &Head<'_>,
    side: Side,
    name: Option<&str>,
    visit: &mut dyn FnMut(&[u8]) -> bool,
) -> bool {
    // What a `Set-Cookie` says after its first pair is of that cookie.
    let (field, most) = match side {
        Side::Request => (COOKIE, usize::MAX),
        Side::Response => (SET_COOKIE, 1),
    };
    head.headers.get_all(field).iter().any(|header| {
        pairs(header.as_bytes())
            .take(most)
            .filter(|(found, _)| name.is_none_or(|name| name.as_bytes() == *found))
            .any(|(_, value)| visit(value))
    })
}

/// Names and values. Parted by `;` and, as old clients do, `,`; a value may hold both in quotes, which stay. What has
/// no `=` is no cookie, and a name that starts with `$` is an attribute of RFC 2965.
fn pairs(header: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = Some(header);
    let items = std::iter::from_fn(move || {
        let header = rest?;
        let end = item_end(header, b";,");
        rest = header.get(end + 1..);
        Some(&header[..end])
    });
    items.filter_map(|item| {
        let equal = item.iter().position(|b| *b == b'=')?;
        let name = trim(&item[..equal]);
        let value = trim(&item[equal + 1..]);
        (!name.starts_with(b"$")).then_some((name, value))
    })
}
