//! The body of a form: `application/x-www-form-urlencoded`.

/// Names and values, in order.
pub(crate) fn pairs(body: &str) -> impl Iterator<Item = (String, String)> {
    body.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    })
}

/// What is no UTF-8 is replaced, and a `%` without two digits is itself.
pub(super) fn decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        let escaped = match (byte, after) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        if let Some((high, low)) = escaped {
            rest = &after[2..];
            out.push(high << 4 | low);
        } else {
            out.push(if *byte == b'+' { b' ' } else { *byte });
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

/// What a browser would not write as it is becomes `%XX`.
pub(super) fn encode(out: &mut String, text: &str) {
    use std::fmt::Write as _;
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_browser_sends_is_read() {
        let body = "s=web1&s=a%2Bb+c&action=drain&b=%23app&%";
        let read: Vec<_> = pairs(body).collect();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            read,
            [
                pair("s", "web1"),
                pair("s", "a+b c"),
                pair("action", "drain"),
                pair("b", "#app"),
                pair("%", ""),
            ]
        );
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(text in any::<String>()) {
            let mut encoded = String::new();
            encode(&mut encoded, &text);
            prop_assert_eq!(decode(&encoded), text);
        }

        #[test]
        fn nothing_makes_it_panic(text in any::<String>()) {
            let _ = pairs(&text).count();
        }
    }
}
