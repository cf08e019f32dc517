//! Reading `name(arg,arg),converter(arg)`: a sample expression, as yet without meaning.

use super::{
    error::{ConditionError, Span},
    word::Word,
};

/// An argument as written between the parentheses, unquoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arg {
    /// Its text; empty where two commas meet.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// A fetch or a converter with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The name: `hdr`, `lower`.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// The arguments; `()` is the same as none.
    pub args: Vec<Arg>,
}

impl Call {
    /// The `n`-th argument, from 0, if it is there and not empty.
    #[must_use]
    pub fn arg(&self, n: usize) -> Option<&Arg> {
        self.args.get(n).filter(|arg| !arg.text.is_empty())
    }

    /// Checks that there are at most `most` arguments.
    ///
    /// # Errors
    /// Points at the first that is too many.
    pub fn at_most(&self, most: usize) -> Result<(), ConditionError> {
        match self.args.get(most) {
            None => Ok(()),
            Some(arg) if most == 0 => Err(ConditionError::new(
                arg.span,
                format!("`{}` takes no argument", self.name),
            )),
            Some(arg) => Err(ConditionError::new(
                arg.span,
                format!("`{}` takes at most {most} arguments", self.name),
            )),
        }
    }

    /// The `n`-th argument as a whole number.
    ///
    /// # Errors
    /// If it is there and is none.
    pub fn integer(&self, n: usize) -> Result<Option<i64>, ConditionError> {
        let Some(arg) = self.arg(n) else {
            return Ok(None);
        };
        let number = arg.text.parse().map_err(|_| {
            ConditionError::new(
                arg.span,
                format!("argument {} of `{}` is a whole number", n + 1, self.name),
            )
        })?;
        Ok(Some(number))
    }
}

/// A fetch, and the converters its sample passes through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleExpr {
    /// The fetch.
    pub fetch: Call,
    /// The converters, in order.
    pub converters: Vec<Call>,
}

impl SampleExpr {
    /// Reads one word.
    ///
    /// # Errors
    /// A name is missing, a parenthesis does not close, or something follows one.
    pub fn parse(word: &Word) -> Result<Self, ConditionError> {
        let mut reader = Reader { word, at: 0 };
        let fetch = reader.call("fetch")?;
        let mut converters = Vec::new();
        while reader.eat(b',') {
            // HAProxy takes an empty converter as none: `path,` is `path`.
            if reader.peek().is_some() {
                converters.push(reader.call("converter")?);
            }
        }
        if reader.peek().is_some() {
            let span = word.part(reader.at, word.value().len());
            return Err(ConditionError::new(
                span,
                "expected `,` and a converter, or a blank",
            ));
        }
        Ok(Self { fetch, converters })
    }
}

struct Reader<'w> {
    word: &'w Word,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.word.value().get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let hit = self.peek() == Some(byte);
        self.at += usize::from(hit);
        hit
    }

    fn call(&mut self, what: &str) -> Result<Call, ConditionError> {
        let start = self.at;
        while self
            .peek()
            .is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'+'))
        {
            self.at += 1;
        }
        if self.at == start {
            let span = self.word.part(start, self.word.value().len());
            return Err(ConditionError::new(
                span,
                format!("expected the name of a {what}"),
            ));
        }
        let name = String::from_utf8_lossy(&self.word.value()[start..self.at]).into_owned();
        let span = self.word.part(start, self.at);
        let args = if self.eat(b'(') {
            self.args()?
        } else {
            Vec::new()
        };
        Ok(Call { name, span, args })
    }

    /// The arguments after `(`, and the `)`. Quotes and `\` protect `,` and `)` here a second time.
    fn args(&mut self) -> Result<Vec<Arg>, ConditionError> {
        let open = self.at - 1;
        let mut args = Vec::new();
        let mut value = Vec::new();
        let mut start = self.at;
        let mut quote = None;
        loop {
            let Some(byte) = self.peek() else {
                let span = self.word.part(open, self.word.value().len());
                return Err(
                    ConditionError::new(span, "this `(` is not closed in the same word")
                        .help("arguments stand without blanks, as in `hdr(host)`"),
                );
            };
            let next = self.word.value().get(self.at + 1).copied();
            match (quote, byte) {
                (None, b',' | b')') => {
                    let span = self.word.part(start, self.at);
                    let text = String::from_utf8(std::mem::take(&mut value))
                        .map_err(|_| ConditionError::new(span, "the argument is not UTF-8"))?;
                    args.push(Arg { text, span });
                    self.at += 1;
                    start = self.at;
                    if byte == b')' {
                        break;
                    }
                    continue;
                }
                (None, b'"' | b'\'') => quote = Some(byte),
                (Some(open), _) if byte == open => quote = None,
                (None | Some(b'"'), b'\\') if next.is_some_and(is_special) => {
                    value.extend(next);
                    self.at += 1;
                }
                _ => value.push(byte),
            }
            self.at += 1;
        }
        if let [only] = args.as_slice()
            && only.text.is_empty()
        {
            args.clear();
        }
        Ok(args)
    }
}

fn is_special(byte: u8) -> bool {
    matches!(byte, b'\\' | b'"' | b'\'' | b' ' | b',' | b'(' | b')')
}
