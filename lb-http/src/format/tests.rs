//! Formats: what is written, and what is wrong with those that are not.

use http::Request;
use lb_core::condition::{Word, words};
use proptest::prelude::*;

use super::{Alias, Format};
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
