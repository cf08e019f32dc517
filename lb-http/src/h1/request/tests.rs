use super::*;

fn read(text: &str) -> Result<Option<Head>, Refusal> {
    parse(&mut BytesMut::from(text), &Limits::default())
}

fn status(text: &str) -> u16 {
    match read(text) {
        Ok(Some(_)) => 200,
        Ok(None) => 0,
        Err(refusal) => refusal.status.as_u16(),
    }
}

#[test]
fn takes_one_head_and_leaves_the_rest() {
    let mut input = BytesMut::from("\r\nGET /a?b HTTP/1.1\r\nHost: x\r\nA:  b \r\n\r\nrest");
    let head = parse(&mut input, &Limits::default()).unwrap().unwrap();
    assert_eq!(head.parts.uri, "/a?b");
    assert_eq!(head.parts.headers["a"], "b");
    assert_eq!(&input[..], b"rest");
}

#[test]
fn waits_for_a_head_to_be_whole() {
    let whole = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    for end in 0..whole.len() {
        assert_eq!(status(&whole[..end]), 0, "{:?}", &whole[..end]);
    }
    assert_eq!(status(whole), 200);
}

#[test]
fn refuses_what_is_not_a_request() {
    for (line, expected) in [
        ("GET / HTTP/2.0", 505),
        ("GET / HTTP/0.9", 505),
        ("GET / HTTP/1.7", 200),
        ("GET / HTTP/1.10", 400),
        ("GET / http/1.1", 400),
        ("GET  / HTTP/1.1", 400),
        ("GET /", 400),
        ("G(T / HTTP/1.1", 400),
        ("GET /#a HTTP/1.1", 400),
        ("GET /\u{e9} HTTP/1.1", 400),
        ("GET x HTTP/1.1", 400),
        ("GET * HTTP/1.1", 400),
        ("OPTIONS * HTTP/1.1", 200),
        ("GET http://a/b HTTP/1.1", 200),
        ("GET http://u@a/b HTTP/1.1", 400),
        ("GET http:///b HTTP/1.1", 400),
        ("GET ftp://a/b HTTP/1.1", 400),
        ("CONNECT a:443 HTTP/1.1", 200),
        ("CONNECT /a HTTP/1.1", 400),
    ] {
        let text = format!("{line}\r\nHost: x\r\n\r\n");
        assert_eq!(status(&text), expected, "{line}");
    }
}

#[test]
fn refuses_bad_fields() {
    for (fields, expected) in [
        ("", 400),
        ("Host: a\r\nHost: a", 400),
        ("Host: a b", 400),
        ("Host: a/b", 400),
        ("Host: a,b", 400),
        ("Host: u@a", 400),
        ("Host: a:b", 400),
        ("Host: [::1", 400),
        ("Host: [::1]:80", 200),
        ("Host:", 200),
        ("Host: a\r\nX : y", 400),
        ("Host: a\r\n: y", 400),
        ("Host: a\r\nX: a\r\n b", 400),
        ("Host: a\r\nX: a\0b", 400),
        ("Host: a\r\nX: a\rb", 400),
        ("Host: a\r\n X: a", 400),
        (
            "Host: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3",
            400,
        ),
        ("Host: a\r\nTransfer-Encoding: gzip, chunked", 501),
    ] {
        let text =
            format!("GET / HTTP/1.1\r\n{fields}\r\n\r\n").replace("\r\n\r\n\r\n", "\r\n\r\n");
        assert_eq!(status(&text), expected, "{fields:?}");
    }
}

#[test]
fn the_target_names_the_host() {
    let head = read("GET http://a:81/x HTTP/1.1\r\nHost: b\r\n\r\n");
    assert_eq!(head.unwrap().unwrap().parts.headers["host"], "a:81");
}

#[test]
fn limits_hold_before_a_head_is_whole() {
    let long = "a".repeat(9000);
    assert_eq!(status(&format!("GET /{long}")), 414);
    assert_eq!(
        status(&format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n")),
        414
    );
    let field = format!("GET / HTTP/1.1\r\nX: {long}{long}");
    assert_eq!(status(&field), 431);
    let many = "A: b\r\n".repeat(102);
    assert_eq!(
        status(&format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n")),
        431
    );
}

mod laws {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = parse(&mut BytesMut::from(&bytes[..]), &Limits::default());
        }

        #[test]
        fn mutated_requests_never_panic(at in 0_usize..60, byte: u8) {
            let mut text = b"POST /a?b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc".to_vec();
            let at = at % text.len();
            text[at] = byte;
            let _ = parse(&mut BytesMut::from(&text[..]), &Limits::default());
        }
    }
}
