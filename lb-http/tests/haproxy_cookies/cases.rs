//! The requests, and what the servers answer them.

use std::iter;

use lb_http::sticky::{date, dynamic_value};
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};

use crate::{
    backends::{BACKENDS, KEY},
    haproxy::Haproxy,
};

/// What the configuration says of one request, by a header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rule {
    None,
    Force,
    Ignore,
    UseS1,
    UseS4,
}

impl Rule {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Force => "force",
            Self::Ignore => "ignore",
            Self::UseS1 => "use-s1",
            Self::UseS4 => "use-s4",
        }
    }
}

/// One request, and what the server answers.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) backend: &'static str,
    pub(crate) method: String,
    pub(crate) rule: Rule,
    /// `Cookie` fields. `{-30}` is the date 30 seconds ago, `{s2}` the dynamic
    /// value of s2.
    pub(crate) cookies: Vec<String>,
    pub(crate) status: u16,
    pub(crate) fields: Vec<(&'static str, String)>,
}

impl Case {
    fn new(backend: &'static str) -> Self {
        Self {
            backend,
            method: "GET".into(),
            rule: Rule::None,
            cookies: Vec::new(),
            status: 200,
            fields: Vec::new(),
        }
    }

    fn cookie(mut self, field: impl Into<String>) -> Self {
        self.cookies.push(field.into());
        self
    }

