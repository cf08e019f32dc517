//! What is wrong is said, and where.

use super::scope;

/// Compiles `if ` and the text; the message and help of its only mistake, at the words between `«` and `»`.
fn mistake(marked: &str) -> (String, String) {
    let text = format!("if {marked}");
    let offset = text.find('«').expect("a marked place");
    let text = text.replace('«', "");
    let end = text.find('»').expect("its end");
    let text = text.replace('»', "");
    let errors = scope().suffix(&text).expect_err(&text);
    assert_eq!(errors.len(), 1, "{text}: {errors:?}");
    let error = errors[0].clone();
    assert_eq!(
        (error.offset, error.len),
        (offset, end - offset),
        "{text}: {error}"
    );
    (error.message, error.help.unwrap_or_default())
}

#[test]
fn mistakes_are_said_where_they_are() {
    for (marked, message, help) in [
        ("«TREU»", "no acl is named `TREU`", "did you mean `TRUE`?"),
        ("TRUE «and» FALSE", "no acl is named `and`", "side by side"),
        ("«text_beg»", "no acl is named `text_beg`", "{ text_beg … }"),
        (
            "TRUE «text(x)»",
            "no acl is named `text(x)`",
            "{ text(x) … }",
        ),
        ("!«{text»", "no acl is named `{text`", "blanks around"),
        ("TRUE «}»", "no acl is named `}`", "blanks around"),
        (
            "«{» text a}",
            "this `{` is not closed",
            "a blank before `}`",
        ),
        ("«{» text a", "this `{` is not closed", ""),
        ("«{ }»", "expected a fetch between the braces", ""),
        ("«»", "expected a name or `{` here", ""),
        ("TRUE ||«»", "expected a name or `{` here", ""),
        ("«||» TRUE", "expected a name or `{` here", ""),
        ("TRUE || «or» TRUE", "expected a name or `{` here", ""),
        ("TRUE «!»", "`!` negates nothing", ""),
        ("«!» || TRUE", "`!` negates nothing", ""),
        (
            "{ «txt» a }",
            "there is no fetch `txt`",
            "did you mean `text`?",
        ),
        ("{ «TRUE» }", "there is no fetch `TRUE`", "outside braces"),
        (
            "{ «later» a }",
            "`later` is HAProxy's, and not built yet",
            "",
        ),
        (
            "{ «later_beg» a }",
            "`later_beg` is HAProxy's, and not built yet",
            "",
        ),
        (
            "{ text«(» a ) }",
            "this `(` is not closed in the same word",
            "without blanks",
        ),
        (
            "{ text(a)«x» a }",
            "expected `,` and a converter, or a blank",
            "",
        ),
        ("{ text(a,«b») a }", "`text` takes at most 1 arguments", ""),
        ("{ «(x)» a }", "expected the name of a fetch", ""),
        ("{ text,«lower» a }", "no converters here", ""),
        (
            "{ «text» }",
            "no pattern is given, so this never holds",
            "-m found",
        ),
        ("{ «blob» 00 }", "a binary sample needs a matcher", "-m str"),
        ("{ text «-m» }", "`-m` needs the name of a matcher", ""),
        (
            "{ text -m «bag» a }",
            "there is no matcher `bag`",
            "did you mean `beg`?",
        ),
        (
            "{ text -f hosts.lst «-m» beg }",
            "`-m` stands before `-f` and patterns",
            "",
        ),
        ("{ text «-x» a }", "there is no flag `-x`", "put `--`"),
        (
            "{ text «-M» -f x }",
            "map files (`-M`) are HAProxy's, and not built yet",
            "",
        ),
        ("{ text -u «x» a }", "`-u` needs a number", ""),
        (
            "{ text -f «none.lst» }",
            "cannot read the file `none.lst`: entity not found",
            "",
        ),
        (
            "{ src -f «nets.lst» }",
            "line 2 of the file, `nonsense`: not an address; host names are not resolved here",
            "",
        ),
        (
            "{ src -m «int» 1 }",
            "the matcher `int` cannot compare the address that `src` yields",
            "",
        ),
        (
            "{ number -m «ip» ::1 }",
            "the matcher `ip` cannot compare the integer that `number` yields",
            "",
        ),
        (
            "{ always_true -m «bin» 00 }",
            "the matcher `bin` cannot compare the boolean that `always_true` yields",
            "",
        ),
        (
            "{ text -m found «a» }",
            "the matcher `found` takes no pattern",
            "before the test",
        ),
        (
            "{ always_true «0» }",
            "the matcher `bool` takes no pattern",
            "before the test",
        ),
        (
            "{ text a «||» b }",
            "`||` would be a pattern here",
            "braces of its own",
        ),
        (
            "{ text «{» b }",
            "`{` would be a pattern here",
            "braces of its own",
        ),
        ("{ text «\"\"» }", "an empty pattern", "-m len 0"),
        (
            "{ number «x» }",
            "`x`: not a number or a range of numbers",
            "",
        ),
        (
            "{ number «1.5» }",
            "`1.5`: not a number or a range of numbers",
            "",
        ),
        ("{ number «5:2» }", "`5:2`: the range is empty", ""),
        ("{ number «:» }", "`:`: a range needs at least one end", ""),
        (
            "{ number eq «-1» }",
            "`-1`: patterns are never negative",
            "`lt 0`",
        ),
        (
            "{ number «ne» 1 }",
            "`ne`: there is no such operator",
            "put `!`",
        ),
        (
            "{ number ge «le» 1 }",
            "`le`: one operator after another",
            "",
        ),
        ("{ number «ge» }", "`ge`: a number must follow", ""),
        (
            "{ number «99999999999999999999» }",
            "`99999999999999999999`: not a number or a range of numbers",
            "",
        ),
        (
            "{ number gt «9223372036854775807» }",
            "`9223372036854775807`: no number is greater",
            "",
        ),
        (
            "{ src «10.0.0.0/33» }",
            "`10.0.0.0/33`: an IPv4 mask is 0 to 32 bits, or like 255.255.255.0",
            "",
        ),
        (
            "{ src «::1/129» }",
            "`::1/129`: an IPv6 mask is a number of bits, 0 to 128",
            "",
        ),
        (
            "{ src «010.0.0.1» }",
            "`010.0.0.1`: a leading zero would make the part octal",
            "",
        ),
        ("{ src «10» }", "`10`: a lone number is no address", ""),
        (
            "{ src «1.2.3.4:80» }",
            "`1.2.3.4:80`: not an IPv6 address",
            "",
        ),
        (
            "{ src «256.1.1.1» }",
            "`256.1.1.1`: a part of the address is too large",
            "",
        ),
        (
            "{ text -m bin «4» }",
            "`4`: not an even number of hexadecimal digits",
            "",
        ),
        (
            "{ text -m reg «[» }",
            "`[`: unclosed character class",
            "PCRE without",
        ),
        (
            "{ text -m reg «(?=x)» }",
            "`(?=x)`: look-around, including look-ahead and look-behind, is not supported",
            "PCRE without",
        ),
        (
            "{ text «\"a }»",
            "the quote that starts here has no end",
            "",
        ),
        ("{ text a«\\»", "a `\\` at the end escapes nothing", ""),
        ("{ text a«\\x»4 }", "`\\x` needs two hexadecimal digits", ""),
        ("{ text a«#»b }", "`#` starts a comment here", "write `\\#`"),
    ] {
        let (found, given) = mistake(marked);
        assert_eq!(found, message, "{marked}");
        assert!(
            given.contains(help) && given.is_empty() == help.is_empty(),
            "{marked}: {given}"
        );
    }
}

