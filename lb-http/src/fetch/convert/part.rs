//! Parts of a text: `field`, `word`, `bytes`.

use std::ops::Range;

use lb_core::condition::{Call, ConditionError, SampleType};

use super::{Buffer, Converter, missing, wrong};

pub(super) const NAMES: &[&str] = &["bytes", "field", "word"];

pub(super) fn resolve(call: &Call) -> Option<Result<Converter, ConditionError>> {
    Some(match call.name.as_str() {
        "field" => parts(call, false),
        "word" => parts(call, true),
        "bytes" => bytes(call),
        _ => return None,
    })
}

/// `bytes(OFFSET[,LENGTH])`.
fn bytes(call: &Call) -> Result<Converter, ConditionError> {
    call.at_most(2)?;
    let number = |n| {
        call.integer(n)?.map_or(Ok(None), |value| {
            let value = usize::try_from(value);
            value
                .map(Some)
                .map_err(|_| wrong(call, n, "`bytes` counts from 0"))
        })
    };
    let offset = number(0)?.ok_or_else(|| missing(call, "an offset"))?;
    let length = number(1)?;
    Ok(Converter::new(
        SampleType::Bin,
        SampleType::Bin,
        move |work, _| {
            let start = offset.min(work.text.len());
            let end = length.map_or(work.text.len(), |n| {
                start.saturating_add(n).min(work.text.len())
            });
            keep(&mut work.text, start..end);
            true
        },
    ))
}

/// `field(INDEX,DELIMITERS[,COUNT])`, where empty parts count, and `word`, where they do not.
fn parts(call: &Call, skip_empty: bool) -> Result<Converter, ConditionError> {
    call.at_most(3)?;
    let index = call.integer(0)?.ok_or_else(|| missing(call, "an index"))?;
    if index == 0 {
        return Err(wrong(
            call,
            0,
            "the index counts from 1, or from -1 backwards",
        ));
    }
    let delimiters: Box<[u8]> = match call.arg(1) {
        Some(arg) => arg.text.as_bytes().into(),
        None => {
            return Err(missing(call, "its delimiters")
                .help("a comma is written `','` in quotes that are quoted: `\"','\"`"));
        }
    };
    // 0, or any negative number as observed, is all that follow.
    let count = match call.integer(2)?.unwrap_or(1) {
        count if count > 0 => usize::try_from(count).unwrap_or(usize::MAX),
        _ => usize::MAX,
    };
    Ok(Converter::new(
        SampleType::Str,
        SampleType::Str,
        move |work, _| {
            let found = range(&work.text, index, &delimiters, skip_empty, count);
            match found {
                Some(range) => keep(&mut work.text, range),
                // Observed: without such a field there is no sample, without such a word an empty one.
                None if skip_empty => work.text.clear(),
                None => return false,
            }
            true
        },
    ))
}

/// From the part number `index` over `count` parts, towards the end or, if `index` is negative, the start.
fn range(
    text: &[u8],
    index: i64,
    delimiters: &[u8],
    skip_empty: bool,
    count: usize,
) -> Option<Range<usize>> {
    let parts = || {
        let mut at = 0;
        text.split(|b| delimiters.contains(b))
            .map(move |part| {
                let start = at;
                at += part.len() + 1;
                start..start + part.len()
            })
            .filter(move |range| !skip_empty || !range.is_empty())
    };
    let place = usize::try_from(index.unsigned_abs()).ok()?;
    if index > 0 {
        let mut rest = parts().skip(place - 1);
        let first = rest.next()?;
        if count == usize::MAX {
            return Some(first.start..text.len());
        }
        let last = rest.take(count - 1).last();
        return Some(first.start..last.map_or(first.end, |last| last.end));
    }
    let total = parts().count();
    let last = total.checked_sub(place)?;
    let end = parts().nth(last)?.end;
    if count == usize::MAX {
        return Some(0..end);
    }
    let first = parts().nth((last + 1).saturating_sub(count))?;
    Some(first.start..end)
}

fn keep(text: &mut Buffer, range: Range<usize>) {
    let len = range.len();
    text.copy_within(range, 0);
    text.truncate(len);
}
