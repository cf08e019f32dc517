//! Environment variables in strings: `${NAME}` and `${NAME:-default}`.
//!
//! As in a shell, `:-` also covers a variable that is set but empty. `$${` stands for a literal `${`. What a variable
//! holds is taken as it is, not searched again.

use std::{borrow::Cow, ops::Range};

/// Why a string cannot be completed, and which bytes of it are to blame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unresolved {
    pub(crate) range: Range<usize>,
    pub(crate) message: String,
}

/// `text` with its references replaced.
pub(crate) fn substitute<'t>(
    text: &'t str,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Cow<'t, str>, Unresolved> {
    if !text.contains("${") {
        return Ok(Cow::Borrowed(text));
    }
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    while let Some(at) = text[from..].find("${").map(|at| from + at) {
        if text[from..at].ends_with('$') {
            out.push_str(&text[from..at - 1]);
            out.push_str("${");
            from = at + 2;
            continue;
        }
        out.push_str(&text[from..at]);
        let unresolved = |end, message| Unresolved {
            range: at..end,
            message,
        };
        let Some(end) = text[at..].find('}').map(|end| at + end + 1) else {
            return Err(unresolved(text.len(), "`${` without `}`".to_owned()));
        };
        let inner = &text[at + 2..end - 1];
        let (name, default) = inner
            .split_once(":-")
            .map_or((inner, None), |(name, default)| (name, Some(default)));
        if !is_name(name) {
            return Err(unresolved(
                end,
                format!("`{name}` is not the name of an environment variable"),
            ));
        }
        match (env(name), default) {
            (Some(value), None) => out.push_str(&value),
            (Some(value), Some(_)) if !value.is_empty() => out.push_str(&value),
            (_, Some(default)) => out.push_str(default),
            (None, None) => {
                return Err(unresolved(
                    end,
                    format!("the environment variable `{name}` is not set"),
                ));
            }
        }
        from = end;
    }
    out.push_str(&text[from..]);
    Ok(Cow::Owned(out))
}

/// Whether `text` is one reference and nothing else, so that it may stand for a number or a boolean.
pub(crate) fn is_reference(text: &str) -> bool {
    text.starts_with("${") && text.find('}') == Some(text.len() - 1)
}

/// `text` spelled so that [`substitute`] gives it back.
pub(crate) fn protect(text: &str) -> String {
    text.replace("${", "$${")
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &str) -> Option<String> {
        match name {
            "NODE" => Some("a1".to_owned()),
            "EMPTY" => Some(String::new()),
            "NESTED" => Some("${NODE}".to_owned()),
            _ => None,
        }
    }

    #[test]
    fn references_are_replaced_once() {
        let done = |text| substitute(text, &env).unwrap().into_owned();
        assert_eq!(done("x-${NODE}-${NOPE:-b}"), "x-a1-b");
        assert_eq!(done("${EMPTY}|${EMPTY:-c}"), "|c");
        assert_eq!(done("${NESTED}"), "${NODE}");
        assert_eq!(done("$NODE $${NODE} $$"), "$NODE ${NODE} $$");
    }

    #[test]
    fn what_cannot_be_replaced_is_pointed_at() {
        let why = |text| substitute(text, &env).unwrap_err();
        assert_eq!(why("ab ${NOPE} c").range, 3..10);
        assert!(why("${NOPE}").message.contains("`NOPE` is not set"));
        assert_eq!(why("x${NODE").message, "`${` without `}`");
        assert!(why("${1A}").message.contains("not the name"));
    }

    #[test]
    fn protected_text_survives() {
        for text in ["${A}", "$", "$${", "a$$${x", "plain"] {
            assert_eq!(substitute(&protect(text), &env).unwrap(), text);
        }
    }
}
