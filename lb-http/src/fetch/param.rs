//! Parameters in the request target.

use super::view::RequestView;

/// Shows the values of the parameters named `name`, or of all, to `visit` until it returns true.
///
/// They start after the first `delimiter`, usually `?`, and end at `&`, `;` or another `delimiter`; what has no `=` is
/// none. Values are not decoded.
pub(super) fn each(
    view: &RequestView<'_>,
    name: Option<&str>,
    delimiter: u8,
    visit: &mut dyn FnMut(&[u8]) -> bool,
) -> bool {
    let Some(target) = view.path_and_query() else {
        return false;
    };
    let target = target.as_bytes();
    let Some(start) = memchr::memchr(delimiter, target) else {
        return false;
    };
    target[start + 1..]
        .split(|b| matches!(b, b'&' | b';') || *b == delimiter)
        .filter_map(|param| {
            let equal = memchr::memchr(b'=', param)?;
            Some((&param[..equal], &param[equal + 1..]))
        })
        .filter(|(found, _)| name.is_none_or(|name| name.as_bytes() == *found))
        .any(|(_, value)| visit(value))
}
