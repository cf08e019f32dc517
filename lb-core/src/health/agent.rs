//! What an agent on the server says: HAProxy's `agent-check`.
//!
//! An agent answers one line of words, separated by spaces, tabs or commas:
//!
//! | word | effect |
//! |---|---|
//! | `up` | ends a `down` of the agent's own |
//! | `down`, `fail`, `stopped`, each with an optional `#reason` | DOWN until it says `up`, whatever the checks find |
//! | `ready`, `drain`, `maint` | the administrative state |
//! | `75%`, `weight:75%` | the weight, in percent of the configured one |
//! | `weight:30` | the weight |
//! | `maxconn:100` | the limit of concurrent requests |
//!
//! What it does not mention stays as it is. Of two words that contradict each
//! other, the later holds. A reason goes to the end of the line.

use std::fmt;

use super::{Status, Verdict};
use crate::server::{Administrative, MAX_WEIGHT};

/// What an agent said.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Answer {
    /// How the server is.
    pub health: Option<Said>,
    /// The administrative state it shall have.
    pub administrative: Option<Administrative>,
    /// The weight it shall have.
    pub weight: Option<Weight>,
    /// The limit it shall have; 0 is none.
    pub max_conn: Option<u32>,
    /// The first word that means nothing.
    pub unknown: Option<Box<str>>,
}

/// The server's health, as the agent put it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Said {
    /// `up`.
    Up,
    /// One of the words for DOWN, and the reason if it gave one.
    Down {
        /// The word.
        word: DownWord,
        /// The reason.
        reason: Option<Box<str>>,
    },
}

/// The agent's words for DOWN. They mean the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DownWord {
    /// `down`
    Down,
    /// `fail`
    Fail,
    /// `stopped`
    Stopped,
}

/// A weight, as the agent put it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Weight {
    /// In percent of the configured one.
    Percent(u32),
    /// As such.
    Absolute(u16),
}

impl Weight {
    /// The weight of a server of this configured weight, at most 256.
    ///
    /// A percentage above 0 never yields 0: HAProxy rounds 50 % of weight 1
    /// down to 0, which takes the server out.
    pub fn of(self, configured: u16) -> u16 {
        match self {
            Self::Absolute(weight) => weight.min(MAX_WEIGHT),
            Self::Percent(0) => 0,
            Self::Percent(percent) => {
                let scaled = u64::from(configured) * u64::from(percent) / 100;
                let scaled = u16::try_from(scaled).unwrap_or(MAX_WEIGHT).min(MAX_WEIGHT);
                scaled.max(configured.min(1))
            }
        }
    }
}

impl Answer {
    /// Reads an agent's line. What it does not understand is left out and the
    /// first such word is kept in [`unknown`](Self::unknown).
    pub fn parse(line: &[u8]) -> Self {
        let line = line.split(|b| matches!(b, b'\n' | b'\r')).next();
        let line = String::from_utf8_lossy(line.unwrap_or_default());
        let mut answer = Self::default();
        let mut rest = &*line;
        loop {
            rest = rest.trim_start_matches(is_separator);
            if rest.is_empty() {
                return answer;
            }
            let word = match rest.split_once(is_separator) {
                Some((word, _)) => word,
                None => rest,
            };
            // A reason may hold separators.
            if let Some((word, reason)) = word
                .split_once('#')
                .and_then(|(word, _)| Some((down_word(word)?, rest.split_once('#')?.1)))
            {
                let reason = reason.trim();
                answer.health = Some(Said::Down {
                    word,
                    reason: (!reason.is_empty()).then(|| reason.into()),
                });
                return answer;
            }
            answer.take(word);
            rest = &rest[word.len()..];
        }
    }

    fn take(&mut self, word: &str) {
        let lower = word.to_ascii_lowercase();
        if let Some(word) = down_word(&lower) {
            self.health = Some(Said::Down { word, reason: None });
            return;
        }
        match &*lower {
            "up" => self.health = Some(Said::Up),
            "ready" => self.administrative = Some(Administrative::Ready),
            "drain" => self.administrative = Some(Administrative::Drain),
            "maint" => self.administrative = Some(Administrative::Maint),
            other => {
                if let Some(limit) = other.strip_prefix("maxconn:").and_then(|n| n.parse().ok()) {
                    self.max_conn = Some(limit);
                } else if let Some(weight) = weight(other) {
                    self.weight = Some(weight);
                } else if self.unknown.is_none() {
                    self.unknown = Some(word.into());
                }
            }
        }
    }

