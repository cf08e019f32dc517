//! A strict reader of Prometheus' text format and of OpenMetrics: what it does not understand, or
//! what stands in the wrong place, fails.

use std::collections::{BTreeMap, BTreeSet};

/// Everything that was exported.
#[derive(Debug, Default)]
pub(crate) struct Exposition {
    /// By name, as in the text format 0.0.4: with the `_total` of counters.
    pub(crate) families: BTreeMap<String, Family>,
}

#[derive(Debug)]
pub(crate) struct Family {
    pub(crate) kind: String,
    pub(crate) samples: Vec<Sample>,
}

#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

impl Exposition {
    pub(crate) fn parse(text: &str, open: bool) -> Self {
        let mut all = Self::default();
        let mut current: Option<String> = None;
        let mut helped = BTreeSet::new();
        let mut seen = BTreeSet::new();
        assert!(text.ends_with('\n'), "the last line has no end");
        let body = match open {
            true => text.strip_suffix("# EOF\n").expect("it ends with EOF"),
            false => text,
        };
        for line in body.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').expect("help has a text");
                assert!(!help.is_empty() && is_name(name), "{line}");
                assert!(helped.insert(name.to_owned()), "twice: {line}");
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect("a type has a name");
                assert!(helped.contains(name), "type before help: {line}");
                let is_counter = kind == "counter";
                let name = match open && is_counter {
                    true => format!("{name}_total"),
                    false => name.to_owned(),
                };
                assert!(!is_counter || name.ends_with("_total"), "{line}");
                assert!(matches!(kind, "counter" | "gauge" | "histogram"), "{line}");
                let family = Family {
                    kind: kind.to_owned(),
                    samples: Vec::new(),
                };
                assert!(
                    all.families.insert(name.clone(), family).is_none(),
                    "twice: {line}"
                );
                current = Some(name);
            } else {
                assert!(!line.starts_with('#') && !line.is_empty(), "{line}");
                let name = current.as_ref().expect("a sample has a family");
                let family = all.families.get_mut(name).expect("it was inserted");
                let sample = Sample::parse(line);
                let ends: &[&str] = match family.kind.as_str() {
                    "histogram" => &["_bucket", "_sum", "_count"],
                    _ => &[""],
                };
                let fits = ends.iter().any(|end| sample.name == format!("{name}{end}"));
                assert!(fits, "not of {name}: {line}");
                let key = format!("{} {:?}", sample.name, sample.labels);
                assert!(seen.insert(key), "twice: {line}");
                family.samples.push(sample);
            }
        }
        for (name, family) in &all.families {
            assert!(!family.samples.is_empty(), "{name} has no sample");
            match family.kind.as_str() {
                "counter" => {
                    assert!(
                        family.samples.iter().all(|sample| sample.value >= 0.0),
                        "{name}"
                    );
                }
                "histogram" => family.check_buckets(name),
                _ => {}
            }
        }
        all
    }

    /// The value of the one sample with these labels, among others.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let samples = self.families.values().flat_map(|family| &family.samples);
        let found: Vec<_> = samples
            .filter(|sample| sample.name == name)
            .filter(|sample| {
                let has = |(name, value): &(&str, &str)| {
                    sample.labels.get(*name).is_some_and(|it| it == value)
                };
                labels.iter().all(has)
            })
            .collect();
        assert_eq!(found.len(), 1, "{name} {labels:?}: {found:?}");
        found[0].value
    }
}

impl Family {
    /// Buckets only grow, and the last one has all.
    fn check_buckets(&self, name: &str) {
        let mut last = (f64::NEG_INFINITY, 0.0);
        for sample in &self.samples {
            if let Some(bound) = sample.labels.get("le") {
                assert!(bound == "+Inf" || bound.contains('.'), "{name}: {bound}");
                let bound = number(bound);
                assert!(
                    bound > last.0 && sample.value >= last.1,
                    "{name}: {sample:?}"
                );
                last = (bound, sample.value);
            } else {
                assert_eq!(last.0, f64::INFINITY, "{name}");
                if sample.name.ends_with("_count") {
                    assert_eq!(sample.value, last.1, "{name}");
                    last = (f64::NEG_INFINITY, 0.0);
                }
            }
        }
    }
}

impl Sample {
    fn parse(line: &str) -> Self {
        let end = line.find(['{', ' ']).expect("a sample has a value");
        let (name, mut rest) = line.split_at(end);
        assert!(is_name(name), "{line}");
        let mut labels = BTreeMap::new();
        if let Some(inner) = rest.strip_prefix('{') {
            rest = inner;
            loop {
                let (label, after) = rest.split_once("=\"").expect("a label has a value");
                assert!(is_name(label) && !label.contains(':'), "{line}");
                let (value, after) = quoted(after);
                assert!(labels.insert(label.to_owned(), value).is_none(), "{line}");
                match after.split_at(1) {
                    (",", after) => rest = after,
                    ("}", after) => {
                        rest = after;
                        break;
                    }
                    _ => panic!("{line}"),
                }
            }
        }
        let value = rest.strip_prefix(' ').expect("a blank before the value");
        Self {
            name: name.to_owned(),
            labels,
            value: number(value),
        }
    }
}

fn is_name(name: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    !name.is_empty() && name.chars().all(good) && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// Up to the quote that ends it, and what stands behind that.
fn quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &text[at + 1..]),
            '\\' => match chars.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, c @ ('\\' | '"'))) => value.push(c),
                other => panic!("no escape: {other:?}"),
            },
            c => value.push(c),
        }
    }
    panic!("no end: {text}")
}

fn number(text: &str) -> f64 {
    match text {
        "+Inf" => f64::INFINITY,
        "NaN" => f64::NAN,
        text => {
            let good = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | 'e' | '+');
            assert!(text.chars().all(good), "`{text}`");
            text.parse().expect("a number")
        }
    }
}
