//! Where a form comes from. A browser sends the password of this page with
//! every request for it, so also with a form that another site has made.

use http::{
    HeaderMap, Uri,
    header::{HOST, ORIGIN, REFERER, USER_AGENT},
};

/// What browsers say of a request's origin themselves (Fetch Metadata).
const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// Is this form this page's own, as far as the request tells?
///
/// Everything that is said of its origin must name this host. A browser must
/// also bring the `token` that only the page itself has; scripts, which send
/// forms by themselves and no browser's name, need none, as in HAProxy.
pub(super) fn is_own(headers: &HeaderMap, uri: &Uri, token: Option<&str>, expected: &str) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or(""));
    let host = uri.authority().map(|authority| authority.as_str());
    let host = host.or(text(HOST.as_str()));
    let from_here = |name: &str| {
        text(name).is_none_or(|origin| {
            let origin: Option<Uri> = origin.parse().ok();
            let authority = origin.as_ref().and_then(Uri::authority);
            authority
                .zip(host)
                .is_some_and(|(origin, host)| same_host(origin.as_str(), host))
        })
    };
    let from_same_site =
        text(SEC_FETCH_SITE).is_none_or(|site| matches!(site, "same-origin" | "none"));
    let is_browser = text(USER_AGENT.as_str()).is_some_and(|agent| agent.starts_with("Mozilla/"));
    let token_fits = match token {
        Some(token) => same(token, expected),
        None => !is_browser,
    };
    from_same_site && from_here(ORIGIN.as_str()) && from_here(REFERER.as_str()) && token_fits
}

/// `example` and `example:80` are one host to a browser, which leaves the usual port out.
fn same_host(one: &str, other: &str) -> bool {
    let bare = |text: &str| {
        let text = text.to_ascii_lowercase();
        let text = text.strip_suffix(":80").or(text.strip_suffix(":443"));
        text.map(str::to_owned)
    };
    let (a, b) = (bare(one), bare(other));
    let a = a.unwrap_or_else(|| one.to_ascii_lowercase());
    a == b.unwrap_or_else(|| other.to_ascii_lowercase())
}

fn same(one: &str, other: &str) -> bool {
    use subtle::ConstantTimeEq as _;
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With these fields, and this token, if any.
    fn accepts(fields: &[(&'static str, &str)], token: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert("host", "lb.example:1314".parse().unwrap());
        for (name, value) in fields {
            headers.insert(*name, value.parse().unwrap());
        }
        is_own(&headers, &Uri::from_static("/stats"), token, "secret")
    }

    const BROWSER: (&str, &str) = ("user-agent", "Mozilla/5.0 (X11; Linux x86_64)");

    #[test]
    fn the_pages_own_form_is_taken() {
        let fields = [
            BROWSER,
            ("origin", "http://lb.example:1314"),
            ("referer", "http://LB.example:1314/stats;norefresh"),
            ("sec-fetch-site", "same-origin"),
        ];
        assert!(accepts(&fields, Some("secret")));
        assert!(!accepts(&fields, Some("secreT")));
        assert!(!accepts(&fields, None));
    }

    #[test]
    fn the_form_of_another_site_is_not() {
        for (name, value) in [
            ("origin", "http://evil.example"),
            ("origin", "http://lb.example"),
            ("origin", "http://lb.example:1314.evil.example"),
            ("origin", "null"),
            ("origin", ""),
            ("referer", "http://evil.example/http://lb.example:1314/"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            assert!(!accepts(&[(name, value)], None), "{name}: {value}");
            assert!(
                !accepts(&[(name, value)], Some("secret")),
                "{name}: {value}"
            );
        }
    }

    #[test]
    fn a_script_needs_no_token_and_a_browser_does() {
        assert!(accepts(&[("user-agent", "curl/7.88.1")], None));
        assert!(accepts(&[], None));
        assert!(!accepts(&[BROWSER], None));
        assert!(accepts(&[BROWSER], Some("secret")));
        // Old browsers that say nothing of the origin at all.
        assert!(!accepts(&[BROWSER], Some("")));
    }
}
