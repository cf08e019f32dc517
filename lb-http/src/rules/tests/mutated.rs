//! Rules with a few bytes changed: they are taken or refused, with a place in their text, and nothing panics.

use super::*;
use crate::rules::ResponseRules;

/// Each is valid in one of the lists.
const VALID: &[&str] = &[
    "deny deny_status 429 if { hdr_cnt(x-forwarded-for) gt 5 } or !{ src 10.0.0.0/8 ::1 }",
    "return status 200 content-type text/plain lf-string \"%[path,lower] %{+Q}[hdr(x,-1)] %%\" hdr x-a %ci",
    "redirect prefix https://a.example code 301 drop-query append-slash set-cookie A=1 if { path_beg -i /a }",
    "redirect scheme https unless { dst_port 443 8000:8999 }",
    "set-header x-a %[src,ipmask(24,64)]:%[hdr(host),field(1,:),upper]",
    "replace-header cookie \"(.*); *sid=[^;]*(.*)\" \\1\\2",
    "replace-value accept-encoding ^(gz|br).*$ <\\1>",
    "del-header ^x- -m reg",
    "set-path /a%[path,regsub(^/b/,/c/,g)]",
    "set-uri http://a.example:81%[url]",
    "set-var(txn.user,ifnotset) req.cook(user),url_dec,concat(<,txn.path,>)",
    "set-var-fmt(sess.line) \"%HM %HP %[var(proc.n)]\"",
    "capture req.hdr(user-agent),sub(1) len 20",
    "set-timeout server 30s if { method POST PUT } { hdr_val(content-length) ge 1000 }",
    "set-src hdr_ip(x-real-ip) if { src 127.0.0.0/8 }",
    "normalize-uri percent-decode-unreserved strict",
    "early-hint link \"<%[path]>; rel=preload\"",
    "set-status 404 reason \"Not Here\" if { status 500 503 }",
    "set-log-level silent if { path -m reg ^/(health|ready)$ }",
    "tarpit status 503 content-type text/plain string \"no\\ way\" if { path -m len 3:9 }",
];

proptest! {
    #[test]
    fn mutated_rules_are_refused_at_a_place_or_taken(
        at in 0..VALID.len(),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), 0..3u8, "[ -~\u{e9}]"), 1..5),
    ) {
        let mut text = VALID[at].to_owned();
        for (place, kind, with) in changes {
            let mut places = text.char_indices().map(|(at, _)| at).collect::<Vec<_>>();
            places.push(text.len());
            let place = places[place.index(places.len())];
            match kind {
                0 => text.insert_str(place, &with),
                1 if place < text.len() => { text.remove(place); }
                _ => text.truncate(place),
            }
        }
        let scope = |place| {
            let vocabulary = HttpVocabulary::new(place, Arc::default());
            Scope::builder(vocabulary).build().0
        };
        let texts = [&*text];
        let request = RequestRules::compile(&texts, &scope(Place::Request));
        let response = ResponseRules::compile(&texts, &scope(Place::Response));
        for error in [request.as_ref().err(), response.as_ref().err()].into_iter().flatten().flatten() {
            let source = &error.source;
            prop_assert!(text.get(source.offset..source.offset + source.len).is_some(), "{text}: {source:?}");
            prop_assert!(!source.message.is_empty());
        }
        let mut message = Request::get("/a?b=c").header("x", "a, b").body(()).unwrap();
        if let Ok(rules) = request {
            let _ = rules.apply(&mut message, &mut Transaction::new(), &Pages::default());
        }
        if let Ok(rules) = response {
            let (mut head, ()) = http::Response::new(()).into_parts();
            rules.apply(&mut head, None, &mut Transaction::new(), &Pages::default());
        }
    }
}

/// What is mutated is valid to begin with.
#[test]
fn the_texts_are_valid() {
    for text in VALID {
        let scope = |place| {
            Scope::builder(HttpVocabulary::new(place, Arc::default()))
                .build()
                .0
        };
        let request = RequestRules::compile(&[text], &scope(Place::Request));
        let response = ResponseRules::compile(&[text], &scope(Place::Response));
        assert!(request.is_ok() || response.is_ok(), "{text}: {request:?}");
    }
}
