//! The words of `balance` and `hash_type`, in HAProxy's order.

use super::{Algorithm, AlgorithmError};
use crate::{
    hash::{Function, KeyHash},
    policy::{First, Hash, LeastConn, Maglev, P2c, PeakEwma, Random, RoundRobin, StaticRoundRobin},
};

impl Algorithm {
    /// The words that may begin `balance`.
    pub const NAMES: &'static [&'static str] = &[
        "roundrobin",
        "static-rr",
        "leastconn",
        "first",
        "source",
        "uri",
        "url_param",
        "hdr",
        "random",
        "rdp-cookie",
        "hash",
        "p2c",
        "peak-ewma",
        "maglev",
    ];

    /// The words that may begin `hash_type`.
    pub const HASH_TYPES: &'static [&'static str] = &["map-based", "consistent"];

    /// Reads `balance`, `hash_type` and `hash_balance_factor`.
    ///
    /// Of `balance` this reads the algorithm; what follows it and says where the
    /// key is (`uri len 5`, `hdr(host)`) is not looked at. `hash_type` and
    /// `factor`, which a backend may have from its defaults, are checked, and
    /// have no effect on algorithms that do not hash.
    ///
    /// ```
    /// use lb_core::policy::{Algorithm, AlgorithmError};
    ///
    /// assert!(Algorithm::parse("uri depth 2", Some("consistent crc32"), Some(150)).is_ok());
    /// let error = Algorithm::parse("roundrobbin", None, None).unwrap_err();
    /// assert_eq!(error.to_string(), "unknown balancing algorithm `roundrobbin`");
    /// assert!(error.known().contains(&"roundrobin"));
    /// ```
    pub fn parse(
        balance: &str,
        hash_type: Option<&str>,
        factor: Option<u32>,
    ) -> Result<Self, AlgorithmError> {
        let hash = parse_hash_type(hash_type.unwrap_or("map-based"))?;
        let factor = match factor.unwrap_or(0) {
            percent @ 1..=100 => return Err(AlgorithmError::Factor { percent }),
            percent => percent,
        };
        let mut words = words(balance);
        let (at, word) = words.next().unwrap_or((0, ""));
        let name = word.split_once('(').map_or(word, |(name, _)| name);
        let alone: Self = match name {
            "source" | "uri" | "url_param" | "hdr" | "rdp-cookie" | "hash" => {
                if factor > 0 && !hash.consistent {
                    return Err(AlgorithmError::FactorNeedsRing);
                }
                return Ok(hash.policy().balance_factor(factor).into());
            }
            "maglev" => return Ok(hash.maglev().into()),
            "random" => {
                let draws = parse_draws(at, word)?;
                Random::new().draws(draws).balance_factor(factor).into()
            }
            _ => match word {
                "roundrobin" => RoundRobin::new().into(),
                "static-rr" => StaticRoundRobin::new().into(),
                "leastconn" => LeastConn::new().into(),
                "first" => First::new().into(),
                "p2c" => P2c::new().into(),
                "peak-ewma" => PeakEwma::new().into(),
                _ => {
                    return Err(AlgorithmError::Algorithm {
                        word: word.into(),
                        at,
                    });
                }
            },
        };
        match words.next() {
            Some((at, word)) => Err(AlgorithmError::Argument {
                word: word.into(),
                at,
            }),
            None => Ok(alone),
        }
    }
}

/// What `hash_type` says.
struct HashType {
    consistent: bool,
    hash: Option<KeyHash>,
}

impl HashType {
    fn policy(&self) -> Hash {
        let policy = if self.consistent {
            Hash::consistent()
        } else {
            Hash::map_based()
        };
        self.hash.map_or(policy, |hash| policy.key_hash(hash))
    }

    fn maglev(&self) -> Maglev {
        self.hash
            .map_or(Maglev::new(), |hash| Maglev::new().key_hash(hash))
    }
}