#[test]
fn every_mistake_of_a_text_is_reported() {
    let errors = scope()
        .suffix("if nope { txt a } || !worse { number x }")
        .unwrap_err();
    let offsets: Vec<_> = errors.iter().map(|e| e.offset).collect();
    assert_eq!(offsets, [3, 10, 22, 37]);
}

#[test]
fn a_predefined_name_without_its_fetch_says_what_it_stands_for() {
    let errors = scope().suffix("if RDP_COOKIE").unwrap_err();
    let message =
        "`RDP_COOKIE` stands for `req.rdp_cookie_cnt gt 0`: there is no fetch `req.rdp_cookie_cnt`";
    assert_eq!(errors[0].message, message);
    assert_eq!((errors[0].offset, errors[0].len), (3, 10));
}

#[test]
fn a_suffix_starts_with_if_or_unless() {
    for text in ["", "TRUE", "\"if\" TRUE"] {
        let errors = scope().suffix(text).unwrap_err();
        assert_eq!(errors[0].message, "expected `if` or `unless`");
    }
}

#[test]
fn a_test_without_braces_is_no_term() {
    let errors = scope().terms("text a || TRUE").unwrap_err();
    assert_eq!(errors[0].message, "no acl is named `text`");
    assert!(scope().terms("{ text a } || TRUE").is_ok());
}

#[test]
fn an_empty_condition_is_a_mistake() {
    assert!(scope().condition("").is_err());
    assert!(scope().condition("  ").is_err());
}

#[test]
fn places_inside_a_quoted_word_are_exact() {
    let text = r#"{ text("a",\"b\") x }"#;
    let errors = scope().condition(text).unwrap_err();
    let marked = &text[errors[0].offset..errors[0].offset + errors[0].len];
    assert_eq!(marked, r#"\"b\""#);
}
