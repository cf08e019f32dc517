//! "Did you mean": the known name nearest to one that is not.

/// The candidate nearest to `word`, if any is near: a few letters off, the same but for case, hyphens and underscores,
/// or an abbreviation (`inter` for `interval`).
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let word = plain(word);
    let length = word.chars().count();
    let distance = |candidate: &str| {
        let candidate = plain(candidate);
        let abbreviated = word.len() >= 3 && candidate.starts_with(&word);
        let letters = strsim::damerau_levenshtein(&word, &candidate);
        if abbreviated { letters.min(1) } else { letters }
    };
    let near = candidates
        .into_iter()
        .map(|c| (distance(c), c))
        .min_by_key(|(letters, _)| *letters)?;
    // Half a word is no likeness: at most a third may differ, or one letter of a short one.
    (near.0 <= (length / 3).max(1) && near.0 < length).then_some(near.1)
}

/// The `help` line for it.
pub(crate) fn did_you_mean<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    nearest(word, candidates).map(|name| format!("did you mean `{name}`?"))
}

fn plain(word: &str) -> String {
    word.chars()
        .take(64)
        .map(|c| {
            if c == '-' {
                '_'
            } else {
                c.to_ascii_lowercase()
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_offered_and_far_ones_are_not() {
        let keys = [
            "balance",
            "server",
            "default_server",
            "interval",
            "http_request",
        ];
        assert_eq!(nearest("blance", keys), Some("balance"));
        assert_eq!(nearest("inter", keys), Some("interval"));
        assert_eq!(nearest("HTTP-Request", keys), Some("http_request"));
        assert_eq!(nearest("xyz", keys), None);
        assert_eq!(nearest("x", ["a"]), None);
        assert_eq!(nearest("a", []), None);
    }
}
