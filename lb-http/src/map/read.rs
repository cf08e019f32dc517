//! The lines of a map file.

use super::{Entry, MapError};

/// A key up to the first blank, and a value without blanks around it.
pub(super) fn entries(content: &[u8]) -> Result<Vec<Entry>, MapError> {
    let mut entries = Vec::new();
    for (at, line) in content.split(|b| *b == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let line = std::str::from_utf8(line).map_err(|_| MapError::NotText { line: at + 1 })?;
        let (key, value) = line.split_once([' ', '\t']).unwrap_or((line, ""));
        entries.push(Entry {
            id: entries.len() as u64,
            key: key.into(),
            value: value.trim_start().into(),
            line: Some(at + 1),
        });
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_keys_and_values() {
        let found = entries(b"# c\n\n/a  one \r\n  /b\ttwo three\nalone\n/a dup").unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|e| (&*e.key, &*e.value, e.line.unwrap()))
            .collect();
        let expected = [
            ("/a", "one", 3),
            ("/b", "two three", 4),
            ("alone", "", 5),
            ("/a", "dup", 6),
        ];
        assert_eq!(found, expected);
        assert_eq!(entries(b"a b\n\xff c"), Err(MapError::NotText { line: 2 }));
    }
}