    /// The answer as a verdict, in HAProxy's words.
    pub fn verdict(&self) -> Verdict {
        let verdict = match &self.health {
            Some(Said::Up) => Verdict::new(Status::L7Ok).with_code(0),
            Some(Said::Down { .. }) => Verdict::new(Status::L7Status).with_code(0),
            None => Verdict::new(Status::Checked),
        };
        match (&self.health, &self.unknown) {
            (Some(said), None) => verdict.with_info(format_args!("via agent : {said}")),
            (Some(said), Some(word)) => {
                verdict.with_info(format_args!("via agent : {said} ({word})"))
            }
            (None, Some(word)) => {
                verdict.with_info(format_args!("agent reports an error : {word}"))
            }
            (None, None) => verdict,
        }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, reason) = match self {
            Self::Up => ("up", None),
            Self::Down { word, reason } => (
                match word {
                    DownWord::Down => "down",
                    DownWord::Fail => "fail",
                    DownWord::Stopped => "stopped",
                },
                reason.as_deref(),
            ),
        };
        match reason {
            Some(reason) => write!(f, "{word} ({reason})"),
            None => f.write_str(word),
        }
    }
}

fn is_separator(c: char) -> bool {
    matches!(c, ' ' | '\t' | ',')
}

fn down_word(word: &str) -> Option<DownWord> {
    [
        ("down", DownWord::Down),
        ("fail", DownWord::Fail),
        ("stopped", DownWord::Stopped),
    ]
    .into_iter()
    .find_map(|(name, means)| word.eq_ignore_ascii_case(name).then_some(means))
}

fn weight(word: &str) -> Option<Weight> {
    let (named, number) = match word.strip_prefix("weight:") {
        Some(number) => (true, number),
        None => (false, word),
    };
    match number.strip_suffix('%') {
        Some(percent) => percent.parse().ok().map(Weight::Percent),
        None if named => number.parse().ok().map(Weight::Absolute),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn down(word: DownWord, reason: Option<&str>) -> Option<Said> {
        Some(Said::Down {
            word,
            reason: reason.map(Into::into),
        })
    }

    #[test]
    fn words_of_the_grammar() {
        let answer = Answer::parse(b"UP, 75%\tmaxconn:30,drain\r\nignored down");
        assert_eq!(
            answer,
            Answer {
                health: Some(Said::Up),
                administrative: Some(Administrative::Drain),
                weight: Some(Weight::Percent(75)),
                max_conn: Some(30),
                unknown: None,
            }
        );
        assert_eq!(
            Answer::parse(b"weight:12").weight,
            Some(Weight::Absolute(12))
        );
        assert_eq!(
            Answer::parse(b"weight:12%").weight,
            Some(Weight::Percent(12))
        );
        assert_eq!(Answer::parse(b"fail").health, down(DownWord::Fail, None));
        assert_eq!(Answer::parse(b"\n"), Answer::default());
    }

    #[test]
    fn a_reason_goes_to_the_end_of_the_line() {
        let answer = Answer::parse(b"50% stopped#disk full, 3 % left\n");
        assert_eq!(answer.weight, Some(Weight::Percent(50)));
        assert_eq!(
            answer.health,
            down(DownWord::Stopped, Some("disk full, 3 % left"))
        );
        assert_eq!(
            answer.verdict().info(),
            Some("via agent : stopped (disk full, 3 % left)")
        );
    }

    #[test]
    fn the_later_of_two_words_holds() {
        assert_eq!(Answer::parse(b"down,up").health, Some(Said::Up));
        assert_eq!(
            Answer::parse(b"ready drain").administrative,
            Some(Administrative::Drain)
        );
    }

    #[test]
    fn unknown_words_are_kept_and_harm_nothing() {
        let answer = Answer::parse(b"bogus up more");
        assert_eq!(answer.health, Some(Said::Up));
        assert_eq!(answer.verdict().info(), Some("via agent : up (bogus)"));
        for word in [
            "12",
            "up#x",
            "maxconn:abc",
            "maxconn:",
            "%",
            "-5%",
            "weight:",
        ] {
            let answer = Answer::parse(word.as_bytes());
            assert_eq!(answer.unknown.as_deref(), Some(word));
            assert_eq!(answer.verdict().status(), Status::Checked);
        }
    }

    #[test]
    fn a_percentage_is_of_the_configured_weight() {
        assert_eq!(Weight::Percent(25).of(10), 2);
        assert_eq!(Weight::Percent(200).of(10), 20);
        assert_eq!(Weight::Percent(200).of(200), 256);
        assert_eq!(Weight::Percent(0).of(10), 0);
        assert_eq!(Weight::Percent(1).of(1), 1, "a percentage takes nobody out");
        assert_eq!(Weight::Percent(100).of(0), 0);
        assert_eq!(Weight::Absolute(300).of(1), 256);
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_answer(line in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = Answer::parse(&line).verdict().to_string();
        }

        #[test]
        fn any_words_are_an_answer(
            words in proptest::collection::vec(
                "(up|down(#[a-z ]{0,9})?|ready|maint|[0-9]{1,12}%|weight:[0-9]{1,6}%?|maxconn:[0-9]{1,11}|[#:%,a-z]{0,5})",
                0..8,
            )
        ) {
            let answer = Answer::parse(words.join(" ").as_bytes());
            if let Some(weight) = answer.weight {
                prop_assert!(weight.of(100) <= MAX_WEIGHT);
            }
        }
    }
}
