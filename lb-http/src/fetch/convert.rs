//! Converters: what a sample passes through, `path,lower`.

use std::ops::Range;

use lb_core::condition::{Call, ConditionError, Sample, SampleType};
use smallvec::SmallVec;

use super::table_converters::TableConverter;

/// Text under conversion; longer than this it moves to the heap.
pub(super) type Buffer = SmallVec<[u8; 256]>;

/// One converter, ready to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Converter {
    /// `lower`, ASCII only.
    Lower,
    /// `upper`.
    Upper,
    /// `url_dec([in_form])`: `%XX`, and `+` after `?` or, in a form, anywhere.
    UrlDec { form: bool },
    /// `field(index,delimiters)`: between delimiters, empty ones counted; from the end if negative.
    Field { index: i64, delimiters: Box<[u8]> },
    /// `word(index,delimiters)`: the same, empty ones skipped.
    Word { index: i64, delimiters: Box<[u8]> },
    /// `bytes(offset[,length])`.
    Bytes {
        offset: usize,
        length: Option<usize>,
    },
    /// `table_http_req_rate(t)` and its kin, `in_table(t)`.
    Table(TableConverter),
}

/// Names for "did you mean".
const NAMES: &[&str] = &["lower", "upper", "url_dec", "field", "word", "bytes"];

/// HAProxy's others: those that stand alone, then those that come in families.
const NOT_BUILT: &[&str] = &[
    "add",
    "add_item",
    "aes_gcm_dec",
    "and",
    "b64dec",
    "base64",
    "be2dec",
    "be2hex",
    "bool",
    "capture-req",
    "capture-res",
    "concat",
    "cpl",
    "crc32",
    "crc32c",
    "cut_crlf",
    "debug",
    "digest",
    "div",
    "djb2",
    "even",
    "fix_is_valid",
    "fix_tag_value",
    "hex",
    "hex2i",
    "hmac",
    "host_only",
    "htonl",
    "http_date",
    "iif",
    "ipmask",
    "json",
    "json_query",
    "jwt_header_query",
    "jwt_payload_query",
    "jwt_verify",
    "language",
    "length",
    "ltime",
    "ltrim",
    "mod",
    "mqtt_field_value",
    "mqtt_is_valid",
    "mul",
    "nbsrv",
    "neg",
    "not",
    "odd",
    "or",
    "port_only",
    "protobuf",
    "regsub",
    "rtrim",
    "sdbm",
    "secure_memcmp",
    "set-var",
    "sha1",
    "sha2",
    "srv_queue",
    "strcmp",
    "sub",
    "ub64dec",
    "ub64enc",
    "ungrpc",
    "unset-var",
    "url_enc",
    "us_ltime",
    "us_utime",
    "utime",
    "uuid",
    "wt6",
    "x509_v_err_str",
    "xor",
    "xxh3",
    "xxh32",
    "xxh64",
];
const FAMILIES: &[&str] = &["map", "ms_", "table_"];

impl Converter {
    pub(super) fn resolve(call: &Call) -> Result<Self, ConditionError> {
        match call.name.as_str() {
            "lower" => call.at_most(0).map(|()| Self::Lower),
            "upper" => call.at_most(0).map(|()| Self::Upper),
            "url_dec" => {
                call.at_most(1)?;
                let form = call.integer(0)?.is_some_and(|n| n != 0);
                Ok(Self::UrlDec { form })
            }
            "field" => part(call).map(|(index, delimiters)| Self::Field { index, delimiters }),
            "word" => part(call).map(|(index, delimiters)| Self::Word { index, delimiters }),
            "bytes" => {
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
                Ok(Self::Bytes { offset, length })
            }
            name => {
                let is_known =
                    NOT_BUILT.contains(&name) || FAMILIES.iter().any(|f| name.starts_with(f));
                let error = |message| ConditionError::new(call.span, message);
                Err(if is_known {
                    error(format!(
                        "the converter `{name}` is HAProxy's, and not built yet"
                    ))
                } else {
                    error(format!("there is no converter `{name}`"))
                        .suggest(name, NAMES.iter().copied())
                })
            }
        }
    }

