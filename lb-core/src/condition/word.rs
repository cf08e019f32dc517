//! Cutting a text into words as HAProxy cuts its configuration lines.
//!
//! Blanks part words; `"double"` and `'single'` quotes and `\` protect them. Outside quotes and in double quotes
//! `\` makes the next character plain where it would mean something, `\n \r \t \xNN` are characters, and before
//! anything else (`\.`, `\d`) it stays, so that regular expressions need no doubling.

use super::error::{ConditionError, Span};

/// One word with its quotes and escapes resolved, which still knows where each of its bytes came from.
#[derive(Debug, Clone)]
pub struct Word {
    value: Vec<u8>,
    /// Offset in the text of each byte of `value`.
    at: Vec<usize>,
    span: Span,
    plain: bool,
}

impl Word {
    /// The word without its quotes and escapes. Bytes, since `\xNN` may write any.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    /// Where the word stands, quotes included.
    #[must_use]
    pub fn span(&self) -> Span {
        self.span
    }

    /// Whether this is the keyword `keyword`: written without quotes or escapes.
    #[must_use]
    pub fn is(&self, keyword: &str) -> bool {
        self.plain && self.value == keyword.as_bytes()
    }

    /// Where the bytes `from..to` of the value stand in the text.
    #[must_use]
    pub fn part(&self, from: usize, to: usize) -> Span {
        let end = self.span.offset + self.span.len;
        let start = self.at.get(from).copied().unwrap_or(end);
        let stop = if to >= self.at.len() {
            end
        } else {
            self.at[to]
        };
        Span {
            offset: start,
            len: stop.saturating_sub(start),
        }
    }

    /// All of `text` as one word in which nothing is quoted: a whole value of the configuration.
    #[must_use]
    pub fn whole(text: &str) -> Self {
        Self {
            value: text.as_bytes().to_vec(),
            at: (0..text.len()).collect(),
            span: Span {
                offset: 0,
                len: text.len(),
            },
            plain: false,
        }
    }

    /// The bytes `from..to` of the word as a word of their own.
    #[must_use]
    pub fn slice(&self, from: usize, to: usize) -> Self {
        Self {
            value: self.value[from..to].to_vec(),
            at: self.at[from..to].to_vec(),
            span: self.part(from, to),
            plain: self.plain,
        }
    }

    /// The rest of the word after its first `n` bytes.
    pub(super) fn after(&self, n: usize) -> Self {
        self.slice(n, self.value.len())
    }

    /// The word as text for a message; bytes that are no UTF-8 are replaced.
    pub(super) fn lossy(&self) -> String {
        String::from_utf8_lossy(&self.value).into_owned()
    }

    fn new(offset: usize) -> Self {
        Self {
            value: Vec::new(),
            at: Vec::new(),
            span: Span { offset, len: 0 },
            plain: true,
        }
    }

    fn push(&mut self, byte: u8, at: usize) {
        self.value.push(byte);
        self.at.push(at);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quote {
    None,
    Double,
    Single,
}

/// Cuts `text` into words.
///
/// # Errors
/// A quote without its end, a `\` at the end, `\x` without two digits, a `#` that would start a comment.
pub fn words(text: &str) -> Result<Vec<Word>, ConditionError> {
    let bytes = text.as_bytes();
    let mut words = Vec::new();
    let mut word: Option<Word> = None;
    let mut quote = (Quote::None, 0);
    let mut i = 0;
    while i < bytes.len() {
        let byte = bytes[i];
        match (quote.0, byte) {
            (Quote::None, b' ' | b'\t' | b'\r' | b'\n') => {
                words.extend(word.take().map(|word| finish(word, i)));
                i += 1;
                continue;
            }
            (Quote::None, b'#') => {
                return Err(ConditionError::new(
                    Span { offset: i, len: 1 },
                    "`#` starts a comment here",
                )
                .help("write `\\#` or quote the word"));
            }
            _ => {}
        }
        let current = word.get_or_insert_with(|| Word::new(i));
        match (quote.0, byte) {
            (Quote::None, b'"' | b'\'') => {
                let kind = if byte == b'"' {
                    Quote::Double
                } else {
                    Quote::Single
                };
                quote = (kind, i);
                current.plain = false;
                i += 1;
            }
            (Quote::Double, b'"') | (Quote::Single, b'\'') => {
                quote.0 = Quote::None;
                i += 1;
            }
            (Quote::None | Quote::Double, b'\\') => {
                current.plain = false;
                i += escape(current, bytes, i, quote.0)?;
            }
            _ => {
                current.push(byte, i);
                i += 1;
            }
        }
    }
    if quote.0 != Quote::None {
        let span = Span {
            offset: quote.1,
            len: bytes.len() - quote.1,
        };
        return Err(ConditionError::new(
            span,
            "the quote that starts here has no end",
        ));
    }
    words.extend(word.take().map(|word| finish(word, bytes.len())));
    Ok(words)
}

fn finish(mut word: Word, end: usize) -> Word {
    word.span.len = end - word.span.offset;
    word
}

/// Resolves the `\` at `i` and returns how many bytes of the text that took.
fn escape(word: &mut Word, bytes: &[u8], i: usize, quote: Quote) -> Result<usize, ConditionError> {
    let Some(&next) = bytes.get(i + 1) else {
        return Err(ConditionError::new(
            Span { offset: i, len: 1 },
            "a `\\` at the end escapes nothing",
        ));
    };
    let plain = match next {
        b' ' | b'\\' | b'"' | b'\'' | b'#' => next,
        b'$' if quote == Quote::Double => next,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'x' => {
            let digit = |at: usize| bytes.get(at).and_then(|&b| (b as char).to_digit(16));
            let (Some(high), Some(low)) = (digit(i + 2), digit(i + 3)) else {
                let span = Span { offset: i, len: 2 };
                return Err(ConditionError::new(
                    span,
                    "`\\x` needs two hexadecimal digits",
                ));
            };
            word.push((high * 16 + low) as u8, i);
            return Ok(4);
        }
        // Not ours: `\.` and the like belong to a regular expression.
        _ => {
            word.push(b'\\', i);
            return Ok(1);
        }
    };
    word.push(plain, i);
    Ok(2)
}

/// Where the `if` or `unless` stands that ends a rule such as `deny status 403 if bad`, quotes respected.
///
/// # Errors
/// As [`words`].
pub fn find_suffix(text: &str) -> Result<Option<usize>, ConditionError> {
    Ok(words(text)?
        .iter()
        .find(|word| word.is("if") || word.is("unless"))
        .map(|word| word.span().offset))
}
