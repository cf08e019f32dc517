//! What the fields `Cookie` and `Set-Cookie` have in common.

/// From `begin` up to the `;` or `,` that ends the part there, or to the end of
/// the field: the first `=` in it, and that end. Within double quotes in what
/// follows the `=`, separators do not count, and `\` takes the byte after it
/// along; a quote that is not closed lasts to the end of the field.
pub(super) fn scan(field: &[u8], begin: usize) -> (Option<usize>, usize) {
    let mut equals = None;
    let mut quoted = false;
    let mut at = begin;
    while let Some(&byte) = field.get(at) {
        match byte {
            b'"' if equals.is_some() => quoted = !quoted,
            b'\\' if quoted => at += 1,
            b';' | b',' if !quoted => break,
            b'=' if equals.is_none() => equals = Some(at),
            _ => {}
        }
        at += 1;
    }
    (equals, at.min(field.len()))
}

/// The first byte of `field[from..to]` that is not blank, or `to`.
pub(super) fn skip_blanks(field: &[u8], from: usize, to: usize) -> usize {
    to - field[from..to].trim_ascii_start().len()
}