fn parse_hash_type(text: &str) -> Result<HashType, AlgorithmError> {
    let mut words = words(text);
    let consistent = match words.next().unwrap_or((0, "")) {
        (_, "map-based") => false,
        (_, "consistent") => true,
        (at, word) => {
            return Err(AlgorithmError::HashType {
                word: word.into(),
                at,
            });
        }
    };
    let Some((at, word)) = words.next() else {
        return Ok(HashType {
            consistent,
            hash: None,
        });
    };
    let function = Function::from_name(word).ok_or_else(|| AlgorithmError::Function {
        word: word.into(),
        at,
    })?;
    let avalanche = words.next();
    let extra = match avalanche {
        None | Some((_, "avalanche")) => words.next(),
        other => other,
    };
    if let Some((at, word)) = extra {
        return Err(AlgorithmError::Modifier {
            word: word.into(),
            at,
        });
    }
    let hash = KeyHash::new(function).avalanche(avalanche.is_some());
    Ok(HashType {
        consistent,
        hash: Some(hash),
    })
}

/// The draws of `random` or `random(N)`, which stands at `at`.
fn parse_draws(at: usize, word: &str) -> Result<u32, AlgorithmError> {
    let Some((name, rest)) = word.split_once('(') else {
        return Ok(2);
    };
    let draws = rest.strip_suffix(')').and_then(|draws| draws.parse().ok());
    draws
        .filter(|draws| *draws > 0)
        .ok_or_else(|| AlgorithmError::Draws {
            word: rest.strip_suffix(')').unwrap_or(rest).into(),
            at: at + name.len() + 1,
        })
}

/// The words of a text and where each begins, in bytes.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_ascii_whitespace().map(move |word| {
        // Both are parts of one text.
        (word.as_ptr() as usize - text.as_ptr() as usize, word)
    })
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{super::AlgorithmPart, *};

    #[test]
    fn every_name_is_an_algorithm() {
        for name in Algorithm::NAMES {
            assert!(Algorithm::parse(name, None, None).is_ok(), "{name}");
        }
        for balance in [
            "hdr(host) use_domain_only",
            "rdp-cookie(x)",
            "maglev src",
            "uri len 5",
        ] {
            assert!(Algorithm::parse(balance, None, None).is_ok(), "{balance}");
        }
    }

    #[test]
    fn hash_types_are_those_of_haproxy() {
        let parse = |hash_type| Algorithm::parse("source", Some(hash_type), None).unwrap();
        assert_eq!(parse("map-based"), Hash::map_based().into());
        assert_eq!(parse("consistent"), Hash::consistent().into());
        assert_eq!(
            parse("consistent sdbm"),
            Hash::consistent().avalanche(false).into()
        );
        assert_eq!(
            parse("map-based crc32 avalanche"),
            Hash::map_based()
                .function(Function::Crc32)
                .avalanche(true)
                .into()
        );
    }

    #[test]
    fn arguments_reach_the_algorithm() {
        assert_eq!(
            Algorithm::parse("random(3)", None, Some(120)),
            Ok(Random::new().draws(3).balance_factor(120).into())
        );
        assert_eq!(
            Algorithm::parse("uri", Some("consistent"), Some(150)),
            Ok(Hash::consistent().balance_factor(150).into())
        );
    }

    #[test]
    fn errors_say_which_word() {
        let error = |balance, hash_type, factor| {
            let error = Algorithm::parse(balance, hash_type, factor).unwrap_err();
            (error.part(), error.span(), error.to_string())
        };
        let balance = AlgorithmPart::Balance;
        assert_eq!(
            error("  leastcon", None, None),
            (
                balance,
                2..10,
                "unknown balancing algorithm `leastcon`".into()
            )
        );
        assert_eq!(error("first x", None, None).1, 6..7);
        assert_eq!(error("leastconn(2)", None, None).1, 0..12);
        assert_eq!(
            error("random(0)", None, None),
            (
                balance,
                7..8,
                "the number of draws must be 1 or more, not `0`".into()
            )
        );
        assert_eq!(error("", None, None).1, 0..0);
        assert_eq!(
            error("uri", Some("consistent md5"), None),
            (
                AlgorithmPart::HashType,
                11..14,
                "unknown hash function `md5`".into()
            )
        );
        assert_eq!(
            error("uri", Some("consistent sdbm avalanche x"), None).1,
            26..27
        );
        assert_eq!(error("uri", Some("consistent sdbm x"), None).1, 16..17);
        assert_eq!(error("uri", Some("ring"), None).1, 0..4);
        assert_eq!(
            error("uri", Some("consistent"), Some(100)).0,
            AlgorithmPart::Factor
        );
        assert_eq!(error("uri", None, Some(150)).0, AlgorithmPart::Factor);
    }
}
