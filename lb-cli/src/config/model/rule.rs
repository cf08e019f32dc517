//! `http_request` and its kin: rules, kept as text with its place; the planning stage compiles them.

use crate::config::{Spanned, print::Printer, section::Section, types::FromValue, value::Value};

/// The rules of a frontend or a backend, in HAProxy's own words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// On requests.
    pub http_request: Vec<Rule>,
    /// On the responses of servers.
    pub http_response: Vec<Rule>,
    /// On all responses, those of this process included.
    pub http_after_response: Vec<Rule>,
}

/// One rule, as `"deny status 403 if missing_cl"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule(pub Spanned<String>);

impl Rules {
    pub(crate) fn read(section: &Section<'_>) -> Self {
        Self {
            http_request: section.one_or_more("http_request"),
            http_response: section.one_or_more("http_response"),
            http_after_response: section.one_or_more("http_after_response"),
        }
    }

    pub(crate) fn print(&self, out: &mut Printer) {
        let mut list = |key, rules: &[Rule]| {
            let texts: Vec<_> = rules.iter().map(|rule| rule.0.clone()).collect();
            out.set_any(key, &texts);
        };
        list("http_request", &self.http_request);
        list("http_response", &self.http_response);
        list("http_after_response", &self.http_after_response);
    }
}

impl FromValue for Rule {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        let text = value.text()?;
        match text.trim().is_empty() {
            true => value.fail("the rule is empty"),
            false => Some(Self(text)),
        }
    }
}
