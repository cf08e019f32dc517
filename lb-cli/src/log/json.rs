//! `"json"`: HAProxy's fields by their names, an object a line.

use std::{io::Write, time::Duration};

use super::{Level, Line, LocalClock, text::number};

/// An object in the making.
struct Object<'o>(&'o mut Vec<u8>);

/// Writes a message of the process.
pub(super) fn message(out: &mut Vec<u8>, level: Level, text: &str) {
    let mut object = Object::open(out);
    object.text("time", LocalClock::now_rfc3339().as_bytes());
    object.text("level", level.as_str().as_bytes());
    object.text("message", text.as_bytes());
    object.close();
}

impl Line<'_> {
    /// Writes a request.
    pub(super) fn write_json(&self, out: &mut Vec<u8>, level: Level, clock: &mut LocalClock) {
        let mut object = Object::open(out);
        object.key("time");
        clock.write_rfc3339(object.0, self.at(self.began));
        object.text("level", level.as_str().as_bytes());
        let address = |end: &lb_tcp::Endpoint| match end.ip() {
            Some(ip) => ip.to_string(),
            None => end.to_string(),
        };
        object.text("client", address(self.client).as_bytes());
        object.number("client_port", self.client.port().unwrap_or(0));
        object.text("local", address(self.local).as_bytes());
        object.number("local_port", self.local.port().unwrap_or(0));
        object.text("frontend", self.frontend.as_bytes());
        object.text("backend", self.backend.as_bytes());
        object.text("server", self.server().as_bytes());
        let timers = self.timers();
        object.millis("request_ms", timers.request);
        object.millis("queue_ms", timers.queue);
        object.millis("connect_ms", timers.connect);
        object.millis("response_ms", timers.response);
        object.millis("total_ms", Some(timers.active));
        object.optional("status", self.status);
        object.number("bytes", self.bytes);
        object.number("bytes_received", self.bytes_in);
        object.boolean("complete", !self.asap);
        object.text("termination", &self.state());
        object.number("process_connections", self.connections.process);
        object.number("frontend_connections", self.connections.frontend);
        object.number("backend_connections", self.connections.backend);
        object.number("server_connections", self.connections.server);
        object.number("retries", self.retries());
        object.boolean("redispatched", self.is_redispatched());
        object.number("server_queue", self.queues().0);
        object.number("backend_queue", self.queues().1);
        let [request, response] = self.cookies();
        object.optional_text("request_cookie", request);
        object.optional_text("response_cookie", response);
        if let Some(slots) = self.request_captures() {
            object.list("request_captures", slots);
        }
        if let Some(slots) = self.response_captures() {
            object.list("response_captures", slots);
        }
        match &self.asked {
            Some(asked) => {
                object.text("method", asked.method.as_str().as_bytes());
                asked.with_target(|target| object.text("uri", target.as_bytes()));
                object.text("version", asked.version().as_bytes());
            }
            None => {
                for key in ["method", "uri", "version"] {
                    object.optional_text(key, None);
                }
            }
        }
        object.close();
    }
}

impl<'o> Object<'o> {
    fn open(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self(out)
    }

    fn close(self) {
        self.0.push(b'}');
    }

    /// Our own names need no escapes.
    fn key(&mut self, name: &str) {
        if self.0.last() != Some(&b'{') {
            self.0.push(b',');
        }
        self.0.push(b'"');
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    fn text(&mut self, name: &str, text: &[u8]) {
        self.key(name);
        string(self.0, text);
    }

    fn number(&mut self, name: &str, value: impl itoa::Integer) {
        self.key(name);
        number(self.0, value);
    }

    fn boolean(&mut self, name: &str, value: bool) {
        self.key(name);
        self.0
            .extend_from_slice(if value { b"true" } else { b"false" });
    }

    fn optional(&mut self, name: &str, value: Option<impl itoa::Integer>) {
        match value {
            Some(value) => self.number(name, value),
            None => self.null(name),
        }
    }

    fn optional_text(&mut self, name: &str, text: Option<&[u8]>) {
        match text {
            Some(text) => self.text(name, text),
            None => self.null(name),
        }
    }

    fn millis(&mut self, name: &str, duration: Option<Duration>) {
        self.optional(name, duration.map(|duration| duration.as_millis()));
    }

    fn null(&mut self, name: &str) {
        self.key(name);
        self.0.extend_from_slice(b"null");
    }

    fn list<'a>(&mut self, name: &str, items: impl Iterator<Item = Option<&'a [u8]>>) {
        self.key(name);
        self.0.push(b'[');
        for (at, item) in items.enumerate() {
            if at > 0 {
                self.0.push(b',');
            }
            match item {
                Some(text) => string(self.0, text),
                None => self.0.extend_from_slice(b"null"),
            }
        }
        self.0.push(b']');
    }
}

/// A string of RFC 8259. Bytes that are no UTF-8 become `#XX`, as in HAProxy's own lines.
fn string(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            // Writing to a Vec cannot fail.
            let _ = match character {
                '"' => write!(out, "\\\""),
                '\\' => write!(out, "\\\\"),
                c if c.is_control() => write!(out, "\\u{:04x}", u32::from(c)),
                c => write!(out, "{c}"),
            };
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "#{byte:02X}");
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bytes_that_are_no_text_are_told() {
        let mut out = Vec::new();
        string(&mut out, b"a\"\\\n\xe9\xc3\xa9\x7f");
        assert_eq!(out, b"\"a\\\"\\\\\\u000a#E9\xc3\xa9\\u007f\"");
    }

    proptest! {
        /// A TOML basic string without line ends reads JSON's escapes.
        #[test]
        fn any_text_comes_back(text in any::<String>()) {
            let mut out = b"a = ".to_vec();
            string(&mut out, text.as_bytes());
            let table: toml::Table = String::from_utf8(out).unwrap().parse().unwrap();
            prop_assert_eq!(table["a"].as_str().unwrap(), text);
        }
    }
}
