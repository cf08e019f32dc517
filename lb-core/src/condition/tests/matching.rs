//! Each matcher. What is not obvious was asked of HAProxy 2.6.12.

use std::fmt::Write as _;

use super::{Input, address, condition, holds, number, text};

/// (sample, patterns, those of them that match)
fn check(matcher: &str, table: &[(&str, &str, &str)]) {
    for (sample, patterns, expected) in table {
        let matching: Vec<_> = patterns
            .split(' ')
            .filter(|pattern| holds(&format!("text -m {matcher} -- {pattern}"), &text(sample)))
            .collect();
        assert_eq!(matching.join(" "), *expected, "{matcher} {sample:?}");
    }
}

#[test]
fn str_matches_the_whole() {
    check(
        "str",
        &[("a", "a A ab", "a"), ("ab", "a ab", "ab"), ("", "a", "")],
    );
}

#[test]
fn beg_and_end_match_the_ends() {
    check("beg", &[("/abc", "/ab ab /abcd /AB", "/ab"), ("", "a", "")]);
    check(
        "end",
        &[
            ("x.php", ".php php x.ph .PHP", ".php php"),
            ("hp", "php hp", "hp"),
        ],
    );
}

#[test]
fn sub_matches_anywhere() {
    check(
        "sub",
        &[
            ("xkillallx", "killall KILL x a.l", "killall x"),
            ("", "a", ""),
        ],
    );
    assert!(holds("text -m sub foo ll", &text("kill")));
    assert!(
        !holds("text -m sub a.b", &text("axb")),
        "no regular expression"
    );
}

#[test]
fn dir_matches_between_slashes_and_question_marks() {
    check(
        "dir",
        &[
            (
                "/images/png/logo/32x32.png",
                "/images images/png /png/logo png 32x32.png 32x32 mages / //",
                "/images images/png /png/logo png 32x32.png",
            ),
            ("/a?b/c", "a b c a?b img", "a b c a?b"),
            ("//a//", "/a a/ /a//", "/a a/ /a//"),
            ("/", "/ a", ""),
        ],
    );
}

#[test]
fn dom_matches_between_dots_slashes_colons_and_question_marks() {
    check(
        "dom",
        &[
            (
                "http://www1.dc-eu.example.com:80/blah",
                "http www1 .www1 dc-eu example.com :80 blah eu dc com:80/ www1/dc",
                "http www1 .www1 dc-eu example.com :80 blah com:80/",
            ),
            ("example.com.evil.org", "example.com", "example.com"),
            ("notexample.com", "example.com com", "com"),
            ("a.b?c=d", "a.b c=d c", "a.b c=d"),
            (".", ". ..", ""),
        ],
    );
}

#[test]
fn reg_is_a_search_over_bytes() {
    check("reg", &[("x.php", r"^x \.php$ ^php a|p", r"^x \.php$ a|p")]);
    let input = Input {
        texts: vec![b"\xe9".to_vec()],
        ..Input::default()
    };
    assert!(
        holds("text -m reg ^.$", &input),
        "a byte that is no UTF-8 is one character"
    );
}

#[test]
fn len_is_a_number_of_bytes() {
    assert!(holds("text_len 3", &text("abc")));
    assert!(holds("text -m len 1:2 lt 1", &text("")));
    assert!(!holds("text -m len gt 3", &text("abc")));
    assert!(holds("number -m len 2", &number(-5)));
}

#[test]
fn bin_is_hexadecimal() {
    assert!(holds("blob -m bin 00 4a4B", &text("JK")));
    assert!(!holds("blob -m bin 4a", &text("JK")));
}

#[test]
fn int_has_operators_that_hold_up_to_the_next_and_not_for_ranges() {
    for (patterns, matching) in [
        ("1", vec![1]),
        ("eq 1 3", vec![1, 3]),
        ("ge 3", vec![3, 4, 5]),
        ("gt 3", vec![4, 5]),
        ("le 1", vec![-1, 0, 1]),
        ("lt 1", vec![-1, 0]),
        ("1:3", vec![1, 2, 3]),
        ("1-3", vec![1, 2, 3]),
        (":1", vec![-1, 0, 1]),
        ("4:", vec![4, 5]),
        ("gt 2:3", vec![2, 3]),
        ("eq 2 lt 0 gt 4", vec![-1, 2, 5]),
    ] {
        let condition = condition(&format!("number {patterns}"));
        let holds: Vec<_> = (-1..=5).filter(|n| condition.eval(&number(*n))).collect();
        assert_eq!(holds, matching, "{patterns}");
    }
}

#[test]
fn text_counts_as_a_number_as_far_as_it_has_digits() {
    for (sample, value) in [
        ("12abc", 12),
        ("x", 0),
        ("+5", 5),
        ("-5x", -5),
        ("007", 7),
        ("- 5", 0),
    ] {
        let patterns = if value < 0 {
            "lt 0".to_owned()
        } else {
            value.to_string()
        };
        assert!(
            holds(&format!("text -m int {patterns}"), &text(sample)),
            "{sample}"
        );
        assert_eq!(holds("text -m bool", &text(sample)), value != 0, "{sample}");
    }
    assert!(!holds("text -m int 0:", &text("")), "nothing is no number");
    assert!(!holds("text -m bool", &text("true")));
}

#[test]
fn found_asks_for_a_sample_even_an_empty_one() {
    assert!(holds("text -m found", &text("")));
    assert!(!holds("text -m found", &Input::default()));
}

