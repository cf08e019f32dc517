//! The same bytes written otherwise: hexadecimal, base64, percent signs.

use base64::{
    Engine as _,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use lb_core::condition::{Call, ConditionError, Sample, SampleType};

use super::{Buffer, Converter, Work, wrong};

pub(super) const NAMES: &[&str] = &[
    "b64dec", "base64", "hex", "hex2i", "ub64dec", "ub64enc", "url_dec", "url_enc",
];

/// `base64`: padded, and so it must be.
const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new());
/// `ub64`: the alphabet of URLs, without padding.
pub(super) const UB64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

pub(super) fn resolve(call: &Call) -> Option<Result<Converter, ConditionError>> {
    use SampleType::{Bin, Int, Str};
    let plain = match call.name.as_str() {
        "hex" => Converter::new(Bin, Str, |work, _| {
            work.text = hexadecimal(&work.text);
            work.is_text()
        }),
        "hex2i" => Converter::new(Str, Int, |work, _| match integer(&work.text) {
            Some(value) => work.set(Sample::Int(value)),
            None => false,
        }),
        "base64" => Converter::new(Bin, Str, |work, _| {
            encode(work, &BASE64);
            work.is_text()
        }),
        "ub64enc" => Converter::new(Bin, Str, |work, _| {
            encode(work, &UB64);
            work.is_text()
        }),
        "b64dec" => Converter::new(Str, Bin, |work, _| decode(work, &BASE64)),
        "ub64dec" => Converter::new(Str, Bin, |work, _| decode(work, &UB64)),
        "url_dec" => {
            return Some((|| {
                call.at_most(1)?;
                let form = call.integer(0)?.is_some_and(|n| n != 0);
                Ok(Converter::new(Str, Str, move |work, _| {
                    url_decode(&mut work.text, form)
                }))
            })());
        }
        "url_enc" => {
            return Some((|| {
                call.at_most(1)?;
                if let Some(kind) = call.arg(0)
                    && kind.text != "query"
                {
                    return Err(wrong(call, 0, "the one kind of encoding is `query`"));
                }
                Ok(Converter::new(Str, Str, |work, _| {
                    url_encode(work);
                    true
                }))
            })());
        }
        _ => return None,
    };
    Some(call.at_most(0).map(|()| plain))
}

/// Two upper-case digits for each byte.
fn hexadecimal(bytes: &[u8]) -> Buffer {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = Buffer::with_capacity(2 * bytes.len());
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
    out
}

/// A hexadecimal number; what does not fit loses its high digits.
fn integer(text: &[u8]) -> Option<i64> {
    let digit = |byte: &u8| (*byte as char).to_digit(16).map(i64::from);
    text.iter()
        .try_fold(0i64, |value, byte| Some((value << 4) | digit(byte)?))
}

fn encode(work: &mut Work, engine: &GeneralPurpose) {
    let mut out = Buffer::new();
    out.resize(work.text.len().div_ceil(3) * 4, 0);
    let written = engine.encode_slice(&work.text, &mut out);
    out.truncate(written.expect("four bytes hold three"));
    work.text = out;
}

fn decode(work: &mut Work, engine: &GeneralPurpose) -> bool {
    let mut out = Buffer::new();
    out.resize(work.text.len().div_ceil(4) * 3, 0);
    match engine.decode_slice(&work.text, &mut out) {
        Ok(written) => {
            out.truncate(written);
            work.text = out;
            work.is_bytes()
        }
        Err(_) => false,
    }
}

/// `%XX` for all but letters, digits and `-_.~`.
fn url_encode(work: &mut Work) {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-_.~".contains(b);
    if work.text.iter().all(plain) {
        return;
    }
    let mut out = Buffer::new();
    for byte in &work.text {
        if plain(byte) {
            out.push(*byte);
        } else {
            out.push(b'%');
            out.extend_from_slice(&hexadecimal(&[*byte]));
        }
    }
    work.text = out;
}

/// `%XX`, and `+` after `?` or, in a form, anywhere.
fn url_decode(text: &mut Buffer, form: bool) -> bool {
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