    pub(super) fn output(&self) -> SampleType {
        match self {
            Self::Bytes { .. } => SampleType::Bin,
            Self::Table(converter) => converter.output(),
            _ => SampleType::Str,
        }
    }

    /// Converts in place; false if the text cannot be converted, which is as if there were none.
    pub(super) fn apply(&self, text: &mut Buffer) -> bool {
        match self {
            Self::Table(converter) => {
                let converted = converter.convert(&Sample::Str(text));
                *text = converted.with_text(SmallVec::from_slice);
            }
            Self::Lower => text.make_ascii_lowercase(),
            Self::Upper => text.make_ascii_uppercase(),
            Self::UrlDec { form } => return decode(text, *form),
            Self::Field { index, delimiters } => {
                let Some(range) = nth(text, *index, delimiters, false) else {
                    return false;
                };
                keep(text, range);
            }
            Self::Word { index, delimiters } => {
                let range = nth(text, *index, delimiters, true);
                // Observed: without such a field there is no sample, without such a word an empty one.
                keep(text, range.unwrap_or(0..0));
            }
            Self::Bytes { offset, length } => {
                let start = (*offset).min(text.len());
                let end = length.map_or(text.len(), |n| start.saturating_add(n).min(text.len()));
                keep(text, start..end);
            }
        }
        true
    }
}

fn missing(call: &Call, what: &str) -> ConditionError {
    ConditionError::new(call.span, format!("`{}` needs {what}", call.name))
}

fn wrong(call: &Call, n: usize, message: &str) -> ConditionError {
    let span = call.args.get(n).map_or(call.span, |arg| arg.span);
    ConditionError::new(span, message)
}

/// The arguments of `field` and `word`.
fn part(call: &Call) -> Result<(i64, Box<[u8]>), ConditionError> {
    if let Some(count) = call.arg(2) {
        let message = format!(
            "the third argument of `{}` is HAProxy's, and not built yet",
            call.name
        );
        return Err(ConditionError::new(count.span, message));
    }
    call.at_most(3)?;
    let index = call.integer(0)?.ok_or_else(|| missing(call, "an index"))?;
    if index == 0 {
        return Err(wrong(
            call,
            0,
            "the index counts from 1, or from -1 backwards",
        ));
    }
    let delimiters = call.arg(1).ok_or_else(|| {
        missing(call, "its delimiters")
            .help("a comma is written `','` in quotes that are quoted: `\"','\"`")
    })?;
    Ok((index, delimiters.text.as_bytes().into()))
}

/// Where the part number `index` is.
fn nth(text: &[u8], index: i64, delimiters: &[u8], skip_empty: bool) -> Option<Range<usize>> {
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
    let from_start = if index > 0 {
        place
    } else {
        (parts().count() + 1).checked_sub(place)?
    };
    parts().nth(from_start.checked_sub(1)?)
}

fn keep(text: &mut Buffer, range: Range<usize>) {
    let len = range.len();
    text.copy_within(range, 0);
    text.truncate(len);
}

fn decode(text: &mut Buffer, form: bool) -> bool {
    let digit = |b: Option<&u8>| b.and_then(|b| (*b as char).to_digit(16));
    let mut plus = form;
    let (mut from, mut to) = (0, 0);
    while let Some(&byte) = text.get(from) {
        from += 1;
        text[to] = match byte {
            b'%' => {
                let (Some(high), Some(low)) = (digit(text.get(from)), digit(text.get(from + 1)))
                else {
                    return false;
                };
                from += 2;
                (high * 16 + low) as u8
            }
            b'+' if plus => b' ',
            b'?' => {
                plus = true;
                b'?'
            }
            other => other,
        };
        to += 1;
    }
    text.truncate(to);
    true
}
