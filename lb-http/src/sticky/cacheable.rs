//! May a cache keep this response? `nocache` marks those that it may, when a
//! cookie goes with them, `Cache-Control: private`.
//!
//! The rule is HAProxy's, as observed: a response is cacheable by its method and
//! status or because it says `public`, it must carry something to reckon
//! freshness from or to validate it by, and `Cache-Control` or `Pragma` may
//! forbid it. Of contradictory words the last one holds.

use http::{HeaderMap, Method, StatusCode, header};

/// Does the method of the request allow it?
pub(super) fn allows_method(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE
    )
}

/// Would a shared cache keep a response with this head, to a request whose
/// method [allows](allows_method) it or not?
pub(super) fn is_cacheable(method_allows: bool, status: StatusCode, headers: &HeaderMap) -> bool {
    let mut allowed = method_allows && allows_status(status);
    let mut fresh = [header::ETAG, header::LAST_MODIFIED, header::EXPIRES]
        .iter()
        .any(|name| headers.contains_key(name));
    for word in words(headers) {
        if is_any(
            word,
            &["no-cache", "no-store", "private", "max-age=0", "s-maxage=0"],
        ) {
            allowed = false;
        } else if is_any(word, &["public"]) {
            allowed = true;
        } else if starts(word, "max-age") || starts(word, "s-maxage") {
            fresh = true;
        }
    }
    allowed && fresh && !forbidden_by_pragma(headers)
}

/// Statuses cacheable by default, those of RFC 9110, section 15.1, of which
/// HAProxy leaves out 308.
fn allows_status(status: StatusCode) -> bool {
    matches!(
        status.as_u16(),
        200 | 203 | 204 | 206 | 300 | 301 | 404 | 405 | 410 | 414 | 501
    )
}

/// Only the first field counts, and only if it says nothing else.
fn forbidden_by_pragma(headers: &HeaderMap) -> bool {
    headers
        .get(header::PRAGMA)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"no-cache"))
}

/// The elements of all `Cache-Control` fields, without the blanks around them.
fn words(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    headers
        .get_all(header::CACHE_CONTROL)
        .iter()
        .flat_map(|value| {
            let mut quoted = false;
            value.as_bytes().split(move |&byte| {
                quoted ^= byte == b'"';
                byte == b',' && !quoted
            })
        })
        .map(<[u8]>::trim_ascii)
}

fn is_any(word: &[u8], choices: &[&str]) -> bool {
    choices
        .iter()
        .any(|choice| word.eq_ignore_ascii_case(choice.as_bytes()))
}

fn starts(word: &[u8], with: &str) -> bool {
    word.get(..with.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(with.as_bytes()))
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn cacheable(method: &Method, status: u16, fields: &[(&'static str, &'static str)]) -> bool {
        let headers = fields
            .iter()
            .map(|&(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect();
        let status = StatusCode::from_u16(status).unwrap();
        is_cacheable(allows_method(method), status, &headers)
    }

    #[test]
    fn needs_a_validator_or_a_date() {
        assert!(!cacheable(&Method::GET, 200, &[]));
        assert!(!cacheable(
            &Method::GET,
            200,
            &[("cache-control", "public")]
        ));
        assert!(cacheable(&Method::GET, 200, &[("etag", "\"x\"")]));
        assert!(cacheable(
            &Method::HEAD,
            404,
            &[("cache-control", "max-age=60")]
        ));
    }

    #[test]
    fn method_and_status_count_unless_public() {
        let validated = ("etag", "\"x\"");
        assert!(!cacheable(&Method::POST, 200, &[validated]));
        assert!(!cacheable(&Method::GET, 302, &[validated]));
        assert!(cacheable(
            &Method::POST,
            500,
            &[validated, ("cache-control", "public")]
        ));
    }

    #[test]
    fn the_last_word_holds() {
        let with = |control| {
            cacheable(
                &Method::GET,
                200,
                &[("etag", "\"x\""), ("cache-control", control)],
            )
        };
        assert!(!with("public, Private"));
        assert!(with("private, public"));
        assert!(with("no-cache=\"set-cookie\""));
        assert!(with("a=\"b, private\""));
        assert!(!cacheable(
            &Method::GET,
            200,
            &[
                ("pragma", "no-cache"),
                ("cache-control", "public, max-age=60")
            ]
        ));
    }
}
