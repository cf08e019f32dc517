//! `capture`: what is kept of messages for the log.

use http::{
    HeaderMap,
    header::{COOKIE, SET_COOKIE},
};
use lb_http::transaction::{Captures, Slot};

use crate::config::model::{Capture, CapturedField};

/// Keeps what is wanted of a request, before any rule has changed it.
pub fn capture_request(capture: &Capture, headers: &HeaderMap, into: &mut Captures) {
    fields(&capture.request, headers, into, Slot::Request);
    if let Some(cookie) = &capture.cookie {
        let cookies = headers.get_all(COOKIE).iter();
        let all = cookies.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
        into.request_cookie = all
            .map(<[u8]>::trim_ascii)
            .find(|found| found.starts_with(cookie.name.as_bytes()))
            .map(|found| found[..found.len().min(cookie.len)].into());
    }
}

/// The same of the server's response.
pub fn capture_response(capture: &Capture, headers: &HeaderMap, into: &mut Captures) {
    fields(&capture.response, headers, into, Slot::Response);
    if let Some(cookie) = &capture.cookie {
        let cookies = headers.get_all(SET_COOKIE).iter();
        let all = cookies.filter_map(|line| line.as_bytes().split(|byte| *byte == b';').next());
        into.response_cookie = all
            .map(<[u8]>::trim_ascii)
            .find(|found| found.starts_with(cookie.name.as_bytes()))
            .map(|found| found[..found.len().min(cookie.len)].into());
    }
}

/// HAProxy keeps the last of several lines.
fn fields(
    list: &[CapturedField],
    headers: &HeaderMap,
    into: &mut Captures,
    slot: fn(usize) -> Slot,
) {
    for (at, field) in list.iter().enumerate() {
        if let Some(value) = headers.get_all(&field.header).iter().next_back() {
            into.fill(slot(at), value.as_bytes(), field.len);
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;
    use crate::config::model::CapturedCookie;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let lines = lines.iter().map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        lines.collect()
    }

    fn cookie(name: &str, lines: &[(&'static str, &'static str)]) -> [Option<String>; 2] {
        let capture = Capture {
            cookie: Some(CapturedCookie {
                name: name.to_owned(),
                len: 12,
            }),
            ..Capture::default()
        };
        let mut captures = Captures::default();
        capture_request(&capture, &headers(lines), &mut captures);
        capture_response(&capture, &headers(lines), &mut captures);
        [captures.request_cookie, captures.response_cookie]
            .map(|found| found.map(|text| String::from_utf8_lossy(&text).into_owned()))
    }

    /// What HAProxy 2.6.12 was seen to keep.
    #[test]
    fn the_first_cookie_that_begins_so_is_kept_with_its_name() {
        let request = |name, text| cookie(name, &[("cookie", text)])[0].clone();
        assert_eq!(
            request("SID", "a=b; SID=abcdef; c=d").unwrap(),
            "SID=abcdef"
        );
        assert_eq!(request("SID", "SIDX=1234567890").unwrap(), "SIDX=1234567");
        assert_eq!(request("SID=", "SIDX=1;SID=2; SID=3").unwrap(), "SID=2");
        assert_eq!(request("SID", "a=SID"), None);
        let lines = [
            ("set-cookie", "a=b; SID=q; path=/"),
            ("set-cookie", "SID=3; path=/"),
            ("set-cookie", "SID=4"),
        ];
        assert_eq!(cookie("SID=", &lines)[1].as_deref(), Some("SID=3"));
    }

    #[test]
    fn the_last_line_of_a_field_is_kept_up_to_its_length() {
        let capture = Capture {
            request: vec![CapturedField {
                header: HeaderName::from_static("x-a"),
                len: 4,
            }],
            ..Capture::default()
        };
        let mut captures = Captures::default();
        let lines = headers(&[("x-a", "one"), ("x-a", "two, three")]);
        capture_request(&capture, &lines, &mut captures);
        assert_eq!(captures.find(Slot::Request(0)), Some(&b"two,"[..]));
    }
}
