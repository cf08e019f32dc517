//! `capture`: fields and a cookie that are kept for the log line.

use http::HeaderName;

use crate::config::{
    print::{Printer, ToToml, inline, quoted},
    section::{Place, Section},
    types::FromValue,
    value::Value,
};

/// What is kept of requests and responses (`capture request header`, `capture response header`, `capture cookie`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capture {
    /// Fields of the request, as it came.
    pub request: Vec<CapturedField>,
    /// Fields of the response, as the server sent it.
    pub response: Vec<CapturedField>,
    /// A cookie of both.
    pub cookie: Option<CapturedCookie>,
}

/// A field that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapturedField {
    /// Its name; the last of several is kept.
    pub header: HeaderName,
    /// Bytes to keep at most.
    pub len: usize,
}

/// A cookie that is kept, its name with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapturedCookie {
    /// How it begins: `"SID="` is one cookie, `"SID"` also `SIDX=…`.
    pub name: String,
    /// Bytes to keep at most, those of the name with them.
    pub len: usize,
}

impl Capture {
    pub(crate) fn read(owner: &Section<'_>) -> Self {
        let Some(section) = owner.section("capture", Place::Plain) else {
            return Self::default();
        };
        let cookie = section
            .section("cookie", Place::Plain)
            .and_then(|cookie| CapturedCookie::read(&cookie));
        let capture = Self {
            request: section.get("request").unwrap_or_default(),
            response: section.get("response").unwrap_or_default(),
            cookie,
        };
        section.finish(&[]);
        capture
    }

    /// Is nothing kept?
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn print(&self, out: &mut Printer) {
        if self.is_empty() {
            return;
        }
        let some = |list: &[CapturedField]| (!list.is_empty()).then(|| list.to_toml());
        out.set(
            "capture",
            Written(inline([
                ("request", some(&self.request)),
                ("response", some(&self.response)),
                ("cookie", self.cookie.as_ref().map(ToToml::to_toml)),
            ])),
        );
    }
}

/// A value that is written already.
struct Written(String);

impl ToToml for Written {
    fn to_toml(&self) -> String {
        self.0.clone()
    }
}

/// Lengths as HAProxy takes them, within reason.
fn length(section: &Section<'_>) -> Option<usize> {
    let len = section.required("len")?;
    len.number("len", &(1..=65_535))
}

impl FromValue for CapturedField {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        let section = value.section(Place::Plain, "capture")?;
        let header = section.required("header").and_then(|name| {
            name.parse(|text| {
                HeaderName::from_bytes(text.as_bytes()).map_err(|_| "this is not a field name")
            })
        });
        let len = length(&section);
        section.finish(&[]);
        Some(Self {
            header: header?,
            len: len?,
        })
    }
}

impl CapturedCookie {
    fn read(section: &Section<'_>) -> Option<Self> {
        let name = section.required("name").and_then(|name| name.single_word());
        let len = length(section);
        section.finish(&[]);
        Some(Self {
            name: name?,
            len: len?,
        })
    }
}

impl ToToml for CapturedField {
    fn to_toml(&self) -> String {
        inline([
            ("header", Some(quoted(self.header.as_str()))),
            ("len", Some(self.len.to_string())),
        ])
    }
}

impl ToToml for CapturedCookie {
    fn to_toml(&self) -> String {
        inline([
            ("name", Some(self.name.to_toml())),
            ("len", Some(self.len.to_string())),
        ])
    }
}
