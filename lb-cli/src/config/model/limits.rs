//! `limits` of a frontend: how large a request may be.

use lb_http::server::MAX_FIELDS;

use crate::config::{
    ByteSize,
    print::Printer,
    section::{Place, Section},
    types::FromValue,
    value::Value,
};

/// How large a request may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The request line and all headers: 8 KiB to 1 MiB, 16 KiB. Above: 431.
    pub header_bytes: ByteSize,
    /// The number of headers: 1 to 256, 101. Above: 431.
    pub headers: u16,
    /// The request's target: 8 KiB, at most `header_bytes`. Above: 414.
    pub uri_bytes: ByteSize,
    /// The body; `None`: unlimited. Above: 413.
    pub body_bytes: Option<ByteSize>,
}

impl Limits {
    pub(crate) fn read(owner: &Section<'_>) -> Self {
        let section = owner.merged("limits", Place::Plain);
        // Where it was refused, nothing exceeds it.
        let header_bytes = match section.value("header_bytes") {
            Some(value) => header_bytes(&value).unwrap_or(ByteSize(u64::MAX)),
            None => ByteSize(16 << 10),
        };
        let limits = Self {
            header_bytes,
            // As HAProxy's tune.http.maxhdr, up to what the parser has room for.
            headers: section
                .number("headers", 1..=MAX_FIELDS as i64)
                .unwrap_or(101),
            uri_bytes: section
                .value("uri_bytes")
                .and_then(|value| uri_bytes(&value, header_bytes))
                .unwrap_or(ByteSize(8 << 10)),
            body_bytes: section.get("body_bytes"),
        };
        section.finish(&[]);
        limits
    }

    pub(crate) fn print(&self, path: &[&str], out: &mut Printer) {
        out.table(&[path, &["limits"]].concat());
        out.set("header_bytes", self.header_bytes);
        out.set("headers", self.headers);
        out.set("uri_bytes", self.uri_bytes);
        out.set_some("body_bytes", self.body_bytes);
    }
}

fn header_bytes(value: &Value<'_>) -> Option<ByteSize> {
    let size = ByteSize::from_value(value)?;
    // The HTTP/1 parser reads into a buffer of at least 8 KiB.
    if (8 << 10..=1 << 20).contains(&size.0) {
        Some(size)
    } else {
        value.fail("`header_bytes` must be from 8KiB to 1MiB")
    }
}

fn uri_bytes(value: &Value<'_>, header_bytes: ByteSize) -> Option<ByteSize> {
    let size = ByteSize::from_value(value)?;
    if size.0 == 0 {
        return value.fail("`uri_bytes` must be more than 0");
    }
    if size > header_bytes {
        return value.fail(format!(
            "`uri_bytes` exceeds `header_bytes`, which is {header_bytes}"
        ));
    }
    Some(size)
}
