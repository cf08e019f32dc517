//! What can be wrong with the words of an algorithm.

use std::ops::Range;

use super::Algorithm;
use crate::hash::Function;

/// Why words do not name an algorithm.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AlgorithmError {
    /// `balance` begins with a word that is no algorithm.
    #[error("unknown balancing algorithm `{word}`")]
    Algorithm {
        /// The word.
        word: String,
        /// Where it begins.
        at: usize,
    },
    /// An algorithm that takes no argument has one.
    #[error("unexpected `{word}` after the balancing algorithm")]
    Argument {
        /// The argument.
        word: String,
        /// Where it begins.
        at: usize,
    },
    /// `random(N)` with something else than a positive number.
    #[error("the number of draws must be 1 or more, not `{word}`")]
    Draws {
        /// What stands for N.
        word: String,
        /// Where it begins.
        at: usize,
    },
    /// `hash_type` begins with neither `map-based` nor `consistent`.
    #[error("unknown hash type `{word}`")]
    HashType {
        /// The word.
        word: String,
        /// Where it begins.
        at: usize,
    },
    /// The second word of `hash_type` is no hash function.
    #[error("unknown hash function `{word}`")]
    Function {
        /// The word.
        word: String,
        /// Where it begins.
        at: usize,
    },
    /// Something else than `avalanche` ends `hash_type`.
    #[error("unexpected `{word}` after the hash function")]
    Modifier {
        /// The word.
        word: String,
        /// Where it begins.
        at: usize,
    },
    /// A factor that would leave no room for all requests.
    #[error("the hash balance factor must be 0 or above 100, not {percent}")]
    Factor {
        /// The factor.
        percent: u32,
    },
    /// A factor with a map, on which there is no next server.
    #[error("a hash balance factor needs the hash type `consistent`")]
    FactorNeedsRing,
}

/// One of the three texts that [`Algorithm::parse`] reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AlgorithmPart {
    /// `balance`
    Balance,
    /// `hash_type`
    HashType,
    /// `hash_balance_factor`
    Factor,
}

impl AlgorithmError {
    /// Which of the texts is wrong.
    pub fn part(&self) -> AlgorithmPart {
        match self {
            Self::Algorithm { .. } | Self::Argument { .. } | Self::Draws { .. } => {
                AlgorithmPart::Balance
            }
            Self::HashType { .. } | Self::Function { .. } | Self::Modifier { .. } => {
                AlgorithmPart::HashType
            }
            Self::Factor { .. } | Self::FactorNeedsRing => AlgorithmPart::Factor,
        }
    }

    /// Where in that text the wrong word is, in bytes.
    pub fn span(&self) -> Range<usize> {
        match self {
            Self::Algorithm { word, at }
            | Self::Argument { word, at }
            | Self::Draws { word, at }
            | Self::HashType { word, at }
            | Self::Function { word, at }
            | Self::Modifier { word, at } => *at..*at + word.len(),
            Self::Factor { .. } | Self::FactorNeedsRing => 0..0,
        }
    }

    /// The words that could stand there, for "did you mean".
    pub fn known(&self) -> &'static [&'static str] {
        match self {
            Self::Algorithm { .. } => Algorithm::NAMES,
            Self::HashType { .. } => Algorithm::HASH_TYPES,
            Self::Function { .. } => Function::NAMES,
            Self::Modifier { .. } => &["avalanche"],
            _ => &[],
        }
    }
}
