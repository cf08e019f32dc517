//! From a sample to the place of its entry.

use std::{collections::HashMap, net::IpAddr};

use lb_core::condition::{Sample, SinglePattern, Value, embedded_ipv4};
use regex::bytes::{Regex, RegexBuilder};

use super::{Entry, Kind, MapError, Output};

type Map<K> = HashMap<K, usize, ahash::RandomState>;

/// Values by place, and what finds the place.
#[derive(Debug)]
pub(super) struct Index {
    values: Vec<Value>,
    finder: Finder,
}

#[derive(Debug)]
enum Finder {
    /// `str`.
    Same(Map<Box<[u8]>>),
    /// `beg`: by key, and the lengths that keys have, the longest first.
    Prefix(Map<Box<[u8]>>, Vec<usize>),
    /// `ip`.
    Network(Networks),
    /// Those for which nothing is faster than one after another.
    List(Vec<SinglePattern>),
    /// `reg`, `regm`: likewise, and whether groups are put into values.
    Regex(Vec<Regex>, bool),
}

/// By length of the prefix, the longest first.
#[derive(Debug, Default)]
struct Networks {
    v4: Vec<(u32, Map<u32>)>,
    v6: Vec<(u128, Map<u128>)>,
    /// IPv4 masks with holes.
    holed: Vec<(SinglePattern, usize)>,
}

impl Index {
    pub(super) fn new(kind: Kind, output: Output, entries: &[Entry]) -> Result<Self, MapError> {
        let values = entries
            .iter()
            .map(|entry| {
                output
                    .read(&entry.value)
                    .map_err(|what| wrong(entry, &entry.value, what))
            })
            .collect::<Result<_, _>>()?;
        let patterns = || {
            entries.iter().map(|entry| {
                SinglePattern::parse(kind.name(), &entry.key)
                    .map_err(|error| wrong(entry, &entry.key, &error.message))
            })
        };
        let finder = match kind {
            Kind::Str => Finder::Same(by_key(entries)),
            Kind::Beg => {
                let mut lengths: Vec<usize> = entries.iter().map(|e| e.key.len()).collect();
                lengths.sort_unstable_by(|a, b| b.cmp(a));
                lengths.dedup();
                Finder::Prefix(by_key(entries), lengths)
            }
            Kind::Ip => Finder::Network(Networks::new(patterns())?),
            Kind::Reg | Kind::Regm => {
                let regexes = entries.iter().map(|entry| {
                    RegexBuilder::new(&entry.key)
                        .unicode(false)
                        .build()
                        .map_err(|error| {
                            let text = error.to_string();
                            let what = text.lines().last().unwrap_or_default();
                            wrong(entry, &entry.key, what.trim_start_matches("error: "))
                        })
                });
                Finder::Regex(regexes.collect::<Result<_, _>>()?, kind == Kind::Regm)
            }
            _ => Finder::List(patterns().collect::<Result<_, _>>()?),
        };
        Ok(Self { values, finder })
    }

    /// The place of the entry that a sample meets.
    pub(super) fn place(&self, key: &Sample<'_>) -> Option<usize> {
        match &self.finder {
            Finder::Same(map) => key.with_text(|text| map.get(text).copied()),
            Finder::Prefix(map, lengths) => key.with_text(|text| {
                let mut prefixes = lengths.iter().filter_map(|length| text.get(..*length));
                prefixes.find_map(|prefix| map.get(prefix).copied())
            }),
            Finder::Network(networks) => networks.find(key.to_ip()?),
            Finder::List(patterns) => patterns.iter().position(|pattern| pattern.matches(key)),
            Finder::Regex(regexes, _) => {
                key.with_text(|text| regexes.iter().position(|regex| regex.is_match(text)))
            }
        }
    }