#[test]
fn bool_is_the_sample_itself() {
    assert!(holds("always_true", &Input::default()));
    assert!(holds("always_true 1", &Input::default()));
    assert!(!holds("always_false", &Input::default()));
    assert!(holds("number -m bool", &number(-1)));
    assert!(!holds("number -m bool", &number(0)));
}

#[test]
fn ip_matches_networks_and_across_families() {
    for (pattern, inside, outside) in [
        (
            "10.0.0.0/8",
            "10.1.2.3 ::ffff:10.1.2.3 2002:a01:203::1 ::10.1.2.3",
            "11.0.0.1 2001:db8::1",
        ),
        ("10/8", "10.1.2.3", "0.0.0.10"),
        ("192.168.1", "192.168.0.1", "192.168.1.0"),
        ("192.168.1/24", "192.168.0.77", "192.168.1.7"),
        ("10.12", "10.0.0.12", "10.12.0.0"),
        ("10.1.300", "10.1.1.44", "10.1.0.44"),
        ("10.0.0.0/255.0.0.0", "10.1.2.3", "11.0.0.1"),
        ("10.0.0.1/255.0.0.255", "10.9.9.1", "10.9.9.2"),
        ("0.0.0.0/0", "9.9.9.9 ::1", "2001:db8::1"),
        ("::/0", "9.9.9.9 ::1 2001:db8::1", ""),
        ("::ffff:0:0/96", "9.9.9.9", "::1"),
        ("2001:db8::/32", "2001:db8:1::1", "2001:db9::1 9.9.9.9"),
        ("::1", "::1", "127.0.0.1 ::2"),
    ] {
        let condition = condition(&format!("src {pattern}"));
        for ip in inside.split_whitespace() {
            assert!(condition.eval(&address(ip)), "{pattern} {ip}");
        }
        for ip in outside.split_whitespace() {
            assert!(!condition.eval(&address(ip)), "{pattern} {ip}");
        }
    }
}

#[test]
fn text_counts_as_an_address_with_a_port_or_other_letters_after_it() {
    for (sample, is) in [
        ("10.1.2.3", true),
        ("10.1.2.3:80", true),
        ("10.1.2.3x", true),
        ("10.1.2.0003", true),
        ("10.1.2.3.", false),
        ("10.1.2.3.4", false),
        ("10.1.2", false),
        ("10.1.2.300", false),
        ("::ffff:10.1.2.3", true),
        ("[::ffff:10.1.2.3]", false),
        ("", false),
    ] {
        assert_eq!(
            holds("text -m ip 10.0.0.0/8", &text(sample)),
            is,
            "{sample}"
        );
    }
}

#[test]
fn numbers_and_addresses_are_text_to_text_matchers() {
    assert!(holds("number -m sub 71", &number(27100)));
    assert!(holds("src -m beg 10.", &address("10.1.2.3")));
    assert!(holds("src -m str 2001:db8::5", &address("2001:db8::5")));
    assert!(holds("always_true -m str 1", &Input::default()));
}

#[test]
fn ignoring_case_holds_for_the_patterns_after_it() {
    for matcher in ["str", "beg", "end", "sub", "dir", "dom", "reg"] {
        let given = text("ABC");
        assert!(
            holds(&format!("text -m {matcher} -i abc"), &given),
            "{matcher}"
        );
        assert!(
            !holds(&format!("text -m {matcher} abc"), &given),
            "{matcher}"
        );
    }
    let mixed = "text -f hosts.lst -i x.example";
    assert!(holds(mixed, &text("X.EXAMPLE")));
    assert!(
        !holds(mixed, &text("A.EXAMPLE")),
        "`-i` stands after the file"
    );
    assert!(holds("text -i -f hosts.lst", &text("A.EXAMPLE")));
}

#[test]
fn files_have_a_pattern_a_line() {
    for (sample, is) in [
        ("a.example", true),
        ("b.example", true),
        ("#c", true),
        ("# hosts", false),
        ("", false),
    ] {
        assert_eq!(holds("text -f hosts.lst", &text(sample)), is, "{sample}");
    }
    assert!(!holds("text -f empty.lst", &text("")));
}

#[test]
fn many_patterns_match_like_few() {
    let mut many = String::from("text");
    for n in 0..1000 {
        write!(many, " host{n}.example").unwrap();
    }
    let exact = condition(&many);
    let caseless = condition(&many.replacen("text", "text -i", 1));
    for n in 0..1000 {
        assert!(exact.eval(&text(&format!("host{n}.example"))));
        assert!(caseless.eval(&text(&format!("HOST{n}.example"))));
    }
    assert!(!exact.eval(&text("HOST1.example")));
    assert!(!exact.eval(&text("host1000.example")));
    assert!(!caseless.eval(&text("host1000.example")));
    assert!(!caseless.eval(&text(&"x".repeat(5000))));
}

#[test]
fn long_patterns_match_without_case_in_large_sets() {
    let long = "a".repeat(400);
    let mut many = format!("text -i {long}");
    (0..20).for_each(|n| write!(many, " p{n}").unwrap());
    assert!(holds(&many, &text(&long.to_uppercase())));
    assert!(!holds(&many, &text(&"b".repeat(400))));
}

#[test]
fn any_sample_may_match() {
    let input = Input {
        texts: vec![b"a".to_vec(), b"b".to_vec()],
        ..Input::default()
    };
    assert!(holds("text b", &input));
    assert!(!holds("text c", &input));
    assert!(holds("!{ text c } { text a } { text b }", &input));
}
