//! The engine over a small vocabulary of its own; the words of HTTP are tested against HAProxy in lb-http.

mod files;
mod laws;
mod matching;
mod mistakes;
mod names;
mod reading;

use std::net::IpAddr;

use super::{
    Condition, ConditionError, Fetch, Known, Sample, SampleExpr, SampleType, Scope, Vocabulary,
};

/// What samples are taken from.
#[derive(Debug, Clone, Default)]
struct Input {
    texts: Vec<Vec<u8>>,
    number: Option<i64>,
    address: Option<IpAddr>,
}

fn text(text: &str) -> Input {
    Input {
        texts: vec![text.as_bytes().to_vec()],
        ..Input::default()
    }
}

fn number(number: i64) -> Input {
    Input {
        number: Some(number),
        ..Input::default()
    }
}

fn address(address: &str) -> Input {
    Input {
        address: Some(address.parse().unwrap()),
        ..Input::default()
    }
}

#[derive(Debug, Clone, Copy)]
enum TestFetch {
    Text,
    Number,
    Address,
    Blob,
    Always(bool),
}

impl Fetch for TestFetch {
    type Context<'a> = Input;

    fn sample_type(&self) -> SampleType {
        match self {
            Self::Text => SampleType::Str,
            Self::Number => SampleType::Int,
            Self::Address => SampleType::Ip,
            Self::Blob => SampleType::Bin,
            Self::Always(_) => SampleType::Bool,
        }
    }

    fn each(&self, input: &Input, visit: &mut dyn FnMut(Sample<'_>) -> bool) -> bool {
        match self {
            Self::Text | Self::Blob => input.texts.iter().any(|t| visit(Sample::Str(t))),
            Self::Number => input.number.is_some_and(|n| visit(Sample::Int(n))),
            Self::Address => input.address.is_some_and(|a| visit(Sample::Ip(a))),
            Self::Always(value) => visit(Sample::Bool(*value)),
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Words;

impl Vocabulary for Words {
    type Fetch = TestFetch;

    fn knows(&self, name: &str) -> Known {
        match name {
            "later" => Known::NotBuilt,
            name if self.names().contains(&name) => Known::Built,
            _ => Known::No,
        }
    }

    fn names(&self) -> Vec<&'static str> {
        vec![
            "text",
            "number",
            "src",
            "blob",
            "always_true",
            "always_false",
        ]
    }

    fn resolve(&self, expr: &SampleExpr) -> Result<TestFetch, ConditionError> {
        expr.fetch.at_most(1)?;
        if let Some(converter) = expr.converters.first() {
            return Err(ConditionError::new(converter.span, "no converters here"));
        }
        Ok(match expr.fetch.name.as_str() {
            "text" => TestFetch::Text,
            "number" => TestFetch::Number,
            "src" => TestFetch::Address,
            "blob" => TestFetch::Blob,
            name => TestFetch::Always(name == "always_true"),
        })
    }
}

/// A scope without names of its own.
fn scope() -> Scope<Words> {
    let (scope, errors) = Scope::builder(Words)
        .files(|name| match name {
            "hosts.lst" => Ok(b"# hosts\n\n  a.example\r\n\tb.example\n #c\n".to_vec()),
            "nets.lst" => Ok(b"10.0.0.0/8\nnonsense\n".to_vec()),
            "empty.lst" => Ok(Vec::new()),
            _ => Err(std::io::ErrorKind::NotFound.into()),
        })
        .build();
    assert!(errors.is_empty());
    scope
}

fn condition(text: &str) -> Condition<TestFetch> {
    scope()
        .condition(text)
        .unwrap_or_else(|errors| panic!("{text}: {errors:?}"))
}

fn holds(text: &str, input: &Input) -> bool {
    condition(text).eval(input)
}
