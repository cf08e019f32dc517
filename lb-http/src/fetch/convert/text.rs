//! Texts as a whole: case, ends, languages, hosts, regular expressions.

use lb_core::condition::{Call, ConditionError, Sample, SampleType};
use regex::bytes::{Regex, RegexBuilder};

use super::{Buffer, Converter, missing, required, wrong};

pub(super) const NAMES: &[&str] = &[
    "host_only",
    "iif",
    "language",
    "length",
    "lower",
    "ltrim",
    "port_only",
    "regsub",
    "rtrim",
    "upper",
];

pub(super) fn resolve(call: &Call) -> Option<Result<Converter, ConditionError>> {
    use SampleType::{Bool, Int, Str};
    let plain = match call.name.as_str() {
        "lower" => Converter::new(Str, Str, |work, _| {
            work.text.make_ascii_lowercase();
            true
        }),
        "upper" => Converter::new(Str, Str, |work, _| {
            work.text.make_ascii_uppercase();
            true
        }),
        "length" => Converter::new(Str, Int, |work, _| {
            let length = work.text.len() as i64;
            work.set(Sample::Int(length))
        }),
        "host_only" => Converter::new(Str, Str, |work, _| {
            let end = host_end(&work.text);
            work.text.truncate(end);
            true
        }),
        "port_only" => Converter::new(Str, Int, |work, _| {
            let end = host_end(&work.text);
            let port = work.text.get(end + 1..).unwrap_or_default();
            let port = lb_core::condition::leading_int(port).unwrap_or(0);
            work.set(Sample::Int(port))
        }),
        "ltrim" => return Some(trim(call, true)),
        "rtrim" => return Some(trim(call, false)),
        "iif" => return Some(choice(call, Bool)),
        "language" => return Some(language(call)),
        "regsub" => return Some(substitution(call)),
        _ => return None,
    };
    Some(call.at_most(0).map(|()| plain))
}

/// Where a host ends and `:` and its port begin; colons in brackets are the address's.
fn host_end(text: &[u8]) -> usize {
    let start = match text.first() {
        Some(b'[') => memchr::memchr(b']', text).unwrap_or(0),
        _ => 0,
    };
    let colon = memchr::memrchr(b':', &text[start..]);
    colon.map_or(text.len(), |at| start + at)
}

fn trim(call: &Call, left: bool) -> Result<Converter, ConditionError> {
    call.at_most(1)?;
    let bytes: Box<[u8]> = required(call, 0, "the characters to cut off")?
        .as_bytes()
        .into();
    Ok(Converter::new(
        SampleType::Str,
        SampleType::Str,
        move |work, _| {
            if left {
                let cut = work.text.iter().take_while(|b| bytes.contains(b)).count();
                work.text.drain(..cut);
            } else {
                let cut = work.text.iter().rev().take_while(|b| bytes.contains(b));
                let keep = work.text.len() - cut.count();
                work.text.truncate(keep);
            }
            true
        },
    ))
}

/// `iif(TRUE,FALSE)`; either may be empty.
fn choice(call: &Call, input: SampleType) -> Result<Converter, ConditionError> {
    call.at_most(2)?;
    if call.args.len() < 2 {
        return Err(missing(call, "a text for true and one for false"));
    }
    let [yes, no] = [0, 1].map(|n| call.args[n].text.clone().into_bytes());
    Ok(Converter::new(input, SampleType::Str, move |work, _| {
        let text = if work.int() != 0 { &yes } else { &no };
        work.set(Sample::Str(text))
    }))
}

/// `language(LANG;LANG…[,DEFAULT])` of an `Accept-Language`: the one of highest weight, of several the first.
fn language(call: &Call) -> Result<Converter, ConditionError> {
    call.at_most(2)?;
    let known: Vec<Box<[u8]>> = required(call, 0, "languages, parted by `;`")?
        .split(';')
        .map(|lang| lang.as_bytes().into())
        .collect();
    let default = call.arg(1).map(|arg| arg.text.clone().into_bytes());
    Ok(Converter::new(
        SampleType::Str,
        SampleType::Str,
        move |work, _| {
            let mut best: Option<(u32, &[u8])> = None;
            for item in work.text.split(|b| *b == b',') {
                let mut parts = item.split(|b| *b == b';').map(<[u8]>::trim_ascii);
                let lang = parts.next().unwrap_or_default();
                let weight = parts.find_map(|part| part.strip_prefix(b"q="));
                let weight = weight.map_or(1000, thousandths);
                let base = lang.split(|b| *b == b'-').next().unwrap_or_default();
                let find = |lang: &[u8]| known.iter().find(|known| known[..] == *lang);
                if let Some(found) = find(lang).or_else(|| find(base))
                    && weight > best.map_or(0, |(weight, _)| weight)
                {
                    best = Some((weight, found));
                }
            }
            match best.map(|(_, lang)| lang).or(default.as_deref()) {
                Some(lang) => work.set(Sample::Str(lang)),
                None => false,
            }
        },
    ))
}

