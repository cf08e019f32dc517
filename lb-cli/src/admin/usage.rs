//! How a command is called: `vrrp show [NAME]`.

/// What follows the words of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Usage {
    /// As help shows it.
    pub(super) text: &'static str,
}

impl Usage {
    /// The words that name the command: those before the first `<`, `[` or `@`.
    pub(super) fn words(self) -> impl Iterator<Item = &'static str> {
        let words = self.text.split_ascii_whitespace();
        words.take_while(|word| !word.starts_with(['<', '[', '@']))
    }

    /// How many arguments there are, at least and at most: any number where the last one has a `*`.
    pub(super) fn arguments(self) -> (usize, usize) {
        let words = || self.text.split_ascii_whitespace();
        let required = words().filter(|word| word.starts_with(['<', '@'])).count();
        let optional = words().filter(|word| word.starts_with('[')).count();
        match self.text.ends_with('*') {
            true => (required, usize::MAX),
            false => (required, required + optional),
        }
    }

    /// The arguments, where `words` begin with those of this command.
    pub(super) fn strip(self, words: &[String]) -> Option<&[String]> {
        let count = self.words().count();
        let own = words.get(..count)?;
        own.iter().eq(self.words()).then(|| &words[count..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usage_names_words_and_counts_arguments() {
        let usage = Usage {
            text: "set weight <SERVER> [WEIGHT]",
        };
        assert_eq!(usage.words().collect::<Vec<_>>(), ["set", "weight"]);
        assert_eq!(usage.arguments(), (1, 2));
        let words = |text: &str| text.split(' ').map(ToOwned::to_owned).collect::<Vec<_>>();
        let rest = |text| usage.strip(&words(text)).map(<[String]>::len);
        assert_eq!(rest("set weight a/b"), Some(1));
        assert_eq!(rest("set weight"), Some(0));
        assert_eq!(rest("set weigh a"), None);
        assert_eq!(rest("set"), None);
        let usage = Usage {
            text: "commit map @<ver> <map>",
        };
        assert_eq!(usage.words().collect::<Vec<_>>(), ["commit", "map"]);
        assert_eq!(usage.arguments(), (2, 2));
    }
}
