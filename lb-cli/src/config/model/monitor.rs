//! `monitor_uri`, `monitor_fail`, `monitor_net`: a page that tells another load balancer how this one is.

use ipnet::IpNet;

use super::Condition;
use crate::config::{Spanned, print::Printer, section::Section, value::Value};

/// What is answered to those who look whether this process serves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Monitor {
    /// Requests for this path are answered 200, and not logged.
    pub uri: Option<Spanned<String>>,
    /// They are answered 503 while one of these holds.
    pub fail: Vec<Condition>,
    /// Every request from these networks is answered so.
    pub net: Vec<IpNet>,
}

impl Monitor {
    pub(crate) fn read(section: &Section<'_>) -> Self {
        Self {
            uri: section.value("monitor_uri").and_then(|value| uri(&value)),
            fail: section.one_or_more("monitor_fail"),
            net: section.one_or_more("monitor_net"),
        }
    }

    /// Nothing is answered.
    pub fn is_empty(&self) -> bool {
        self.uri.is_none() && self.net.is_empty()
    }

    pub(crate) fn print(&self, out: &mut Printer) {
        out.set_some("monitor_uri", self.uri.as_ref());
        out.set_any("monitor_fail", &self.fail);
        out.set_any("monitor_net", &self.net);
    }
}

fn uri(value: &Value<'_>) -> Option<Spanned<String>> {
    let text = value.text()?;
    match !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Some(text),
        false => value.fail("a request target has no blanks"),
    }
}
