//! Mistakes in expressions and in the text of a `balance`.

use lb_core::condition::{ConditionError, Known, Scope, Vocabulary};

use crate::fetch::{
    HttpVocabulary,
    key::{Key, KeySource},
    names::BUILT,
};

/// The text between `«` and `»` of `marked` must be what the error is about.
fn check(marked: &str, compile: impl FnOnce(&str) -> ConditionError) -> String {
    let offset = marked.find('«').expect("a marked place");
    let text = marked.replace('«', "");
    let end = text.find('»').expect("its end");
    let error = compile(&text.replace('»', ""));
    assert_eq!(
        (error.offset, error.len),
        (offset, end - offset),
        "{marked}: {error}"
    );
    error.message
}

#[test]
fn mistakes_in_expressions_are_said_where_they_are() {
    for (marked, message) in [
        (
            "{ «nbsrv»(web) lt 2 }",
            "`nbsrv` is HAProxy's, and not built yet",
        ),
        (
            "{ «fc_rtt» gt 9 }",
            "`fc_rtt` is HAProxy's, and not built yet",
        ),
        (
            "{ «ssl_fc_sni_end» .example }",
            "`ssl_fc_sni_end` is HAProxy's, and not built yet",
        ),
        ("{ «hdrs»(host) a }", "there is no fetch `hdrs`"),
        ("{ hdr(«a@b») x }", "`a@b` cannot be the name of a header"),
        ("{ hdr(a,«x») x }", "argument 2 of `hdr` is a whole number"),
        ("{ hdr(a,1,«2») x }", "`hdr` takes at most 2 arguments"),
        ("{ path(«x») /a }", "`path` takes no argument"),
        (
            "{ hdr_cnt(a,«1») 1 }",
            "`hdr_cnt` takes at most 1 arguments",
        ),
        ("{ «hdr» x }", "`hdr` needs the name of a header"),
        ("{ path,«lowr» /a }", "there is no converter `lowr`"),
        (
            "{ path,«map»(f.map) /a }",
            "the converter `map` is HAProxy's, and not built yet",
        ),
        ("{ path,lower(«x») /a }", "`lower` takes no argument"),
        (
            "{ path,field(«0»,/) a }",
            "the index counts from 1, or from -1 backwards",
        ),
        ("{ path,«field»(1) a }", "`field` needs its delimiters"),
        ("{ path,«word» a }", "`word` needs an index"),
        (
            "{ path,word(1,/,«2») a }",
            "the third argument of `word` is HAProxy's, and not built yet",
        ),
        ("{ path,bytes(«-1») -m str a }", "`bytes` counts from 0"),
        ("{ «path,bytes(1)» a }", "a binary sample needs a matcher"),
        (
            "{ hdr_ip(a) «x» }",
            "`x`: not an address; host names are not resolved here",
        ),
    ] {
        let found = check(marked, |text| {
            let (scope, _) = Scope::builder(HttpVocabulary::default()).build();
            scope.condition(text).expect_err(text).remove(0)
        });
        assert_eq!(found, message, "{marked}");
    }
}

#[test]
fn every_built_name_resolves_and_is_built() {
    let (scope, _) = Scope::builder(HttpVocabulary::default()).build();
    for name in BUILT {
        assert_eq!(HttpVocabulary::default().knows(name), Known::Built);
        let argument = if name.contains("hdr") { "(x)" } else { "" };
        let compiled = scope.condition(&format!("{{ {name}{argument} -m found }}"));
        assert!(compiled.is_ok(), "{name}: {:?}", compiled.err());
    }
}

#[test]
fn algorithms_without_a_key_are_not_ours() {
    for text in ["", "roundrobin", "leastconn", "random(2)", "first", "uris"] {
        assert_eq!(KeySource::parse(text), Ok(None), "{text}");
    }
}

#[test]
fn mistakes_in_a_balance_are_said_where_they_are() {
    for (marked, message) in [
        ("uri «foo»", "`uri` does not take `foo`"),
        ("uri len«»", "expected a number here"),
        ("uri len «x»", "this is a number from 1 on"),
        ("uri depth «0»", "this is a number from 1 on"),
        ("url_param«»", "expected the name of a parameter here"),
        ("url_param a «foo»", "`url_param` does not take `foo`"),
        ("«hdr»", "`hdr` needs the name of a header"),
        ("«hdr()»", "`hdr` needs the name of a header"),
        ("«hdr(a»", "`hdr` needs the name of a header"),
        ("hdr(a) «foo»", "`hdr(a)` does not take `foo`"),
        ("«rdp-cookie()»", "the name of the cookie is missing"),
        ("source «foo»", "`source` does not take `foo`"),
        ("hash«»", "expected a sample expression here"),
        ("hash path «lower»", "`hash` does not take `lower`"),
        ("hash «foo»", "there is no fetch `foo`"),
        ("hash path,«foo»", "there is no converter `foo`"),
        (
            "maglev «var»(txn.x)",
            "`var` is HAProxy's, and not built yet",
        ),
    ] {
        let found = check(marked, |text| KeySource::parse(text).expect_err(text));
        assert_eq!(found, message, "{marked}");
    }
}

#[test]
fn what_haproxy_takes_is_taken() {
    for text in [
        "uri whole whole",
        "uri len 5 len 6 depth 1 path-only",
        "url_param a check_post",
        "url_param a check_post 30",
        "url_param id(a)",
        "hdr(a) use_domain_only",
        "rdp-cookie",
        "rdp-cookie(x)",
        "hash path,field(2,/),lower",
        "hash src",
        "maglev hdr(host),lower",
    ] {
        assert!(matches!(KeySource::parse(text), Ok(Some(_))), "{text}");
    }
}

#[test]
fn a_body_is_looked_at_for_a_post_that_asks_for_it() {
    let with = KeySource::parse("url_param id check_post")
        .unwrap()
        .unwrap();
    let without = KeySource::parse("url_param id").unwrap().unwrap();
    assert!(with.is_in_body(&http::Method::POST));
    assert!(!with.is_in_body(&http::Method::PUT));
    assert!(!without.is_in_body(&http::Method::POST));
    for (body, key) in [
        ("id=7", Key::Bytes(b"7")),
        ("a=1&id=7&b=2", Key::Bytes(b"7")),
        ("id=7 x", Key::Bytes(b"7")),
        ("id=7\r\n", Key::Bytes(b"7")),
        ("id=", Key::Bytes(b"")),
        ("xid=7", Key::None),
        ("id", Key::None),
        ("", Key::None),
    ] {
        assert_eq!(with.body_key(body.as_bytes()), key, "{body:?}");
    }
}
