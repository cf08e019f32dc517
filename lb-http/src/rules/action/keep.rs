//! `set-var`, `set-var-fmt`, `unset-var`, `capture`: what is kept for later.

use lb_core::condition::{ConditionError, Value, Word};

use crate::{
    fetch::{HttpExpr, Place, View},
    rules::{compile::Words, text::Text},
    transaction::{Slot, Transaction, Variable, VariableScope},
};

/// A change of a variable.
#[derive(Debug)]
pub(in crate::rules) enum VariableRule {
    Set(Variable, HttpExpr),
    SetText(Variable, Text),
    Unset(Variable),
}

/// Fills a slot of the log line.
#[derive(Debug)]
pub(in crate::rules) struct Capture {
    expr: HttpExpr,
    slot: Slot,
    len: usize,
}

impl VariableRule {
    /// `set-var(NAME) EXPR`, its word being `name`.
    pub(super) fn parse(name: &str, words: &mut Words<'_>) -> Result<Self, ConditionError> {
        let variable = variable(words)?;
        Ok(match name {
            "set-var" => {
                let word = words.required("an expression")?;
                Self::Set(variable, words.vocabulary.expr(word)?)
            }
            "set-var-fmt" => Self::SetText(variable, words.text("a text")?),
            _ => Self::Unset(variable),
        })
    }

    /// Observed: a sample that is not there changes nothing.
    pub(in crate::rules) fn apply(&self, view: &View<'_>, transaction: &Transaction) {
        let (variable, value) = match self {
            Self::Set(variable, expr) => match expr.with_sample(view, |sample| Value::from(sample))
            {
                Some(value) => (*variable, Some(value)),
                None => return,
            },
            Self::SetText(variable, text) => (*variable, Some(Value::Str(text.text(view).into()))),
            Self::Unset(variable) => (*variable, None),
        };
        transaction.set_variable(variable, value);
    }

    /// What the variable is now.
    pub(in crate::rules) fn tell(&self, transaction: Option<&Transaction>) -> String {
        let (Self::Set(variable, _) | Self::SetText(variable, _) | Self::Unset(variable)) = self;
        let value = transaction.and_then(|transaction| transaction.variable(*variable));
        match value {
            Some(value) => format!("\"{}\"", value.as_sample()),
            None => "it is not set".to_owned(),
        }
    }
}

/// What stands between the parentheses of the action's name.
fn variable(words: &Words<'_>) -> Result<Variable, ConditionError> {
    let word = words.last();
    let text = String::from_utf8_lossy(word.value()).into_owned();
    let Some((open, inner)) = text
        .split_once('(')
        .and_then(|(before, rest)| Some((before.len() + 1, rest.strip_suffix(')')?)))
    else {
        return Err(
            ConditionError::new(word.span(), "expected a variable in parentheses")
                .help("as in `set-var(txn.name)`"),
        );
    };
    let part = |from: usize, to: usize| word.part(open + from, open + to);
    let (name, condition) = inner
        .split_once(',')
        .map_or((inner, None), |(n, c)| (n, Some(c)));
    if condition.is_some() {
        let span = part(name.len() + 1, inner.len());
        return Err(
            ConditionError::new(span, "conditions of a variable are not built yet")
                .help("the rule may end in `if`"),
        );
    }
    let span = part(0, name.len());
    let (scope, rest) = name.split_once('.').unwrap_or((name, ""));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    match VariableScope::parse(scope) {
        Some(VariableScope::Process | VariableScope::Session) => Err(ConditionError::new(
            span,
            format!("variables of `{scope}` are HAProxy's, and not built yet"),
        )),
        Some(VariableScope::Response) if words.vocabulary.place() == Place::Request => Err(
            ConditionError::new(span, "variables of `res` begin with the response")
                .help("`txn` lasts for the request and its response"),
        ),
        Some(VariableScope::Request) if words.vocabulary.place() == Place::Response => Err(
            ConditionError::new(span, "variables of `req` end where the response begins")
                .help("`txn` lasts for the request and its response"),
        ),
        Some(scope) if !rest.is_empty() && rest.bytes().all(plain) => {
            Ok(words.vocabulary.registry().variable(scope, rest))
        }
        _ => Err(
            ConditionError::new(span, format!("`{name}` is not the name of a variable"))
                .help("it begins with its scope: `txn.name`, `req.name`, `res.name`"),
        ),
    }
}

impl Capture {
    /// `capture EXPR len N` or `capture EXPR id N`.
    pub(super) fn parse(words: &mut Words<'_>) -> Result<Self, ConditionError> {
        let word: &Word = words.required("an expression")?;
        let expr = words.vocabulary.expr(word)?;
        let is_request = words.vocabulary.place() == Place::Request;
        if words.eat("id") {
            let id = words.number("the number of a slot", 0, 999)?;
            let id = usize::try_from(id).unwrap_or(usize::MAX);
            let slot = if is_request {
                Slot::Request(id)
            } else {
                Slot::Response(id)
            };
            let section = words.section;
            let len = match section.slots(slot) {
                // Of whichever frontend the request came to.
                None => usize::MAX,
                Some(slots) => *slots.get(id).ok_or_else(|| {
                    let message = format!("there is no slot {id} to capture into");
                    ConditionError::new(words.last().span(), message)
                        .help("slots are those of `capture`, counted from 0")
                })?,
            };
            return Ok(Self { expr, slot, len });
        }
        if !words.eat("len") {
            let span = words.peek().map_or(words.last().span(), |word| word.span());
            return Err(ConditionError::new(
                span,
                "expected `len N` or `id N` after the expression",
            ));
        }
        let len = words.number("a length", 1, 65_535)?;
        let Some(number) = words.new_slot().filter(|_| is_request) else {
            let error = ConditionError::new(
                words.last().span(),
                "only rules on requests of a frontend add slots",
            );
            return Err(error.help("`id N` names one that the frontend declares with `capture`"));
        };
        Ok(Self {
            expr,
            slot: Slot::Request(number),
            len: usize::try_from(len).unwrap_or(usize::MAX),
        })
    }

    /// Takes the sample, to be put into its slot.
    pub(in crate::rules) fn take(&self, view: &View<'_>) -> Option<Box<[u8]>> {
        let len = self.len;
        self.expr.with_sample(view, |sample| {
            sample.with_text(|text| text[..text.len().min(len)].into())
        })
    }

    pub(in crate::rules) fn fill(&self, text: &[u8], transaction: &mut Transaction) {
        transaction.captures.fill(self.slot, text, self.len);
    }
}
