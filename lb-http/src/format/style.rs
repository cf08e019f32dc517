//! How one item of a format is written: `%{+Q,+E,+X,+M}`.

use lb_core::condition::Sample;

/// Flags of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Style {
    /// `Q`: between double quotes.
    pub quote: bool,
    /// `E`: `"`, `\` and `]` behind a `\`, as RFC 5424 wants it.
    pub escape: bool,
    /// `X`: numbers and addresses in hexadecimal.
    pub hexadecimal: bool,
    /// `M`: `-` where there is nothing, `""` under `Q`.
    pub mandatory: bool,
}

impl Style {
    /// Appends a sample.
    pub fn sample(self, out: &mut Vec<u8>, sample: Sample<'_>) {
        match sample {
            Sample::Int(number) if self.hexadecimal => {
                self.text(out, format!("{number:02X}").as_bytes());
            }
            _ => sample.with_text(|text| self.text(out, text)),
        }
    }

    /// Appends a text, quoted and escaped as wanted; `-` for an empty one that is mandatory.
    pub fn text(self, out: &mut Vec<u8>, text: &[u8]) {
        if text.is_empty() {
            return self.missing(out);
        }
        if self.quote {
            out.push(b'"');
        }
        for &byte in text {
            if self.escape && matches!(byte, b'"' | b'\\' | b']') {
                out.push(b'\\');
            }
            out.push(byte);
        }
        if self.quote {
            out.push(b'"');
        }
    }

    /// Appends what stands for nothing.
    pub fn missing(self, out: &mut Vec<u8>) {
        match (self.quote, self.mandatory) {
            (true, _) => out.extend_from_slice(b"\"\""),
            (false, true) => out.push(b'-'),
            (false, false) => {}
        }
    }
}
