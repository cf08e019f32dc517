//! How values are written so that a line can be parsed.

use std::{io::Write, time::Duration};

pub(super) fn number(out: &mut Vec<u8>, number: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Milliseconds; -1 for a phase that never ended.
pub(super) fn millis(out: &mut Vec<u8>, duration: Option<Duration>) {
    // Of 64 bits: those of 128 take several times as long to write.
    let millis = duration.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
    match millis {
        Some(millis) => number(out, millis),
        None => out.extend_from_slice(b"-1"),
    }
}

/// Non-printable characters and `"` become `#XX`.
pub(super) fn escape(out: &mut Vec<u8>, text: &[u8]) {
    escape_unless(out, text, |byte| byte != b'"');
}

/// The same for a captured field, where the marks around it are escaped, too.
pub(super) fn escape_capture(out: &mut Vec<u8>, text: &[u8]) {
    escape_unless(out, text, |byte| !b"\"#{|}".contains(&byte));
}

fn escape_unless(out: &mut Vec<u8>, text: &[u8], keeps: impl Fn(u8) -> bool) {
    let plain = |byte: &u8| (0x20..0x7f).contains(byte) && keeps(*byte);
    if text.iter().all(plain) {
        return out.extend_from_slice(text);
    }
    for byte in text {
        if plain(byte) {
            out.push(*byte);
        } else {
            // Writing to a Vec cannot fail.
            let _ = write!(out, "#{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_break_a_line_is_escaped() {
        let mut out = Vec::new();
        escape(&mut out, "/a\"b\u{e9}#c".as_bytes());
        assert_eq!(out, b"/a#22b#C3#A9#c");
    }

    /// What HAProxy 2.6.12 was seen to write.
    #[test]
    fn a_capture_keeps_its_marks_apart() {
        let mut out = Vec::new();
        escape_capture(&mut out, b"a\"#{|}\\ \xe9\x7f\t x");
        assert_eq!(out, b"a#22#23#7B#7C#7D\\ #E9#7F#09 x");
    }
}
