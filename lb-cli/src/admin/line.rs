//! A line of commands: separated by `;`, made of words.

/// The commands of a line, each with its words. A backslash takes the special meaning from a blank, a `;` or a backslash.
/// Commands without words are left out.
pub(super) fn commands(line: &str) -> Vec<Vec<String>> {
    let mut commands = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        let literal = match c {
            '\\' => chars.next().or(Some('\\')),
            ';' => None,
            c if c.is_whitespace() => None,
            c => Some(c),
        };
        if let Some(c) = literal {
            word.get_or_insert_default().push(c);
            continue;
        }
        if let (Some(word), Some(command)) = (word.take(), commands.last_mut()) {
            command.push(word);
        }
        if c == ';' {
            commands.push(Vec::new());
        }
    }
    if let (Some(word), Some(command)) = (word, commands.last_mut()) {
        command.push(word);
    }
    commands.retain(|words| !words.is_empty());
    commands
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_has_commands_and_they_have_words() {
        assert_eq!(commands("show info"), [["show", "info"]]);
        assert_eq!(
            commands(" a  b;\tc ;; d;"),
            [vec!["a", "b"], vec!["c"], vec!["d"]]
        );
        assert_eq!(commands(r"set a\ b\;c\\ \"), [["set", r"a b;c\", "\\"]]);
        assert!(commands(" ; ;").is_empty() && commands("").is_empty());
    }

    proptest! {
        #[test]
        fn any_words_survive_when_they_are_escaped(words in prop::collection::vec(".{1,8}", 1..5)) {
            let escaped = |word: &String| word.chars().flat_map(|c| ['\\', c]).collect::<String>();
            let line = words.iter().map(escaped).collect::<Vec<_>>().join(" ");
            prop_assert_eq!(commands(&line), [words]);
        }
    }
}
