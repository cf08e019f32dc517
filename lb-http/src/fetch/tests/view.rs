//! Requests that HAProxy was not asked about: HTTP/2, targets without a path, unknown connections.

use super::{condition, holds, request, view};
use crate::fetch::{RequestView, View, key::KeySource};

#[test]
fn authority_stands_in_for_a_missing_host() {
    let request = request("GET https://h.example/x HTTP/2");
    let eval = |text: &str| condition(text).eval(&view(&request));
    assert!(eval("{ hdr(host) h.example }"));
    assert!(eval("{ hdr_cnt(host) 1 }"));
    assert!(eval("{ hdr_cnt 1 }"));
    assert!(eval("{ base h.example/x }"));
    assert!(eval("{ url https://h.example/x }"));
    assert!(eval("{ path /x }"));
    assert!(eval("HTTP_2.0 !HTTP_1.1"));
}

#[test]
fn a_host_field_goes_before_authority() {
    let line = "GET https://h.example/x HTTP/2 | host: set.example";
    assert!(holds(
        "{ hdr(host) set.example } !{ hdr(host) h.example }",
        line
    ));
    assert!(holds("{ base set.example/x }", line));
}

#[test]
fn http_1_has_no_host_but_the_field() {
    assert!(holds(
        "!{ hdr(host) -m found }",
        "GET http://h.example/x HTTP/1.1"
    ));
}

#[test]
fn connect_and_asterisk_have_no_path() {
    let connect = "CONNECT h.example:443 HTTP/1.1 | host: h.example:443";
    assert!(holds(
        "{ url h.example:443 } !{ path -m found } !{ query -m found }",
        connect
    ));
    assert!(holds("METH_CONNECT", connect));
    let asterisk = "OPTIONS * HTTP/1.1 | host: h.example";
    assert!(holds(
        "HTTP_URL_STAR { base h.example } !{ pathq -m found } !{ urlp -m found }",
        asterisk
    ));
}

#[test]
fn what_is_unknown_has_no_sample() {
    let request = request("GET / HTTP/1.1");
    let view = RequestView::of(&request);
    for name in ["src", "src_port", "dst", "dst_port"] {
        assert!(
            !condition(&format!("{{ {name} -m found }}")).eval(&View::from(view)),
            "{name}"
        );
    }
    let source = KeySource::parse("source").unwrap().unwrap();
    assert_eq!(source.with_key(&view, |key| format!("{key:?}")), "None");
}

#[test]
fn connections_have_ports() {
    assert!(holds(
        "{ src_port 40000 } { dst_port 27100 }",
        "GET / HTTP/1.1"
    ));
}

/// The manual says that an empty cookie is one. HAProxy 2.6.12 misses a named one that ends the header after `=`.
#[test]
fn an_empty_cookie_at_the_end_is_found() {
    for cookies in ["a=", "a=1; a=", "b=2;a="] {
        let line = format!("GET / HTTP/1.1 | cookie: {cookies}");
        assert!(holds("{ cook(a) -m len 0 }", &line), "{cookies}");
    }
}

/// HAProxy 2.6.12 reads signs and dots in `hdr_val` as digits; `hdr -m int` does not, and is what both do here.
#[test]
fn header_numbers_end_at_the_first_other_character() {
    for (value, number) in [
        ("1.5", "1"),
        ("+5", "5"),
        ("1.2.3.4", "1"),
        ("", "0"),
        ("x", "0"),
    ] {
        let line = format!("GET / HTTP/1.1 | v: {value}");
        assert!(
            holds(&format!("{{ hdr_val(v) {number} }}"), &line),
            "{value:?}"
        );
    }
}

#[test]
fn long_texts_are_whole() {
    let path = format!("/{}", "a".repeat(3000));
    let line = format!("GET {path} HTTP/1.1 | host: h.example");
    assert!(holds(
        &format!("{{ base h.example{path} }} {{ path,lower {path} }}"),
        &line
    ));
}

#[test]
fn conditions_are_shared_between_threads() {
    fn shared<T: Send + Sync + Clone>(_: &T) {}
    shared(&condition("{ path_reg ^/ } { hdr(host) a }"));
}

/// Short texts are converted where they are.
#[test]
fn an_expression_allocates_nothing() {
    let request = request("GET /Some/Path?q=%41 HTTP/1.1 | host: www.H.example:80 | v: YWJj");
    let view = view(&request);
    for text in [
        "path,lower,length",
        "hdr(host),host_only,lower,field(-1,.)",
        "query,url_dec,upper",
        "src,ipmask(8),add(1),mod(7)",
        "req.fhdr(v),b64dec,sha1,hex",
        "path,regsub(/,_)",
        "date,div(60)",
        "url32,xxh64,base64",
    ] {
        let word = &lb_core::condition::words(text).unwrap()[0];
        let expr = crate::fetch::HttpVocabulary::default().expr(word).unwrap();
        // What is made once is made.
        expr.with_sample(&view, |_| ()).expect(text);
        let made = allocation_counter::measure(|| {
            expr.with_sample(&view, |_| ()).expect(text);
        });
        assert_eq!(made.count_total, 0, "{text}");
    }
}
