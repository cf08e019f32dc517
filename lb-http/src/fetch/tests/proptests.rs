//! Laws that hold for any text and any request.

use http::HeaderValue;
use lb_core::condition::{SampleType, Scope};
use proptest::prelude::*;

use super::{condition, head, request, view};
use crate::fetch::{HttpVocabulary, header::items, key::KeySource};

proptest! {
    #[test]
    fn a_balance_never_panics_and_points_into_its_text(
        words in prop::collection::vec(prop::sample::select(WORDS), 0..6),
        noise in ".{0,12}",
    ) {
        for text in [words.join(" "), words.concat(), format!("{} {noise}", words.join(" "))] {
            if let Err(error) = KeySource::parse(&text) {
                prop_assert!(error.offset + error.len <= text.len(), "{text:?}: {error:?}");
            }
        }
    }

    #[test]
    fn an_expression_never_panics(expr in prop::sample::select(EXPRS), value in prop::collection::vec(0x20..=0xffu8, 0..40)) {
        let mut request = request("GET /a/b%20c?x=1;y=%2b+&z HTTP/1.1");
        let value: Vec<u8> = value.into_iter().filter(|b| *b != 0x7f).collect();
        request.headers_mut().insert("v", HeaderValue::from_bytes(&value).unwrap());
        request.headers_mut().insert("cookie", HeaderValue::from_bytes(&value).unwrap());
        condition(&format!("{{ {expr} -m found }}")).eval(&view(&request));
        let source = KeySource::parse(&format!("hash {expr}")).unwrap().unwrap();
        source.with_key(&head(&request), |key| drop(format!("{key:?}")));
    }

    /// Any converters after any fetch: refused when they are compiled, or they run.
    #[test]
    fn a_chain_never_panics(
        fetch in prop::sample::select(FETCHES),
        converters in prop::collection::vec(prop::sample::select(CONVERTERS), 0..5),
        value in prop::collection::vec(0x20..=0xffu8, 0..60),
    ) {
        let text = std::iter::once(fetch).chain(converters).collect::<Vec<_>>().join(",");
        let word = &lb_core::condition::words(&text).unwrap()[0];
        let Ok(expr) = HttpVocabulary::default().expr(word) else { return Ok(()) };
        let mut request = request("GET /a/b%20c?x=1 HTTP/1.1 | host: h");
        let value: Vec<u8> = value.into_iter().filter(|b| *b != 0x7f).collect();
        request.headers_mut().insert("v", HeaderValue::from_bytes(&value).unwrap());
        let transaction = crate::transaction::Transaction::new();
        let kind = lb_core::condition::Fetch::sample_type(&expr);
        let view = view(&request).transaction(&transaction);
        let found = expr.with_sample(&view, |sample| sample.sample_type());
        // What it says it yields is what it yields.
        prop_assert!(found.is_none_or(|found| kind == SampleType::Any || kind == found), "{}: {:?} {:?}", text, kind, found);
    }

    /// Without quotes, cutting at commas is what the standard library does.
    #[test]
    fn items_are_the_parts_between_commas(value in "[ a,;=]{0,20}") {
        let expected: Vec<_> = value.split(',').map(|part| part.trim_matches(' ').as_bytes()).collect();
        let found: Vec<_> = items(value.as_bytes()).collect();
        prop_assert_eq!(found, expected);
    }

    /// `field` and `word` against the standard library's splitting.
    #[test]
    fn parts_are_counted_from_either_end(text in "[ab/]{0,12}", index in prop_oneof![-5..0i64, 1..6i64]) {
        for (converter, skip_empty) in [("field", false), ("word", true)] {
            let parts: Vec<_> = text.split('/').filter(|part| !(skip_empty && part.is_empty())).collect();
            let place = if index > 0 { index - 1 } else { parts.len() as i64 + index };
            let expected = usize::try_from(place).ok().and_then(|place| parts.get(place)).copied();
            let expected = expected.or(skip_empty.then_some(""));

            let (scope, _) = Scope::builder(HttpVocabulary::default()).build();
            let line = format!("GET / HTTP/1.1 | v: {text}");
            let request = request(&line);
            let eval = |patterns: &str| {
                let text = format!("{{ req.fhdr(v),{converter}({index},/) {patterns} }}");
                scope.condition(&text).unwrap().eval(&view(&request))
            };
            let patterns = match expected {
                None => "-m found".to_owned(),
                Some("") => "-m len 0".to_owned(),
                Some(part) => format!("-- {part}"),
            };
            prop_assert_eq!(eval(&patterns), expected.is_some(), "{} of {:?}", index, text);
        }
    }
}

const WORDS: &[&str] = &[
    "uri",
    "len",
    "depth",
    "whole",
    "path-only",
    "url_param",
    "check_post",
    "hdr(a)",
    "hdr(",
    "use_domain_only",
    "hash",
    "maglev",
    "path,lower",
    "src",
    "rdp-cookie",
    "(",
    ")",
    "3",
    "0",
    "\"",
    "\\",
];

const FETCHES: &[&str] = &[
    "req.fhdr(v)",
    "src",
    "ipv6(2001:db8::1)",
    "always_true",
    "int(-9223372036854775808)",
    "int(9223372036854775807)",
    "bin(00ff41)",
    "var(txn.x,d)",
    "http_auth_user",
];

const CONVERTERS: &[&str] = &[
    "lower",
    "length",
    "bytes(1,3)",
    "field(-2,/,2)",
    "word(2,/,0)",
    "word(-3,/,9)",
    "regsub(a*,<\\\\0>,g)",
    "url_dec",
    "url_enc",
    "base64",
    "b64dec",
    "ub64enc",
    "ub64dec",
    "hex",
    "hex2i",
    "ipmask(24,64)",
    "concat(-,txn.x,-)",
    "json",
    "json(utf8s)",
    "json_query($.a[1])",
    "iif(yes,)",
    "add(1)",
    "sub(9223372036854775807)",
    "mul(-1)",
    "div(-1)",
    "mod(-1)",
    "neg",
    "not",
    "cpl",
    "sha1",
    "sha2(384)",
    "digest(md5)",
    "hmac(sha1,a2V5)",
    "crc32(1)",
    "crc32c",
    "xxh3(5)",
    "http_date(5,us)",
    "utime(%Y)",
    "language(fr;en,de)",
    "ltrim(-)",
    "rtrim(-)",
    "host_only",
    "port_only",
    "set-var(txn.x)",
    "strcmp(txn.x)",
    "secure_memcmp(txn.x)",
    "jwt_header_query($.alg)",
    "jwt_verify(HS256,k)",
];

const EXPRS: &[&str] = &[
    "req.hdr(v)",
    "req.hdr(v,-1)",
    "req.hdr(v,2)",
    "req.fhdr(v)",
    "hdr_cnt(v)",
    "hdr_ip(v)",
    "hdr_val(v)",
    "cook(a)",
    "cook",
    "cook_cnt",
    "cook_val(a)",
    "urlp(x)",
    "urlp(,;)",
    "urlp_val(y)",
    "base",
    "url",
    "query,url_dec",
    "req.hdr(v),url_dec(1)",
    "req.fhdr(v),field(-2,/)",
    "req.fhdr(v),word(3,/)",
    "req.fhdr(v),bytes(2,3)",
    "req.fhdr(v),lower,upper",
    "dst_port",
    "src",
    "always_true",
];
