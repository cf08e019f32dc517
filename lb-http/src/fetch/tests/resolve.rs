//! Mistakes in expressions and in the text of a `balance`.

use lb_core::condition::{ConditionError, Known, Scope, Vocabulary};

use crate::{
    fetch::{
        BackendFacts, FrontendFacts, HttpVocabulary, Place, Registry, ServerFacts,
        key::{Key, KeySource},
        names::BUILT,
    },
    users::UserList,
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
        ("{ nbsrv(«web») lt 2 }", "there is no backend `web`"),
        ("{ «fe_id» 2 }", "`fe_id` is HAProxy's, and not built yet"),
        (
            "{ «fc_rtt» gt 9 }",
            "`fc_rtt` is HAProxy's, and not built yet",
        ),
        (
            "{ «ssl_fc_sni_end» .example }",
            "`ssl_fc_sni_end` is HAProxy's, and not built yet",
        ),
        ("{ «srv_is_upp»(a/b) }", "there is no fetch `srv_is_upp`"),
        (
            "{ path,«capture-req»(0) /a }",
            "the converter `capture-req` is HAProxy's, and not built yet",
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
            "{ path,map(«/none.map») /a }",
            "cannot read the map `/none.map`: No such file or directory (os error 2)",
        ),
        ("{ path,lower(«x») /a }", "`lower` takes no argument"),
        (
            "{ path,field(«0»,/) a }",
            "the index counts from 1, or from -1 backwards",
        ),
        ("{ path,«field»(1) a }", "`field` needs its delimiters"),
        ("{ path,«word» a }", "`word` needs an index"),
        (
            "{ src,«iif»(a,b) a }",
            "the address before `iif` cannot be turned into the boolean that it takes",
        ),
        (
            "{ path,sha1,«add»(1) 1 }",
            "the binary before `add` cannot be turned into the integer that it takes",
        ),
        ("{ path,«add» 1 }", "`add` needs a number or a variable"),
        ("{ path,add(«x») 1 }", "`x` names no variable"),
        ("{ path,regsub(«[»,x) a }", "unclosed character class"),
        (
            "{ path,regsub(a,«\\1») a }",
            "the expression has no group 1",
        ),
        (
            "{ path,sha2(«5») -m bin aa }",
            "this is 224, 256, 384 or 512",
        ),
        (
            "{ path,hmac(sha1,«?») -m bin aa }",
            "the key is base64: Invalid symbol 63, offset 0.",
        ),
        ("{ path,json_query(«a») -m str a }", "this is no path"),
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
    let registry = std::sync::Arc::new(
        Registry::new()
            .backend("b", std::sync::Arc::new(Idle))
            .frontend("f", std::sync::Arc::new(Idle))
            .users("l", UserList::builder().build()),
    );
    let compiles = |name: &str, place| {
        let argument = match name {
            "capture.req.hdr" | "capture.res.hdr" | "int" | "bool" => "(1)",
            "ipv4" => "(192.0.2.1)",
            "ipv6" => "(::1)",
            "bin" => "(41)",
            "env" => "(HOME)",
            "var" => "(txn.x)",
            "http_auth" | "http_auth_group" => "(l)",
            "nbsrv" | "queue" | "avg_queue" | "connslots" => "(b)",
            name if name.starts_with("be_") => "(b)",
            name if name.starts_with("fe_") => "(f)",
            name if name.starts_with("srv_") => "(b/s)",
            name if name.contains("hdr") => "(x)",
            _ => "",
        };
        let vocabulary = HttpVocabulary::new(place, registry.clone());
        let (scope, _) = Scope::builder(vocabulary).build();
        let compiled = scope.condition(&format!("{{ {name}{argument} -m found }}"));
        compiled.map(drop)
    };
    for name in BUILT {
        assert_eq!(HttpVocabulary::default().knows(name), Known::Built);
        let places = [Place::Request, Place::Response].map(|place| compiles(name, place));
        let some = places.iter().any(Result::is_ok);
        assert!(some, "{name}: {places:?}");
        for refused in places.into_iter().filter_map(Result::err) {
            assert!(refused[0].misplaced, "{name}: {refused:?}");
        }
        assert!(compiles(name, Place::Log).is_ok(), "{name}");
    }
}

/// Nothing goes on here.
#[derive(Debug)]
struct Idle;

impl BackendFacts for Idle {
    fn usable(&self) -> usize {
        0
    }
    fn in_flight(&self) -> u32 {
        0
    }
    fn queued(&self) -> u32 {
        0
    }
    fn free(&self) -> Option<u32> {
        None
    }
    fn server(&self, _: &str) -> Option<ServerFacts> {
        None
    }
}

impl FrontendFacts for Idle {
    fn connections(&self) -> u32 {
        0
    }
    fn request_rate(&self) -> u32 {
        0
    }
    fn session_rate(&self) -> u32 {
        0
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
        (
            "hash «var»(txn.x)",
            "`var` is not known to keys of `balance` and `stick` yet",
        ),
        (
            "hash path,concat(-,«txn.x»)",
            "variables are not known to keys of `balance` and `stick` yet",
        ),
        (
            "hash «status»",
            "`status` is known only once there is a response",
        ),
        ("hash path,«foo»", "there is no converter `foo`"),
        ("maglev «fe_id»", "`fe_id` is HAProxy's, and not built yet"),
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

#[test]
fn a_name_that_is_misplaced_is_wrong_where_it_is_used() {
    let registry = std::sync::Arc::new(Registry::new());
    let build = |place| {
        let vocabulary = HttpVocabulary::new(place, registry.clone());
        let builder = Scope::builder(vocabulary)
            .acl("failed", &["status ge 500"])
            .acl("worse", &["failed { method GET }"])
            .acl("static", &["path_beg /static"])
            .acl("typing", &["status x"]);
        builder.build()
    };
    let (request, errors) = build(Place::Request);
    assert!(errors.is_empty(), "{errors:?}");
    let (response, errors) = build(Place::Response);
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0].name, "typing");

    assert!(request.terms("static").is_ok());
    assert!(response.terms("failed worse").is_ok());
    let error = request
        .terms("static worse")
        .expect_err("no response yet")
        .remove(0);
    assert_eq!((error.offset, error.len), (7, 5));
    assert_eq!(
        error.message,
        "`worse` cannot be used here: `status` is known only once there is a response"
    );
    let error = response
        .terms("failed static")
        .expect_err("the request is gone")
        .remove(0);
    assert_eq!((error.offset, error.len), (7, 6));
    assert_eq!(
        error.help.as_deref(),
        Some("keep it: `set-var(txn.kept) path` in a rule on requests, `var(txn.kept)` here")
    );
    let error = response.terms("HTTP_1.1").expect_err("likewise").remove(0);
    assert!(
        error.misplaced && error.message.starts_with("`HTTP_1.1` stands for"),
        "{error}"
    );
}