/// A weight of up to three decimals, `0.8`, in thousandths.
fn thousandths(text: &[u8]) -> u32 {
    let Some(whole) = text.first().filter(|b| b.is_ascii_digit()) else {
        return 0;
    };
    let mut value = u32::from(whole - b'0') * 1000;
    if text.get(1) == Some(&b'.') {
        let digits = text[2..].iter().take_while(|b| b.is_ascii_digit());
        for (digit, place) in digits.zip([100, 10, 1]) {
            value += u32::from(digit - b'0') * place;
        }
    }
    value
}

/// A piece of what `regsub` puts in.
#[derive(Debug)]
enum Piece {
    Text(Box<[u8]>),
    /// `\0` to `\9`.
    Group(usize),
}

/// `regsub(REGEX,SUBSTITUTE[,FLAGS])`: flags are `g` for all matches, `i` to ignore case.
fn substitution(call: &Call) -> Result<Converter, ConditionError> {
    call.at_most(3)?;
    let regex = required(call, 0, "a regular expression")?;
    if call.args.len() < 2 {
        return Err(missing(call, "what to put in, which may be empty"));
    }
    let (mut all, mut ignore_case) = (false, false);
    for flag in call.arg(2).map_or("", |arg| &arg.text).chars() {
        match flag {
            'g' => all = true,
            'i' => ignore_case = true,
            other => return Err(wrong(call, 2, format!("there is no flag `{other}`"))),
        }
    }
    let regex: Regex = RegexBuilder::new(regex)
        .unicode(false)
        .case_insensitive(ignore_case)
        .build()
        .map_err(|error| {
            let text = error.to_string();
            let what = text.lines().last().unwrap_or_default();
            wrong(call, 0, what.trim_start_matches("error: ").to_owned())
        })?;
    let pieces = pieces(call.args[1].text.as_bytes());
    let groups = pieces.iter().filter_map(|piece| match piece {
        Piece::Group(group) => Some(*group),
        Piece::Text(_) => None,
    });
    if let Some(group) = groups.max().filter(|most| *most >= regex.captures_len()) {
        let message = format!("the expression has no group {group}");
        return Err(wrong(call, 1, message));
    }
    Ok(Converter::new(
        SampleType::Str,
        SampleType::Str,
        move |work, _| {
            let mut out = Buffer::new();
            let mut from = 0;
            for found in regex
                .captures_iter(&work.text)
                .take(if all { usize::MAX } else { 1 })
            {
                let Some(whole) = found.get(0) else { continue };
                out.extend_from_slice(&work.text[from..whole.start()]);
                for piece in &pieces {
                    match piece {
                        Piece::Text(text) => out.extend_from_slice(text),
                        Piece::Group(group) => {
                            out.extend_from_slice(found.get(*group).map_or(b"", |m| m.as_bytes()));
                        }
                    }
                }
                from = whole.end();
            }
            out.extend_from_slice(&work.text[from..]);
            work.text = out;
            true
        },
    ))
}

/// `\1` is a group, `\` before anything else protects it.
fn pieces(text: &[u8]) -> Box<[Piece]> {
    let (mut pieces, mut plain) = (Vec::new(), Vec::new());
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        let next = if byte == b'\\' { bytes.next() } else { None };
        match next {
            Some(digit @ b'0'..=b'9') => {
                if !plain.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut plain).into()));
                }
                pieces.push(Piece::Group(usize::from(digit - b'0')));
            }
            Some(other) => plain.push(other),
            None => plain.push(byte),
        }
    }
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain.into()));
    }
    pieces.into()
}
