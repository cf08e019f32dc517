//! Weights as they are written: `5`, `50%`.

use super::Refusal;
use crate::config::model;

/// HAProxy's largest.
const LARGEST: u16 = 256;

/// The weight that `text` means for a server of this initial one.
pub(super) fn parse(text: &str, initial: u16) -> Result<u16, Refusal> {
    let value = |why: &str| Err(Refusal::Value(why.to_owned()));
    let (digits, relative) = match text.strip_suffix('%') {
        Some(digits) => (digits, true),
        None => (text, false),
    };
    let unsigned = digits.strip_prefix('-').unwrap_or(digits);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit()) {
        return value("Empty weight string empty or preceded by garbage");
    }
    if !unsigned.bytes().all(|b| b.is_ascii_digit()) {
        return value("Trailing garbage in weight string");
    }
    // Too many digits are too much in any case.
    let number = digits.parse::<i64>().unwrap_or(i64::MAX);
    match u64::try_from(number) {
        // As in HAProxy, half of 1 is 0.
        Ok(percent) if relative => {
            let weight = u64::from(initial).saturating_mul(percent) / 100;
            Ok(u16::try_from(weight).unwrap_or(LARGEST).min(LARGEST))
        }
        Err(_) if relative => value("Relative weight must be positive."),
        Ok(weight) if weight <= LARGEST.into() => Ok(u16::try_from(weight).unwrap_or(LARGEST)),
        _ => value("Absolute weight can only be between 0 and 256 inclusive."),
    }
}

/// Does HAProxy's algorithm of this name keep its servers and their weights for ever?
pub(super) fn is_static(backend: &model::Backend) -> bool {
    let name = backend.balance.split(['(', ' ']).next().unwrap_or_default();
    match name {
        "static-rr" => true,
        "source" | "uri" | "url_param" | "hdr" | "hash" | "rdp-cookie" => {
            let kind = backend.hash_type.as_ref();
            !kind.is_some_and(|kind| kind.starts_with("consistent"))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_read_as_haproxy_reads_them() {
        for (text, initial, weight) in [
            ("0", 1, 0),
            ("256", 1, 256),
            ("50%", 1, 0),
            ("200%", 1, 2),
            ("50%", 10, 5),
            ("3000%", 10, 256),
            ("99999999999999999999%", 10, 256),
            ("0%", 10, 0),
        ] {
            assert_eq!(parse(text, initial), Ok(weight), "{text}");
        }
        for (text, why) in [
            ("foo", "Empty weight string"),
            ("", "Empty weight string"),
            ("%", "Empty weight string"),
            ("5x", "Trailing garbage"),
            ("5x%", "Trailing garbage"),
            ("257", "Absolute weight"),
            ("-1", "Absolute weight"),
            ("99999999999999999999", "Absolute weight"),
            ("-5%", "Relative weight"),
        ] {
            let refusal = parse(text, 1).unwrap_err();
            assert!(refusal.to_string().starts_with(why), "{text}: {refusal}");
        }
    }
}