    /// Hands over the value of the entry that a sample meets.
    pub(super) fn with_value<R>(
        &self,
        key: &Sample<'_>,
        f: impl FnOnce(Sample<'_>) -> R,
    ) -> Option<R> {
        let place = self.place(key)?;
        let value = self.values.get(place)?.as_sample();
        match (&self.finder, value) {
            (Finder::Regex(regexes, true), Sample::Str(template)) => key.with_text(|text| {
                let groups = regexes[place].captures(text)?;
                Some(f(Sample::Str(&expand(template, &groups))))
            }),
            _ => Some(f(value)),
        }
    }
}

fn wrong(entry: &Entry, text: &str, what: &str) -> MapError {
    MapError::Wrong {
        line: entry.line,
        text: text.to_owned(),
        what: what.to_owned(),
    }
}

/// Of several of one key the first counts.
fn by_key(entries: &[Entry]) -> Map<Box<[u8]>> {
    let mut map = Map::default();
    for (at, entry) in entries.iter().enumerate() {
        map.entry(entry.key.as_bytes().into()).or_insert(at);
    }
    map
}

/// `\0` to `\9` are groups; `\` protects any other character.
fn expand(template: &[u8], groups: &regex::bytes::Captures<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(template.len());
    let mut bytes = template.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match bytes.next() {
            Some(digit @ b'0'..=b'9') => {
                let group = groups.get(usize::from(digit - b'0'));
                out.extend_from_slice(group.map_or(b"", |group| group.as_bytes()));
            }
            other => out.push(other.unwrap_or(b'\\')),
        }
    }
    out
}

impl Networks {
    fn new(
        patterns: impl Iterator<Item = Result<SinglePattern, MapError>>,
    ) -> Result<Self, MapError> {
        let mut networks = Self::default();
        for (at, pattern) in patterns.enumerate() {
            let pattern = pattern?;
            match pattern.network() {
                Some((IpAddr::V4(ip), bits)) => {
                    let mask = !u32::MAX.checked_shr(bits.into()).unwrap_or(0);
                    put(&mut networks.v4, mask, ip.into(), at);
                }
                Some((IpAddr::V6(ip), bits)) => {
                    let mask = !u128::MAX.checked_shr(bits.into()).unwrap_or(0);
                    put(&mut networks.v6, mask, ip.into(), at);
                }
                None => networks.holed.push((pattern, at)),
            }
        }
        networks
            .v4
            .sort_by_key(|(mask, _)| std::cmp::Reverse(*mask));
        networks
            .v6
            .sort_by_key(|(mask, _)| std::cmp::Reverse(*mask));
        Ok(networks)
    }

    fn find(&self, ip: IpAddr) -> Option<usize> {
        let v4 = || {
            let ip = u32::from(embedded_ipv4(ip)?);
            self.v4
                .iter()
                .find_map(|(mask, map)| map.get(&(ip & mask)).copied())
        };
        let v6 = || {
            let ip = u128::from(match ip {
                IpAddr::V4(ip) => ip.to_ipv6_mapped(),
                IpAddr::V6(ip) => ip,
            });
            self.v6
                .iter()
                .find_map(|(mask, map)| map.get(&(ip & mask)).copied())
        };
        let holed = || {
            let mut all = self.holed.iter();
            let found = all.find(|(pattern, _)| pattern.matches(&Sample::Ip(ip)));
            found.map(|(_, at)| *at)
        };
        // Its own family first.
        match ip {
            IpAddr::V4(_) => v4().or_else(v6).or_else(holed),
            IpAddr::V6(_) => v6().or_else(v4).or_else(holed),
        }
    }
}

fn put<T: Copy + Eq + std::hash::Hash>(all: &mut Vec<(T, Map<T>)>, mask: T, key: T, at: usize) {
    let place = all.iter().position(|(known, _)| *known == mask);
    let place = place.unwrap_or_else(|| {
        all.push((mask, Map::default()));
        all.len() - 1
    });
    all[place].1.entry(key).or_insert(at);
}
