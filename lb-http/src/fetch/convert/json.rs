//! JSON: texts that can stand in it, and what stands in it.

use lb_core::condition::{Call, ConditionError, Sample, SampleType};
use serde_json::Value;

use super::{Buffer, Converter, Work, required, wrong};

pub(super) const NAMES: &[&str] = &["json", "json_query"];

pub(super) fn resolve(call: &Call) -> Option<Result<Converter, ConditionError>> {
    Some(match call.name.as_str() {
        "json" => escaped(call),
        "json_query" => Query::read(call, 0).and_then(|query| {
            let query = query.ok_or_else(|| super::missing(call, "a path, as `$.user.name`"))?;
            Ok(Converter::new(
                SampleType::Str,
                SampleType::Any,
                move |work, _| {
                    let text = std::mem::take(&mut work.text);
                    query.answer(&text, work)
                },
            ))
        }),
        _ => return None,
    })
}

/// How bytes above 127 are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Input {
    /// Each is the character of its number.
    Ascii,
    /// UTF-8, and nothing else.
    Utf8,
    /// UTF-8; what is none is left out.
    Utf8Skip,
}

/// `json([ascii|utf8|utf8s])`: what can stand between quotes.
fn escaped(call: &Call) -> Result<Converter, ConditionError> {
    call.at_most(1)?;
    let input = match call.arg(0).map_or("ascii", |arg| &arg.text) {
        "ascii" => Input::Ascii,
        "utf8" => Input::Utf8,
        "utf8s" => Input::Utf8Skip,
        "utf8p" | "utf8ps" => {
            return Err(wrong(
                call,
                0,
                "overlong UTF-8 is HAProxy's, and not built yet",
            ));
        }
        _ => return Err(wrong(call, 0, "this is ascii, utf8 or utf8s")),
    };
    Ok(Converter::new(
        SampleType::Str,
        SampleType::Str,
        move |work, _| {
            let mut out = Buffer::new();
            match input {
                Input::Ascii => work
                    .text
                    .iter()
                    .for_each(|b| write(&mut out, u32::from(*b))),
                Input::Utf8 | Input::Utf8Skip => {
                    for chunk in work.text.utf8_chunks() {
                        if !chunk.invalid().is_empty() && input == Input::Utf8 {
                            return false;
                        }
                        chunk
                            .valid()
                            .chars()
                            .for_each(|c| write(&mut out, c.into()));
                    }
                }
            }
            work.text = out;
            true
        },
    ))
}

fn write(out: &mut Buffer, code: u32) {
    let short = match code {
        0x08 => b'b',
        0x09 => b't',
        0x0a => b'n',
        0x0c => b'f',
        0x0d => b'r',
        0x22 | 0x2f | 0x5c => code as u8,
        0x20..0x7f => {
            out.push(code as u8);
            return;
        }
        _ => {
            let mut units = [0u16; 2];
            let c = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
            for unit in c.encode_utf16(&mut units) {
                out.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
            }
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// A path into a JSON text: `$.user.roles[0]`.
pub(super) struct Query {
    steps: Box<[Step]>,
    int: bool,
}

enum Step {
    Key(String),
    Index(usize),
}

impl Query {
    /// `PATH[,int]` from argument `n` on.
    pub(super) fn read(call: &Call, n: usize) -> Result<Option<Self>, ConditionError> {
        call.at_most(n + 2)?;
        if call.arg(n).is_none() && call.arg(n + 1).is_none() {
            return Ok(None);
        }
        let path = required(call, n, "a path, as `$.user.name`")?;
        let steps = steps(path)
            .ok_or_else(|| wrong(call, n, "this is no path").help("as in `$.user.roles[0]`"))?;
        let int = match call.arg(n + 1).map(|arg| arg.text.as_str()) {
            None => false,
            Some("int") => true,
            Some(_) => return Err(wrong(call, n + 1, "the one type to ask for is `int`")),
        };
        Ok(Some(Self {
            steps: steps.into(),
            int,
        }))
    }

    /// Puts what the path leads to in `work`; false if that is nothing, an object or an array.
    pub(super) fn answer(&self, text: &[u8], work: &mut Work) -> bool {
        let Ok(value) = serde_json::from_slice::<Value>(text) else {
            return false;
        };
        let found = self
            .steps
            .iter()
            .try_fold(&value, |value, step| match step {
                Step::Key(key) => value.get(key),
                Step::Index(index) => value.get(index),
            });
        match found {
            Some(Value::Bool(value)) => work.set(Sample::Bool(*value)),
            Some(Value::String(text)) => work.set(Sample::Str(text.as_bytes())),
            Some(Value::Number(number)) => match number.as_i64() {
                Some(value) => work.set(Sample::Int(value)),
                None if self.int => {
                    work.set(Sample::Int(number.as_f64().unwrap_or_default() as i64))
                }
                None => work.set(Sample::Str(number.to_string().as_bytes())),
            },
            _ => false,
        }
    }
}

fn steps(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(key) = rest.strip_prefix('.') {
            let end = key.find(['.', '[']).unwrap_or(key.len());
            if end == 0 {
                return None;
            }
            steps.push(Step::Key(key[..end].to_owned()));
            rest = &key[end..];
        } else {
            let (index, after) = rest.strip_prefix('[')?.split_once(']')?;
            steps.push(Step::Index(index.parse().ok()?));
            rest = after;
        }
    }
    (!steps.is_empty()).then_some(steps)
}
