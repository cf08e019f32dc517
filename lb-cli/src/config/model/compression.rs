//! `compression`: which responses are compressed, and how.

use lb_http::compression::Coding;

use crate::config::{
    ByteSize,
    print::{ToToml, inline, quoted},
    section::{Place, Section},
    types::FromValue,
    value::Value,
};

/// Which responses are compressed, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compression {
    /// In the order of preference; at least one.
    pub algorithms: Vec<Coding>,
    /// Media types; `None`: texts.
    pub types: Option<Vec<String>>,
    /// Smaller responses are left as they are. 256 octets.
    pub min_size: Option<ByteSize>,
}

/// HAProxy's others, which no browser has use for.
const NOT_BUILT: &[&str] = &["deflate", "raw-deflate", "identity"];

impl Compression {
    pub(crate) fn read(owner: &Section<'_>) -> Option<Self> {
        let section = owner.section("compression", Place::Plain)?;
        let algorithms: Vec<Coding> = section.one_or_more("algorithms");
        if section.required("algorithms").is_some_and(|value| {
            value.is_array()
                && value
                    .items()
                    .is_some_and(|mut items| items.next().is_none())
        }) {
            let value = section.value("algorithms")?;
            value.fail::<()>("`algorithms` is empty: nothing would be compressed");
        }
        let compression = Self {
            algorithms,
            types: section
                .has("types")
                .then(|| section.one_or_more::<MediaType>("types"))
                .map(|types| types.into_iter().map(|kind| kind.0).collect()),
            min_size: section.get("min_size"),
        };
        section.finish(&[]);
        Some(compression)
    }
}

impl FromValue for Coding {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        let text = value.text()?;
        Self::parse(&text).or_else(|| {
            let help = "they are \"gzip\", \"br\" and \"zstd\"";
            match NOT_BUILT.contains(&text.as_str()) {
                true => value.fail_with(
                    format!("`{}` is HAProxy's, and not built here", *text),
                    help,
                ),
                false => value.fail_with(format!("unknown algorithm `{}`", *text), help),
            }
        })
    }
}

/// `text/html`, `text/*`.
struct MediaType(String);

impl FromValue for MediaType {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        let text = value.text()?;
        let token = |part: &str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+*".contains(&byte);
            !part.is_empty() && part.bytes().all(plain)
        };
        match text.split_once('/') {
            Some((kind, sub)) if token(kind) && token(sub) => Some(Self(text.into_inner())),
            _ => {
                value.fail("expected a media type without parameters, as `text/html`, or `text/*`")
            }
        }
    }
}

impl ToToml for Coding {
    fn to_toml(&self) -> String {
        quoted(self.as_str())
    }
}

impl ToToml for Compression {
    fn to_toml(&self) -> String {
        inline([
            ("algorithms", Some(self.algorithms.to_toml())),
            ("types", self.types.as_ref().map(|types| types.to_toml())),
            ("min_size", self.min_size.map(|size| size.to_toml())),
        ])
    }
}
