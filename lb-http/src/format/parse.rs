//! From text to a format.

use lb_core::condition::{ConditionError, Word};

use super::{Alias, Format, Item, Style, alias::NAMES};
use crate::fetch::HttpVocabulary;

impl Format {
    /// Compiles the text of one word; a whole value of the configuration is one by [`Word::whole`].
    ///
    /// # Errors
    /// The first mistake, with its place: an unknown name, fetch or flag, a bracket without its end.
    pub fn parse(word: &Word, vocabulary: &HttpVocabulary) -> Result<Self, ConditionError> {
        Self::read(word, vocabulary, false)
    }

    /// The same for a line of a log (`log-format`), where HAProxy writes `-` for what is not there, as if all were
    /// under `+M`, and one blank for many. A control character in a sample becomes `#XX`: a line stays one line.
    ///
    /// # Errors
    /// As [`Format::parse`].
    pub fn parse_line(word: &Word, vocabulary: &HttpVocabulary) -> Result<Self, ConditionError> {
        Self::read(word, vocabulary, true)
    }

    fn read(word: &Word, vocabulary: &HttpVocabulary, line: bool) -> Result<Self, ConditionError> {
        let mut reader = Reader {
            word,
            vocabulary,
            at: 0,
            default: Style {
                mandatory: line,
                ..Style::default()
            },
        };
        let mut items = Vec::new();
        let mut text = Vec::new();
        while let Some(byte) = reader.next() {
            if byte != b'%' {
                if !(line && byte == b' ' && text.last() == Some(&b' ')) {
                    text.push(byte);
                }
                continue;
            }
            if reader.peek() == Some(b'%') {
                reader.at += 1;
                text.push(b'%');
                continue;
            }
            let item = reader.item()?;
            if !text.is_empty() {
                items.push(Item::Text(std::mem::take(&mut text).into()));
            }
            items.extend(item);
        }
        if !text.is_empty() {
            items.push(Item::Text(text.into()));
        }
        Ok(Self {
            items: items.into(),
            line,
        })
    }
}

struct Reader<'w> {
    word: &'w Word,
    vocabulary: &'w HttpVocabulary,
    at: usize,
    /// Flags of `%{…}o`, which hold to the end.
    default: Style,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.word.value().get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn error(&self, from: usize, message: impl Into<String>) -> ConditionError {
        // A place is never within a character.
        let value = self.word.value();
        let inside = |at: usize| value.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
        let (mut from, mut to) = (from, self.at.max(from + 1));
        while inside(from) {
            from -= 1;
        }
        while inside(to) {
            to += 1;
        }
        ConditionError::new(self.word.part(from, to), message)
    }

    /// What stands after a `%`; nothing of it is to be written for `%o`.
    fn item(&mut self) -> Result<Option<Item>, ConditionError> {
        let start = self.at - 1;
        let mut style = self.default;
        if self.peek() == Some(b'{') {
            self.at += 1;
            self.flags(&mut style)?;
        }
        if self.peek() == Some(b'[') {
            self.at += 1;
            return self.expr(start, style).map(Some);
        }
        let rest = &self.word.value()[self.at..];
        let letters = rest.iter().take_while(|b| b.is_ascii_alphabetic()).count();
        // `%sq/%bq` and `%ci:%cp` end at what is no letter; `%Tas` is `%Ta` and an `s` to nobody.
        let name = String::from_utf8_lossy(&rest[..letters]).into_owned();
        self.at += letters;
        match Alias::parse(&name) {
            Some(Alias::Flags) => {
                self.default = style;
                Ok(None)
            }
            Some(alias) => Ok(Some(Item::Alias(alias, style))),
            None if name.is_empty() => Err(self
                .error(start, "expected a name, `[` or `{` after `%`")
                .help("`%%` writes one `%`")),
            None => Err(self
                .error(start, format!("there is no `%{name}`"))
                .suggest(&name, NAMES.iter().map(|(name, _)| *name))),
        }
    }

    /// After `{`: flags with their signs, and `}`.
    fn flags(&mut self, style: &mut Style) -> Result<(), ConditionError> {
        let start = self.at - 1;
        let mut on = true;
        loop {
            let Some(byte) = self.next() else {
                return Err(self.error(start, "this `{` is not closed"));
            };
            match byte {
                b'}' => return Ok(()),
                b'+' => on = true,
                b'-' => on = false,
                b',' | b' ' => {}
                b'Q' => style.quote = on,
                b'E' => style.escape = on,
                b'X' => style.hexadecimal = on,
                b'M' => style.mandatory = on,
                other => {
                    let message = format!("there is no flag `{}`", other.escape_ascii());
                    let at = self.at - 1;
                    return Err(self.error(at, message).help("flags are Q, E, X and M"));
                }
            }
        }
    }

    /// After `[`: an expression, and `]`. Brackets within parentheses are of the arguments.
    fn expr(&mut self, start: usize, style: Style) -> Result<Item, ConditionError> {
        let from = self.at;
        let (mut depth, mut quote) = (0usize, None);
        loop {
            let Some(byte) = self.next() else {
                return Err(self.error(start, "this `[` is not closed"));
            };
            match (quote, byte) {
                (None, b']') if depth == 0 => break,
                (None, b'(') => depth += 1,
                (None, b')') => depth = depth.saturating_sub(1),
                (None, b'"' | b'\'') => quote = Some(byte),
                (Some(open), _) if byte == open => quote = None,
                (None | Some(b'"'), b'\\') => self.at += 1,
                _ => {}
            }
        }
        let mut to = self.at - 1;
        let value = self.word.value();
        let mut from = from;
        // HAProxy takes blanks around the expression.
        while from < to && value[from] == b' ' {
            from += 1;
        }
        while to > from && value[to - 1] == b' ' {
            to -= 1;
        }
        let word = self.word.slice(from, to);
        Ok(Item::Expr(self.vocabulary.expr(&word)?, style))
    }
}