    fn field(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    fn method(mut self, method: &str) -> Self {
        self.method = method.into();
        self
    }

    fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    fn rule(mut self, rule: Rule) -> Self {
        self.rule = rule;
        self
    }

    /// Fills the blanks in.
    pub(crate) fn at(&self, now: u64, haproxy: &Haproxy) -> Self {
        let mut case = self.clone();
        for cookie in &mut case.cookies {
            *cookie = cookie.replace("{s2}", dynamic_value(KEY, haproxy.servers[1]).as_str());
            while let Some(start) = cookie.find('{') {
                let end = cookie.find('}').unwrap();
                let offset: i64 = cookie[start + 1..end].parse().unwrap();
                let date = date::encode(now.saturating_add_signed(offset));
                cookie.replace_range(start..=end, std::str::from_utf8(&date).unwrap());
            }
        }
        case
    }
}

/// With and without a cookie of ours set by the server.
fn answered(case: Case) -> [Case; 2] {
    [
        case.clone(),
        case.field("set-cookie", "SRV=app; path=/x")
            .field("set-cookie", "x=y"),
    ]
}

/// Every backend with the kinds of cookies a client may bring.
pub(crate) fn modes() -> Vec<Case> {
    let cookies = [
        "",
        "SRV=c1",
        "SRV=c2",
        "SRV=zz",
        "SRV=c3",
        "SRV=",
        "SRV",
        "SRV=c2~app",
        "SRV=~app",
        "SRV=zz~app",
        "SRV=c2|AAAAA",
        "SRV={s2}",
        "x=y; SRV=c2; a=b",
        "SRV=zz; SRV=c2",
        "SRV=c3; SRV=zz",
    ];
    let mut cases = Vec::new();
    for backend in BACKENDS {
        cases.extend(answered(Case::new(backend.name)));
        cases.extend(answered(Case::new(backend.name).method("POST")));
        for cookie in cookies {
            cases.extend(answered(Case::new(backend.name).cookie(cookie)));
        }
    }
    cases
}

/// Rules that decide about persistence, and servers that fail.
pub(crate) fn rules() -> Vec<Case> {
    let mut cases = Vec::new();
    for backend in [
        "insert",
        "insert-indirect",
        "prefix",
        "rewrite",
        "idle",
        "prefix-indirect",
    ] {
        for cookie in [
            "",
            "SRV=c1",
            "SRV=c2",
            "SRV=c3",
            "SRV=zz",
            "SRV=",
            "SRV=c2~app",
            "a=b",
        ] {
            for rule in [Rule::Force, Rule::Ignore, Rule::UseS1, Rule::UseS4] {
                cases.extend(answered(Case::new(backend).cookie(cookie).rule(rule)));
            }
        }
        for rule in [Rule::Ignore, Rule::UseS1] {
            for cookie in ["SRV=c2|{+60}", "SRV=c2|{-30}", "SRV=c2|{-100}"] {
                cases.extend(answered(Case::new(backend).cookie(cookie).rule(rule)));
            }
        }
        // Refuses the connection: the request goes on to another server.
        cases.extend(answered(Case::new(backend).cookie("SRV=c5")));
    }
    cases.extend(answered(Case::new("persist").cookie("SRV=c3; SRV=c2")));
    cases
}

/// Dates in cookies.
pub(crate) fn dates() -> Vec<Case> {
    let backends = [
        "insert",
        "idle",
        "life",
        "idle-life",
        "idle-postonly",
        "rewrite-idle",
        "prefix-idle",
        "insert-all",
        "bare-idle",
    ];
    let values = [
        "c2",
        "c2|",
        "c2|AAAAA",
        "c2|!!!!!",
        "c2|abcd",
        "c2|{+60}",
        "c2|{+60}x",
        "c2|{-30}",
        "c2|{-100}",
        "c2|{+80000}",
        "c2|{+90000}",
        "c2||{-100}",
        "c2||{-400}",
        "c2|{+60}|{-100}",
        "c2|{+60}|{-400}",
        "c2|{+60}|{+90000}",
        "c2|{-30}|{-100}",
        "c2|{-100}|{-100}",
        "c2|{-100}|{-400}",
        "c2|{+60}|{-100}|x",
        "c2|{+60}x|{-100}x",
        "c2|{+60}|",
        "zz|{+60}|{-100}",
        "c3|{+60}|{-100}",
        "c3|{-100}",
        "zz|{-100}",
        "|{+60}",
        "c2|{-100}; SRV=c1|{+60}",
        "c2|{-100}; SRV=zz",
        "zz; SRV=c2|{-100}",
        "c2|{-100}; SRV=c3",
        "c2|{+60}; SRV=c1|",
        "c2|{-30}; SRV=c1|",
        "c2|{-30}|{-100}; SRV=c1|{+60}",
        "c1; SRV=c2|{-30}",
    ];
    let mut cases = Vec::new();
    for backend in backends {
        for value in values {
            cases.extend(answered(Case::new(backend).cookie(format!("SRV={value}"))));
        }
    }
    cases
}

/// Which responses `nocache` marks.
pub(crate) fn caching() -> Vec<Case> {
    const CONTROL: &str = "cache-control";
    const ETAG: (&str, &str) = ("etag", "\"x\"");
    let nocache = || Case::new("insert-nocache");
    let mut cases = Vec::new();
    for method in [
        "GET", "HEAD", "OPTIONS", "TRACE", "POST", "PUT", "DELETE", "PATCH", "FOO",
    ] {
        for status in [200, 302] {
            let case = || nocache().method(method).status(status);
            cases.push(case());
            cases.push(case().field(ETAG.0, ETAG.1));
            cases.push(case().field(CONTROL, "public"));
            cases.push(case().field(CONTROL, "public").field(ETAG.0, ETAG.1));
            cases.push(case().field(CONTROL, "max-age=60"));
        }
    }
    for status in [
        201, 203, 204, 206, 207, 226, 300, 301, 303, 304, 307, 308, 400, 401, 403, 404, 405, 410,
        414, 451, 500, 501, 503,
    ] {
        cases.push(nocache().status(status).field(ETAG.0, ETAG.1));
    }
    let words = [
        "public",
        "private",
        "no-store",
        "no-cache",
        "max-age=0",
        "s-maxage=0",
        "max-age=60",
        "max-age=00",
        "s-maxage=60",
        "max-age",
        "max-agex",
        "no-cache=\"set-cookie\"",
        "private=\"foo\"",
        "PRIVATE",
        "a=\"b, private\"",
        "must-revalidate",
        "",
        "max-age = 0",
    ];
    for word in words {
        cases.push(nocache().field(CONTROL, word));
        cases.push(nocache().field(ETAG.0, ETAG.1).field(CONTROL, word));
    }
    let mut rng = StdRng::seed_from_u64(7);
    let others = [
        ("pragma", "no-cache"),
        ("pragma", "foo"),
        ("pragma", "no-cache, foo"),
        ("expires", "0"),
        ("last-modified", "never"),
        ETAG,
        ("age", "5"),
        ("vary", "*"),
    ];
    for _ in 0..300 {
        let mut case = nocache().method(["GET", "POST"].choose(&mut rng).unwrap());
        for _ in 0..rng.random_range(1..3) {
            let count = rng.random_range(1..4);
            let line: Vec<_> = words.sample(&mut rng, count).copied().collect();
            case = case.field(
                CONTROL,
                line.join([",", ", ", " , "].choose(&mut rng).unwrap()),
            );
        }
        for &(name, value) in others.sample(&mut rng, 2) {
            case = case.field(name, value);
        }
        cases.push(case);
    }
    // A cookie that is refreshed is as private as a new one; without one the
    // response is left alone.
    for cookie in ["SRV=c2", "SRV=c2|{-30}", "SRV=c2|{-100}"] {
        cases.push(Case::new("insert-all").cookie(cookie).field(ETAG.0, ETAG.1));
        cases.push(nocache().cookie(cookie).field(ETAG.0, ETAG.1));
    }
    for backend in ["rewrite-options", "insert-postonly", "insert"] {
        cases.push(
            Case::new(backend)
                .field(ETAG.0, ETAG.1)
                .field("set-cookie", "SRV=app"),
        );
    }
    cases
}

/// What may surround the cookie in a request.
pub(crate) fn request_fields() -> Vec<Case> {
    let listed = [
        "x=y;SRV=c2;a=b",
        "x=y ; SRV=c2 ; a=b",
        "SRV=c2;",
        ";SRV=c2",
        "; SRV=c2; a=b",
        "x=y;; SRV=c2;; a=b",
        "SRV=\"c2\"; a=b",
        "x=\"a;SRV=c2\"; b=1",
        "x=\"a; SRV=c2; b=1",
        "srv=c2",
        "SRV=c2 junk; a=b",
        "$Version=1; SRV=c2; $Path=/; a=b",
        "$Version=1; SRV=c2",
        "$SRV=c2",
        "SRV; a=b",
        "SRV=; a=b",
        "SRV=c2,a=b",
        "a=b, SRV=c2; d=e",
        "XSRV=c2",
        "SRVX=c2",
        "SRV=c2; x; SRV=c1; a=b",
        "SRV==c2",
        "=; SRV=c2",
        "SRV=c2~a~b; z",
        "SRV=\"c2~a\"",
        "SRV=c2 ~x",
        "a ;SRV=c2",
        "a=b ; ; SRV=c2 ;; c",
        "a=\\\"; SRV=c2",
        "a=\"\\\"; SRV=c2\"; SRV=c1",
        ";; SRV=c2",
        "SRV=c2;$",
        "SRV=c2; $ ;a",
        "\"a;b\"=c; SRV=c2",
    ];
    let several: [&[&str]; 7] = [
        &["a=b", "SRV=c2", "c=d"],
        &["SRV=zz", "SRV=c2"],
        &["SRV=c2; a=b", "SRV=c1; c=d"],
        &["SRV=c1", "SRV=c2"],
        &["SRV=c2~a", "SRV=c1~b; x"],
        &["", "SRV=c2"],
        &["$Version=1; SRV=c2", "a=b"],
    ];
    let tokens = [
        "SRV=c2",
        "SRV=c1",
        "SRV=",
        "SRV",
        "SRV=zz",
        "SRV=c2~app",
        "=",
        ";",
        "; ",
        "; ",
        " ; ",
        ",",
        ", ",
        "\"",
        "\\",
        "$",
        "$a=b; ",
        "a",
        "b=1",
        "~",
        "|",
        "c2",
        " ",
        "; SRV=c2; ",
    ];
    let mut rng = StdRng::seed_from_u64(2026);
    let random: Vec<String> = iter::repeat_with(|| random_text(&tokens, &mut rng))
        .take(400)
        .collect();
    let mut cases = Vec::new();
    for backend in ["insert", "insert-indirect", "prefix", "rewrite"] {
        for cookie in listed.into_iter().chain(random.iter().map(String::as_str)) {
            cases.push(Case::new(backend).cookie(cookie));
        }
        for cookies in several {
            let mut case = Case::new(backend);
            case.cookies = cookies.iter().map(|&cookie| cookie.into()).collect();
            cases.push(case);
        }
    }
    // Blanks beside `=` go where we write the cookie anew.
    cases.push(Case::new("prefix").cookie("SRV = c2~x; a=b"));
    cases.push(Case::new("insert-indirect").cookie("SRV\t=  c2 ; a=b"));
    cases
}

/// What a server may write in `Set-Cookie`.
pub(crate) fn response_fields() -> Vec<Case> {
    let listed = [
        "SRV=app",
        "SRV=",
        "SRV",
        "SRV; path=/",
        "SRV=; path=/",
        "srv=app",
        "SRVX=app",
        "SRV=\"app\"; path=/",
        "SRV=a b ; path=/",
        "SRV=app;path=/",
        "x=y, SRV=app; path=/",
        "SRV=app, x=y; path=/",
        "SRV=c2~app",
        "path=/; SRV=app",
        "SRV=app; SRV=bpp",
        "SRV==app",
        "=app",
        "",
        "SRV=\"a;b\"; path=/",
        "SRV=app\"; path=/",
        "SRV=|AAAAA",
        "\"SRV\"=app",
        "SRV=a\t;b",
        "SRV=,x",
    ];
    let tokens = [
        "SRV=app", "SRV=", "SRV", "SRV=a;b", "=", ";", "; ", ",", "\"", "\\", "$", "a", "path=/",
        " ", "~", "|",
    ];
    let mut rng = StdRng::seed_from_u64(2027);
    let random: Vec<String> = iter::repeat_with(|| random_text(&tokens, &mut rng))
        .take(200)
        .collect();
    let mut cases = Vec::new();
    for backend in [
        "insert",
        "insert-indirect-preserve",
        "prefix",
        "rewrite",
        "passive-indirect",
    ] {
        for field in listed.into_iter().chain(random.iter().map(String::as_str)) {
            cases.push(
                Case::new(backend)
                    .cookie("SRV=c2")
                    .field("set-cookie", field)
                    .field("set-cookie", "a=b"),
            );
        }
    }
    cases
}

/// Tokens one after the other, but no blanks beside `=`: HAProxy removes those
/// from every cookie, we leave cookies that are not ours as they are. And no
/// separator at the end: whether HAProxy keeps it when the cookie before it is
/// stripped changes from run to run.
fn random_text(tokens: &[&str], rng: &mut impl Rng) -> String {
    let mut text: String = (0..rng.random_range(1..9))
        .map(|_| *tokens.choose(rng).unwrap())
        .collect();
    while text.contains(" =") || text.contains("= ") {
        text = text.replace(" =", "=").replace("= ", "=");
    }
    text.trim_end_matches([' ', ';', ',']).to_owned()
}
