//! Log-format strings: `"%ci:%cp [%tr] %[hdr(host)] %{+Q}r"`.
//!
//! HAProxy (8.2.6): text with `%name` for what a log line knows, `%[expr]` for samples, `%{+Q,-E}` for how the next
//! one is written, and `%%`. They stand in log formats and wherever a rule takes a text: `set-header`, `redirect`,
//! `return lf-string`.
//!
//! ```
//! use lb_core::condition::Word;
//! use lb_http::{fetch::{HttpVocabulary, View}, format::Format};
//!
//! let format = Format::parse(&Word::whole("from %[src] to %[hdr(host),lower]"), &HttpVocabulary::default()).expect("valid");
//! let request = http::Request::get("/").header("host", "A.example").body(()).unwrap();
//! let mut out = Vec::new();
//! format.write(&mut out, &View::of(&request), &mut |_, _, _| {});
//! assert_eq!(out, b"from  to a.example");
//! assert!(Format::parse(&Word::whole("%[nofetch]"), &HttpVocabulary::default()).is_err());
//! ```

mod alias;
mod kept;
mod parse;
mod style;

#[cfg(test)]
mod tests;

pub use self::{alias::Alias, kept::Kept, style::Style};
use crate::fetch::{HttpExpr, View};

/// A log-format string, compiled.
#[derive(Debug, Clone)]
pub struct Format {
    items: Box<[Item]>,
    /// It makes a line of a log: see [`Format::parse_line`].
    line: bool,
}

/// A piece of it.
#[derive(Debug, Clone)]
enum Item {
    Text(Box<[u8]>),
    Expr(HttpExpr, Style),
    Alias(Alias, Style),
}

impl Format {
    /// Always the same text.
    #[must_use]
    pub fn fixed(text: &[u8]) -> Self {
        Self {
            items: [Item::Text(text.into())].into(),
            line: false,
        }
    }

    /// The text, if it is always the same.
    #[must_use]
    pub fn as_fixed(&self) -> Option<&[u8]> {
        match &*self.items {
            [] => Some(b""),
            [Item::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// What it asks of a log line.
    pub fn aliases(&self) -> impl Iterator<Item = Alias> {
        self.items.iter().filter_map(|item| match item {
            Item::Alias(alias, _) => Some(*alias),
            _ => None,
        })
    }

    /// Appends the text to `out`. What `%name` stands for is written by `alias`; a sample that is not there is
    /// nothing, or `-` under `+M`.
    pub fn write(
        &self,
        out: &mut Vec<u8>,
        view: &View<'_>,
        alias: &mut dyn FnMut(&mut Vec<u8>, Alias, Style),
    ) {
        self.write_line(out, view, &Kept::default(), alias);
    }

    /// The same with samples that were [kept](Format::keep); one that can be taken now wins.
    pub fn write_line(
        &self,
        out: &mut Vec<u8>,
        view: &View<'_>,
        kept: &Kept,
        alias: &mut dyn FnMut(&mut Vec<u8>, Alias, Style),
    ) {
        let start = out.len();
        let mut exprs = 0;
        for item in &self.items {
            match item {
                Item::Text(text) => {
                    let after_blank = out[start..].last().is_none_or(|last| *last == b' ');
                    match text.strip_prefix(b" ") {
                        Some(rest) if self.line && after_blank => out.extend_from_slice(rest),
                        _ => out.extend_from_slice(text),
                    }
                }
                Item::Alias(name, style) => alias(out, *name, *style),
                Item::Expr(expr, style) => {
                    let from = out.len();
                    let written = expr.with_sample(view, |sample| style.sample(out, sample));
                    if written.is_none() {
                        match kept.find(exprs) {
                            Some(text) => out.extend_from_slice(text),
                            None => style.missing(out),
                        }
                    }
                    if self.line {
                        one_line(out, from);
                    }
                    exprs += 1;
                }
            }
        }
    }
}

/// Whatever a sample holds, a line stays one line.
fn one_line(out: &mut Vec<u8>, from: usize) {
    let breaks = |byte: u8| byte != b'\t' && byte.is_ascii_control();
    if !out[from..].iter().any(|byte| breaks(*byte)) {
        return;
    }
    let tail = out.split_off(from);
    for byte in tail {
        match breaks(byte) {
            true => out.extend(format!("#{byte:02X}").bytes()),
            false => out.push(byte),
        }
    }
}
