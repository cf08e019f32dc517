//! Rules, and the requests they are tried with.

/// A frontend with rules.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) request: &'static [&'static str],
    pub(crate) response: &'static [&'static str],
    pub(crate) after: &'static [&'static str],
    /// Rules on requests of its backend.
    pub(crate) behind: &'static [&'static str],
    /// Its rules after responses.
    pub(crate) after_behind: &'static [&'static str],
    pub(crate) sends: &'static [Send],
}

/// A request: method and target, lines of fields, body.
pub(crate) struct Send {
    pub(crate) line: &'static str,
    pub(crate) fields: &'static str,
    pub(crate) body: &'static str,
}

const fn get(line: &'static str) -> Send {
    with(line, "")
}

const fn with(line: &'static str, fields: &'static str) -> Send {
    Send {
        line,
        fields,
        body: "",
    }
}

const fn post(line: &'static str, body: &'static str) -> Send {
    Send {
        line,
        fields: "",
        body,
    }
}

const NONE: Case = Case {
    name: "",
    request: &[],
    response: &[],
    after: &[],
    behind: &[],
    after_behind: &[],
    sends: &[],
};

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "redirect",
        request: &[
            "redirect location /new if { path /1 }",
            "redirect location /new code 301 if { path /2 }",
            "redirect location /new code 303 set-cookie A=1 if { path /3 }",
            "redirect location /new code 307 clear-cookie A= if { path /4 }",
            "redirect location /new code 308 set-cookie A if { path /5 }",
            "redirect prefix https://b.example if { path_beg /6 }",
            "redirect prefix https://b.example drop-query if { path_beg /7 }",
            "redirect prefix https://b.example drop-query append-slash if { path_beg /8 }",
            "redirect prefix / if { path_beg /9 }",
            "redirect prefix /x append-slash if { path_beg /a }",
            "redirect scheme https if { path_beg /b }",
            "redirect scheme https code 301 drop-query append-slash if { path_beg /c }",
            "redirect location %[hdr(x)] ignore-empty if { path_beg /d }",
            "redirect location \"/a%[hdr(x),url_dec]b\" if { path_beg /e }",
            "redirect location https://%[hdr(host),lower]%HU if { path_beg /f }",
        ],
        after: &["set-header x-after 1"],
        sends: &[
            get("GET /1"),
            get("HEAD /1"),
            post("POST /1", "hello"),
            get("GET /2"),
            get("GET /3"),
            get("GET /4"),
            get("GET /5"),
            get("GET /6/a?b=c"),
            get("GET /7/a?b=c"),
            get("GET /8/a?b=c"),
            get("GET /8/a/"),
            get("GET /9/a?b=c"),
            get("GET /a/x?b=c"),
            get("GET /b/a?b"),
            get("GET /c/a?b"),
            get("GET /d"),
            with("GET /d", "X: /q\r\n"),
            with("GET /e", "X: c%0d%0ad%20e%00\r\n"),
            get("GET /f/x?y=z"),
        ],
        ..NONE
    },
    Case {
        name: "return",
        request: &[
            "return if { path /1 }",
            "return status 201 content-type text/plain string hello if { path /2 }",
            "return status 404 if { path /3 }",
            "return status 404 default-errorfiles if { path /4 }",
            "return content-type text/plain lf-string \"hi %[src] %[hdr(x)]\" hdr X-A \"a %[path]\" hdr x-b c if { path /5 }",
            "return status 204 if { path /6 }",
            "return hdr x-a %[hdr(x),url_dec] if { path /7 }",
            "return status 418 content-type text/plain string tea if { path /8 }",
            "return status 200 content-type text/plain file plain.txt if { path /9 }",
            "return status 200 content-type text/plain lf-file plain.txt if { path /a }",
            "return errorfile page.http if { path /b }",
        ],
        sends: &[
            get("GET /1"),
            get("GET /2"),
            get("HEAD /2"),
            get("GET /3"),
            get("GET /4"),
            with("GET /5", "X: v\"w\r\n"),
            get("GET /6"),
            with("GET /7", "X: v%0d%0aw\r\n"),
            get("GET /7"),
            get("GET /8"),
            get("GET /9"),
            get("GET /a"),
            get("GET /none"),
        ],
        ..NONE
    },
    Case {
        name: "deny",
        request: &[
            "deny if { path /1 }",
            "deny deny_status 429 if { path /2 }",
            "deny status 503 content-type text/plain string no hdr x-a b if { path /3 }",
            "deny status 418 if { path /4 }",
            "tarpit if { path /5 }",
            "tarpit deny_status 403 content-type text/plain string no if { path /6 }",
            "reject if { path /7 }",
            "deny status 405 if { path /8 }",
            "deny errorfile empty.http if { path /9 }",
            "allow if { path /a }",
            "deny if { path /a }",
        ],
        behind: &["deny if { path /b }"],
        sends: &[
            get("GET /1"),
            post("POST /1", "hello"),
            get("GET /2"),
            get("GET /3"),
            get("GET /4"),
            get("GET /5"),
            get("GET /6"),
            get("GET /7"),
            get("GET /8"),
            get("GET /9"),
            get("GET /a"),
            get("GET /b"),
        ],
        ..NONE
    },
    Case {
        name: "auth",
        request: &[
            "auth if { path /1 }",
            "auth realm \"My Realm\" if { path /2 }",
        ],
        behind: &["auth if { path /3 }"],
        sends: &[get("GET /1"), get("GET /2"), get("GET /3")],
        ..NONE
    },
    Case {
        name: "headers",
        request: &[
            "set-header x-client %[src] if { path /1 }",
            "add-header x-client \"%ci again\" if { path /1 }",
            "set-header x-bad %[hdr(x),url_dec] if { path /2 }",
            "set-header x-none %[hdr(none)] if { path /3 }",
            "set-header host other.example if { path /4 }",
            "del-header x if { path /5 }",
            "del-header x -m beg if { path /6 }",
            "del-header x -m end if { path /7 }",
            "del-header ax -m sub if { path /8 }",
            "del-header ^x-.$ -m reg if { path /9 }",
            "replace-header x ([a-z]+) <\\1>%[path] if { path /a }",
            "replace-value x ^([a-z]+)$ <\\1> if { path /b }",
            "set-header x-more \"%[hdr(x,1)]%HM\" if { path /c }",
            "set-header x-line \"%r\" if { path /d }",
        ],
        sends: &[
            get("GET /1"),
            with("GET /2", "X: v%0d%0aw%09\r\n"),
            with("GET /2", "X: a%7fb%01\r\n"),
            get("GET /3"),
            get("GET /4"),
            with("GET /5", "X: 1\r\nX: 2\r\nX-A: 3\r\n"),
            with("GET /6", "X: 1\r\nX-A: 3\r\nA-X: 4\r\n"),
            with("GET /7", "X: 1\r\nX-A: 3\r\nA-X: 4\r\n"),
            with("GET /8", "Wax: 1\r\nX-A: 3\r\nA-X: 4\r\n"),
            with("GET /9", "X: 1\r\nX-A: 3\r\nX-AB: 4\r\n"),
            with("GET /a", "X: abc, def1\r\nX: ghi\r\nX: 7\r\n"),
            with("GET /b", "X: 1, a,2 ,  b ,cc\r\nX: d\r\n"),
            with("GET /c", "X: 1, a\r\n"),
            get("GET /d?e=f"),
        ],
        ..NONE
    },
    Case {
        name: "target",
        request: &[
            "set-path /new if { path_beg /1 }",
            "set-pathq /new?x=%[path] if { path_beg /2 }",
            "set-query a=%[hdr(x)] if { path_beg /3 }",
            "set-uri /u?v=w if { path_beg /4 }",
            "set-method PUT if { path_beg /5 }",
            "replace-path (.*) /foo\\1 if { path_beg /6 }",
            "replace-pathq (.*) /foo\\1 if { path_beg /7 }",
            "replace-uri (.*) /foo\\1 if { path_beg /8 }",
            "replace-path /9/([^/]*) /\\0-\\1-\\2-\\9 if { path_beg /9 }",
            "replace-path nothing /x if { path_beg /a }",
            "set-path /q?a=b if { path_beg /b }",
        ],
        sends: &[
            get("GET /1/x?y=1"),
            get("GET /1/x"),
            get("GET /2/x?y=1"),
            with("GET /3/x?y=1", "X: b\r\n"),
            get("GET /3/x"),
            get("GET /4/x?y=1"),
            post("POST /5", "hello"),
            get("GET /6/x?y=1"),
            get("GET /7/x?y=1"),
            get("GET /8/x?y=1"),
            get("GET /9/zz/y"),
            get("GET /a?b"),
            get("GET /b?c"),
        ],
        ..NONE
    },
    Case {
        name: "response",
        response: &[
            "set-header x-new 1",
            "add-header x-one 2",
            "del-header x-two",
            "replace-header set-cookie (.*) \\1;x",
            "replace-value vary ([a-z]) <\\1>",
        ],
        sends: &[
            with("GET /", "X-Status: 200\r\n"),
            with("GET /", "X-Status: 404\r\n"),
        ],
        ..NONE
    },
    Case {
        name: "variables",
        request: &[
            "set-var(txn.path) path",
            "set-var(txn.path) hdr(none)",
            "set-var-fmt(txn.text) \"%HM of %[var(txn.path)]\"",
            "set-var(req.host) hdr(host)",
            "set-header x-host %[var(req.host),upper]",
            "unset-var(txn.none)",
            "return content-type text/plain lf-string %[var(txn.text)] if { var(txn.path) -m beg /r }",
        ],
        response: &[
            "set-var(res.status) status",
            "set-header x-kept \"%[var(txn.text)]|%[var(res.status)]\"",
        ],
        after: &["set-header x-status %[status]"],
        sends: &[
            get("GET /r"),
            get("GET /s?t"),
            with("GET /s", "X-Status: 404\r\n"),
        ],
        ..NONE
    },
    Case {
        name: "variable-conditions",
        request: &[
            "set-var(txn.a,ifexists) str(1)",
            "set-var(txn.b,ifnotexists) str(1)",
            "set-var(txn.b,ifnotexists) str(2)",
            "set-var(txn.c,ifnotempty) hdr(x)",
            "set-var(txn.d,ifempty) hdr(x)",
            "unset-var(txn.b)",
            "set-var(txn.b,ifexists) str(3)",
            "set-var(txn.e) int(5)",
            "set-var(txn.e,ifgt) int(4)",
            "set-var(txn.f) int(5)",
            "set-var(txn.f,iflt) int(4)",
            "set-var(txn.g,ifnotset) str(1)",
            "set-var(txn.g,ifset,ifnotempty) str(2)",
            "set-var-fmt(txn.h,ifnotset) \"%HM\"",
            "set-var(proc.vc) hdr(x)",
            "set-var(sess.vc,ifnotexists) hdr(x)",
            "return hdr a %[var(txn.a)]/%[var(txn.b)]/%[var(txn.c)]/%[var(txn.d)]/%[var(txn.e)]/%[var(txn.f)]/%[var(txn.g)]/%[var(txn.h)]/%[var(proc.vc)]/%[var(sess.vc)]",
        ],
        sends: &[
            with("GET /1", "X: x\r\n"),
            with("GET /2", "X:\r\n"),
            get("GET /3"),
        ],
        ..NONE
    },
    Case {
        name: "ends",
        request: &[
            "set-src hdr(x)",
            "set-src-port int(77)",
            "set-dst hdr(y)",
            "set-dst-port int(8443)",
            "set-header x-ends \"%[src]:%[src_port] %[dst]:%[dst_port] %ci:%cp %fi:%fp\"",
            "set-src str(192.0.2.3) if { path /2 }",
        ],
        behind: &["set-header x-behind %[src]"],
        sends: &[
            with("GET /1", "X: 1.2.3.4\r\nY: 5.6.7.8\r\n"),
            with("GET /2", "X: 1.2.3.4:80\r\nY: 2001:db8::1\r\n"),
            with("GET /3", "X: junk\r\nY: 9.9.9.9, 5.6.7.8\r\n"),
        ],
        ..NONE
    },
    Case {
        name: "normalize",
        // With a condition and without `full` or `strict`, HAProxy 2.6 leaves the target as it is.
        request: &[
            "normalize-uri path-strip-dot if { path_beg /dot }",
            "normalize-uri path-merge-slashes if { path_beg /merge }",
            "normalize-uri path-strip-dotdot full if { path_beg /full }",
            "normalize-uri percent-to-uppercase strict if { path_beg /upper }",
            "normalize-uri percent-decode-unreserved strict if { path_beg /decode }",
            "normalize-uri query-sort-by-name",
        ],
        sends: &[
            get("GET /dot/./a/."),
            get("GET /merge//a///b?c//d"),
            get("GET /full/../../a/.."),
            get("GET /upper/%e9%41"),
            get("GET /decode/%e9%41%3f"),
            get("GET /other?c=1&a=2&b"),
            get("OPTIONS *"),
        ],
        ..NONE
    },
    Case {
        name: "normalize-always",
        request: &[
            "normalize-uri path-strip-dotdot",
            "normalize-uri percent-to-uppercase",
            "normalize-uri percent-decode-unreserved",
        ],
        sends: &[get("GET /a/../../b/%41%/%e9%z?%42"), get("GET /..")],
        ..NONE
    },
    Case {
        name: "hint",
        request: &["early-hint Link \"</a>; rel=preload\""],
        sends: &[get("GET /")],
        ..NONE
    },
    Case {
        name: "status",
        response: &["set-status 404 reason \"No Way\""],
        after: &["set-header x-after 1", "del-header x-one"],
        sends: &[get("GET /")],
        ..NONE
    },
    Case {
        name: "status-usual",
        response: &["set-status 404"],
        sends: &[get("GET /")],
        ..NONE
    },
    Case {
        name: "no-content",
        response: &["set-status 304"],
        sends: &[get("GET /")],
        ..NONE
    },
    Case {
        name: "response-deny",
        response: &["deny"],
        sends: &[get("GET /")],
        ..NONE
    },
    Case {
        name: "response-deny-text",
        response: &["deny status 500 content-type text/plain string no"],
        sends: &[get("GET /")],
        ..NONE
    },
    Case {
        name: "response-return",
        response: &["return status 200 content-type text/plain string replaced hdr x-r 1"],
        sends: &[get("GET /")],
        ..NONE
    },
    Case {
        name: "response-redirect",
        response: &["redirect location /rr"],
        sends: &[get("GET /")],
        ..NONE
    },
    Case {
        name: "after-behind",
        behind: &["deny if { path /denied }", "return if { path /returned }"],
        after: &["add-header x-front 1"],
        after_behind: &["add-header x-behind %[res.hdr(x-front)]."],
        sends: &[get("GET /denied"), get("GET /returned"), get("GET /")],
        ..NONE
    },
    Case {
        name: "after",
        request: &["deny if { path /denied }"],
        after: &["set-status 429", "add-header retry-after 1"],
        sends: &[get("GET /denied"), get("GET /")],
        ..NONE
    },
];
