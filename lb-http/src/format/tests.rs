//! Formats: what is written, and what is wrong with those that are not.

use http::Request;
use lb_core::condition::{Word, words};
use proptest::prelude::*;

use super::{Alias, Format, Kept};
use crate::fetch::{HttpVocabulary, View};

fn parse(text: &str) -> Result<Format, String> {
    Format::parse(&Word::whole(text), &HttpVocabulary::default()).map_err(|error| {
        let words = &text[error.offset..error.offset + error.len];
        format!("{words}: {}", error.message)
    })
}

fn written(text: &str) -> String {
    let request = Request::get("/p?q=1")
        .header("x", r#"a "b]"#)
        .body(())
        .unwrap();
    let mut out = Vec::new();
    parse(text)
        .unwrap()
        .write(&mut out, &View::of(&request), &mut |out, alias, style| {
            style.text(out, format!("<{alias:?}>").as_bytes());
        });
    String::from_utf8(out).unwrap()
}

#[test]
fn text_names_and_samples_stand_side_by_side() {
    assert_eq!(written("100%% of %[path]"), "100% of /p");
    assert_eq!(written("%ci:%cp"), "<ClientIp>:<ClientPort>");
    assert_eq!(written("%ST%B"), "<Status><BytesRead>");
    assert_eq!(written("%[ path ]|%[query,field(2,\"=\")]"), "/p|1");
}

#[test]
fn flags_quote_escape_and_fill() {
    assert_eq!(written("%{+Q}[path] %[path]"), "\"/p\" /p");
    assert_eq!(
        written("%{+Q}o%[path] %{-Q}[path] %r"),
        "\"/p\" /p \"<Request>\""
    );
    assert_eq!(written("%{+E}[hdr(x)]"), r#"a \"b\]"#);
    assert_eq!(
        written("%[hdr(none)]|%{+Q}[hdr(none)]|%{+M}[hdr(none)]"),
        "|\"\"|-"
    );
}

fn line(text: &str, view: &View<'_>, kept: &Kept) -> String {
    let format = Format::parse_line(&Word::whole(text), &HttpVocabulary::default()).unwrap();
    let mut out = b"before\n".to_vec();
    format.write_line(&mut out, view, kept, &mut |out, alias, style| {
        if alias != Alias::RequestCaptures {
            style.text(out, b"");
        }
    });
    String::from_utf8(out.split_off(7)).unwrap()
}

/// What HAProxy 2.6.12 was seen to write.
#[test]
fn a_line_has_single_blanks_and_a_dash_for_nothing() {
    let write = |text| line(text, &View::default(), &Kept::default());
    assert_eq!(write(" a  b   %hr  %hs c"), "a b - c");
    assert_eq!(
        write("%CC|%{-M}CC|%{+Q}CC|%{+Q,-M}CC|%{-Q}CC"),
        "-||\"\"|\"\"|-"
    );
    assert_eq!(write("%[hdr(none)] x %hr "), "- x ");
}

#[test]
fn samples_of_a_request_are_kept_for_the_line() {
    let text = "%[hdr(x)] %{+Q}[method] %[hdr(none)]";
    let format = Format::parse_line(&Word::whole(text), &HttpVocabulary::default()).unwrap();
    let request = Request::get("/").header("x", "a\tb").body(()).unwrap();
    let mut kept = Kept::default();
    format.keep(&mut kept, &View::of(&request));
    format.keep(&mut kept, &View::default());
    assert!(format.has_samples());
    assert_eq!(line(text, &View::default(), &kept), "a\tb \"GET\" -");
}

#[test]
fn a_sample_cannot_end_the_line() {
    let request = Request::get("/?q=a%0Ab").body(()).unwrap();
    let view = View::of(&request);
    let text = "%[urlp(q),url_dec]";
    assert_eq!(line(text, &view, &Kept::default()), "a#0Ab");
}

#[test]
fn a_mistake_has_its_place() {
    for (text, error) in [
        ("a %[pth]", "pth: there is no fetch `pth`"),
        ("a %zz b", "%zz: there is no `%zz`"),
        ("50% of", "%: expected a name, `[` or `{` after `%`"),
        ("%[path", "%[path: this `[` is not closed"),
        ("%{+Z}r", "Z: there is no flag `Z`"),
        ("%{+Q", "{+Q: this `{` is not closed"),
    ] {
        assert_eq!(parse(text).unwrap_err(), error, "{text}");
    }
}

#[test]
fn places_are_those_of_the_text_around_it() {
    let text = r#"set-header X "a %[pth]""#;
    let words = words(text).unwrap();
    let error = Format::parse(&words[2], &HttpVocabulary::default()).unwrap_err();
    assert_eq!(&text[error.offset..error.offset + error.len], "pth");
}

#[test]
fn every_name_is_found() {
    for (name, alias) in super::alias::NAMES {
        assert_eq!(Alias::parse(name), Some(*alias));
    }
}

proptest! {
    #[test]
    fn nothing_panics_and_plain_text_stays(text in "[ -~é%\\[\\]{}()+Q,]{0,40}") {
        let plain = !text.contains('%');
        match parse(&text) {
            Ok(format) if plain => prop_assert_eq!(format.as_fixed(), Some(text.as_bytes())),
            Ok(_) => {}
            Err(_) => prop_assert!(!plain),
        }
    }
}
