//! Patterns of numbers: single ones, ranges, and operators before them.

use super::{Pattern, Source};
use crate::condition::error::ConditionError;

/// Numbers and ranges; an operator holds for the numbers after it, up to the next, but not for ranges.
pub(super) fn parse(sources: &[Source]) -> Result<Vec<(Box<str>, Pattern)>, ConditionError> {
    let mut patterns = Vec::with_capacity(sources.len());
    let mut operator: Option<&Source> = None;
    let mut used = true;
    for source in sources {
        if is_operator(source) {
            if !used {
                return Err(source.error("one operator after another"));
            }
            operator = Some(source);
            used = false;
            continue;
        }
        if source.bytes == b"ne" {
            return Err(source
                .error("there is no such operator")
                .help("put `!` before the test: `!{ … eq N }`"));
        }
        let word = operator.filter(|_| source.line.is_none());
        let (low, high) = number(source, word.map_or(b"eq", |word| &word.bytes))?;
        let label = match word {
            Some(word) => format!("{} {}", word.label(), source.label()).into(),
            None => source.label(),
        };
        patterns.push((label, Pattern::Range(low, high)));
        used = true;
    }
    match operator {
        Some(operator) if !used => Err(operator.error("a number must follow")),
        _ => Ok(patterns),
    }
}

/// An error at the first pattern that no number between `low` and `high` matches.
pub(in crate::condition) fn check_bounds(
    sources: &[Source],
    (low, high): (i64, i64),
) -> Result<(), ConditionError> {
    let numbers = sources.iter().filter(|source| !is_operator(source));
    for (source, (_, pattern)) in numbers.zip(parse(sources)?) {
        if matches!(pattern, Pattern::Range(from, to) if to < low || from > high) {
            let what = match high {
                i64::MAX => format!("the number is {low} or more"),
                high => format!("the number is {low} to {high}"),
            };
            return Err(source.error(format!("this never matches: {what}")));
        }
    }
    Ok(())
}

fn is_operator(source: &Source) -> bool {
    source.line.is_none() && matches!(&source.bytes[..], b"eq" | b"ge" | b"gt" | b"le" | b"lt")
}

/// The range, both ends included, that a pattern stands for.
fn number(source: &Source, operator: &[u8]) -> Result<(i64, i64), ConditionError> {
    let text = source.text()?;
    let one = |text: &str| -> Result<i64, ConditionError> {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let number = digits.then(|| text.parse().ok()).flatten();
        number.ok_or_else(|| source.error("not a number or a range of numbers"))
    };
    if text.starts_with('-') {
        return Err(source.error("patterns are never negative").help(
            "HAProxy would read `-5` as the range up to 5, which is written `:5`; `lt 0` matches negative samples",
        ));
    }
    // `1-5` is what `1:5` once was; HAProxy still takes it.
    if let Some((low, high)) = text.split_once([':', '-']) {
        if low.is_empty() && high.is_empty() {
            return Err(source.error("a range needs at least one end"));
        }
        let low = if low.is_empty() { i64::MIN } else { one(low)? };
        let high = if high.is_empty() {
            i64::MAX
        } else {
            one(high)?
        };
        if low > high {
            return Err(source.error("the range is empty"));
        }
        return Ok((low, high));
    }
    let number = one(text)?;
    Ok(match operator {
        b"ge" => (number, i64::MAX),
        b"gt" if number == i64::MAX => return Err(source.error("no number is greater")),
        b"gt" => (number + 1, i64::MAX),
        b"le" => (i64::MIN, number),
        b"lt" => (i64::MIN, number - 1),
        _ => (number, number),
    })
}
