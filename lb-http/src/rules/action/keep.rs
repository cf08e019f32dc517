//! `set-var`, `set-var-fmt`, `unset-var`, `capture`: what is kept for later.

use lb_core::condition::{ConditionError, Value, Word};

use crate::{
    fetch::{
        HttpExpr, Place, View,
        assign::{self, Assignment},
    },
    rules::{compile::Words, text::Text},
    transaction::{Slot, Transaction, Variable},
};

/// A change of a variable.
#[derive(Debug)]
pub(in crate::rules) enum VariableRule {
    Set(Assignment, HttpExpr),
    SetText(Assignment, Text),
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
        let (vocabulary, call) = (words.vocabulary, words.call()?);
        let registry = vocabulary.registry();
        if name == "unset-var" {
            call.at_most(1)?;
        }
        let assignment = Assignment::read(&call, registry)?;
        if let Some(arg) = call.arg(0) {
            assign::check_scope(arg, vocabulary.place())?;
        }
        Ok(match name {
            "set-var" => {
                let word = words.required("an expression")?;
                Self::Set(assignment, vocabulary.expr(word)?)
            }
            "set-var-fmt" => Self::SetText(assignment, words.text("a text")?),
            _ => Self::Unset(assignment.variable().clone()),
        })
    }

    /// Observed: a sample that is not there changes nothing.
    pub(in crate::rules) fn apply(&self, view: &View<'_>) {
        match self {
            Self::Set(assignment, expr) => {
                if let Some(value) = expr.with_sample(view, |sample| Value::from(sample)) {
                    assignment.set(view, value);
                }
            }
            Self::SetText(assignment, text) => {
                assignment.set(view, Value::Str(text.text(view).into()));
            }
            Self::Unset(variable) => view.set_variable(variable, None),
        }
    }

    /// What the variable is now.
    pub(in crate::rules) fn tell(&self, view: &View<'_>) -> String {
        let variable = match self {
            Self::Set(assignment, _) | Self::SetText(assignment, _) => assignment.variable(),
            Self::Unset(variable) => variable,
        };
        match view.variable(variable) {
            Some(value) => format!("\"{}\"", value.as_sample()),
            None => "it is not set".to_owned(),
        }
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
