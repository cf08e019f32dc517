//! Fields with what kind they are: HAProxy's `typed` and `json` formats (management guide, section 9.1.2).

use serde_json::{Value, json};

/// What a field is about: three letters for origin, nature and scope, and the type of its value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Tag(pub(super) &'static str, pub(super) &'static str);

impl Tag {
    /// `MGP:u32`
    pub(super) fn text(self) -> String {
        format!("{}:{}", self.0, self.1)
    }

    pub(super) fn json(self) -> Value {
        let mut letters = self.0.chars();
        let origin = match letters.next() {
            Some('M') => "Metric",
            Some('S') => "Status",
            Some('K') => "Key",
            Some('C') => "Config",
            _ => "Product",
        };
        let nature = match letters.next() {
            Some('A') => "Age",
            Some('a') => "Avg",
            Some('C') => "Counter",
            Some('D') => "Duration",
            Some('G') => "Gauge",
            Some('L') => "Limit",
            Some('M') => "Max",
            Some('N') => "Name",
            Some('R') => "Rate",
            _ => "Output",
        };
        let scope = match letters.next() {
            Some('S') => "Service",
            _ => "Process",
        };
        json!({ "origin": origin, "nature": nature, "scope": scope })
    }

    pub(super) fn value(self, value: &Value) -> Value {
        json!({ "type": self.1, "value": value })
    }
}
