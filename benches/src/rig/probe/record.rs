//! What a probe has seen, and the longest hole in it.

use std::{
    fmt,
    time::{Duration, Instant},
};

use super::{super::place::Node, PERIOD};

/// One question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// When it left.
    pub sent: Instant,
    /// The name of the node that answered; empty where answers bear none.
    pub answer: Option<String>,
}

/// All questions, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record(Vec<Sample>);

/// The longest time without an answer. A client that was late itself, and lost nothing, has seen none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// From the last question answered before it to the first answered after it, less one period; to the
    /// last question at all if none was answered any more.
    pub length: Duration,
    /// Who answered before it.
    pub from: String,
    /// Who answered after it; `None` if it did not end.
    pub to: Option<String>,
}

impl Record {
    /// Of these questions.
    pub fn new(samples: Vec<Sample>) -> Self {
        Self(samples)
    }

    /// Questions without an answer.
    pub fn lost(&self) -> usize {
        self.0
            .iter()
            .filter(|sample| sample.answer.is_none())
            .count()
    }

    /// Questions that `node` answered.
    pub fn answered_by(&self, node: Node) -> usize {
        let by = |sample: &&Sample| sample.answer.as_deref() == Some(node.name());
        self.0.iter().filter(by).count()
    }

    /// Questions.
    pub fn asked(&self) -> usize {
        self.0.len()
    }

    /// What was asked since `moment`, and in the 100 ms before it, in which the last answers came.
    #[must_use]
    pub fn since(self, moment: Instant) -> Self {
        let samples = self.0.into_iter();
        Self(
            samples
                .filter(|sample| sample.sent + PERIOD * 10 >= moment)
                .collect(),
        )
    }

    /// Without the questions after the last answer, which may be on their way still.
    #[must_use]
    pub fn settled(mut self) -> Self {
        let answered = self.0.iter().rposition(|sample| sample.answer.is_some());
        self.0.truncate(answered.map_or(0, |last| last + 1));
        self
    }

    /// The longest outage; `None` if nothing was ever answered.
    pub fn outage(&self) -> Option<Outage> {
        let answered: Vec<(usize, Instant, &str)> = self
            .0
            .iter()
            .enumerate()
            .filter_map(|(at, sample)| Some((at, sample.sent, sample.answer.as_deref()?)))
            .collect();
        let (&(_, last, from), end) = (answered.last()?, self.0.last()?.sent);
        let hole = |from: Instant, to: Instant| (to - from).saturating_sub(PERIOD);
        let lossy = answered.windows(2).filter(|two| two[1].0 > two[0].0 + 1);
        let holes = lossy.map(|two| Outage {
            length: hole(two[0].1, two[1].1),
            from: two[0].2.to_owned(),
            to: Some(two[1].2.to_owned()),
        });
        let open = Outage {
            length: hole(last, end),
            from: from.to_owned(),
            to: None,
        };
        // An end that is merely the last question still on its way is no outage.
        let open = (end - last > PERIOD * 3).then_some(open);
        let zero = Outage {
            length: Duration::ZERO,
            from: from.to_owned(),
            to: Some(from.to_owned()),
        };
        let longest = holes.chain(open).max_by_key(|outage| outage.length);
        Some(longest.unwrap_or(zero))
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} not answered", self.lost(), self.asked())?;
        if let Some(Outage { length, from, to }) = self.outage() {
            let to = to.as_deref().unwrap_or("nobody");
            write!(f, ", {} ms from {from} to {to}", length.as_millis())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One character a question: who answered, or a dot.
    fn record(answers: &str) -> Record {
        let start = Instant::now();
        let sample = |(n, who): (usize, char)| Sample {
            sent: start + PERIOD * u32::try_from(n).unwrap(),
            answer: (who != '.').then(|| who.to_string()),
        };
        Record::new(answers.chars().enumerate().map(sample).collect())
    }

    fn outage(answers: &str) -> (u128, String, Option<String>) {
        let outage = record(answers).outage().unwrap();
        (outage.length.as_millis(), outage.from, outage.to)
    }

    #[test]
    fn an_outage_is_as_long_as_its_lost_questions() {
        assert_eq!(outage("aaa...bb"), (30, "a".into(), Some("b".into())));
        assert_eq!(outage("a.a..b.b"), (20, "a".into(), Some("b".into())));
        assert_eq!(record("aaa...bb").lost(), 3);
        assert_eq!(record("aaa...bb").answered_by(Node::B), 2);
    }

    #[test]
    fn an_outage_that_does_not_end_counts() {
        assert_eq!(outage("aa.aa......"), (50, "a".into(), None));
    }

    #[test]
    fn a_late_question_that_is_answered_is_no_outage() {
        let Record(mut samples) = record("aab");
        samples[2].sent += Duration::from_secs(1);
        let outage = Record::new(samples).outage().unwrap();
        assert_eq!(outage.length, Duration::ZERO);
    }

    #[test]
    fn what_was_lost_before_the_fault_is_not_its_fault() {
        let record = record("aaa.....aaaaaaaaaaaaaaaaa..b");
        let fault = record.0[24].sent;
        let outage = record.since(fault).outage().unwrap();
        assert_eq!(outage.length, Duration::from_millis(20));
    }

    #[test]
    fn the_last_question_may_be_on_its_way() {
        assert_eq!(outage("aaaa.").0, 0);
        assert_eq!(record("aa.a..").settled().lost(), 1);
    }

    #[test]
    fn nothing_answered_is_no_outage_but_a_broken_rig() {
        assert_eq!(record("....").outage(), None);
        assert_eq!(record("").outage(), None);
    }
}
