//! The backends: HAProxy's `cookie` line, and ours.

use std::time::Duration;

use lb_http::sticky::StickySession;

/// A way to configure persistence, in both languages.
pub(crate) struct Backend {
    pub(crate) name: &'static str,
    /// What follows `cookie SRV`, and lines after it.
    pub(crate) haproxy: &'static str,
    pub(crate) ours: fn(StickySession) -> StickySession,
}

/// The key of the backend `dynamic`.
pub(crate) const KEY: &str = "MYKEY";

const fn backend(
    name: &'static str,
    haproxy: &'static str,
    ours: fn(StickySession) -> StickySession,
) -> Backend {
    Backend {
        name,
        haproxy,
        ours,
    }
}

/// Each of them has the servers s1 (value c1), s2 (c2, weight 0), s3 (c3, in
/// maintenance, yet alive), s4 (no value, weight 0) and s5 (c5, weight 0, refuses
/// connections). Those called `bare` balance to s4, the one called `dynamic` has
/// no values but on s3.
pub(crate) const BACKENDS: &[Backend] = &[
    backend("passive", "", |s| s),
    backend("passive-indirect", "indirect", |s| s.indirect()),
    backend("passive-preserve", "preserve indirect", |s| {
        s.indirect().preserve()
    }),
    backend("rewrite", "rewrite", |s| s.rewrite()),
    backend("rewrite-options", "rewrite nocache postonly", |s| {
        s.rewrite().nocache().postonly()
    }),
    backend("prefix", "prefix", |s| s.prefix()),
    backend("prefix-indirect", "prefix indirect", |s| {
        s.prefix().indirect()
    }),
    backend("prefix-preserve", "prefix preserve indirect", |s| {
        s.prefix().preserve().indirect()
    }),
    backend("insert", "insert", |s| s.insert()),
    backend("insert-indirect", "insert indirect", |s| {
        s.insert().indirect()
    }),
    backend("insert-preserve", "insert preserve", |s| {
        s.insert().preserve()
    }),
    backend(
        "insert-indirect-preserve",
        "insert indirect preserve",
        |s| s.insert().indirect().preserve(),
    ),
    backend("insert-postonly", "insert indirect postonly", |s| {
        s.insert().indirect().postonly()
    }),
    backend("insert-nocache", "insert indirect nocache", |s| {
        s.insert().indirect().nocache()
    }),
    backend(
        "insert-all",
        "insert indirect nocache httponly secure domain .example.com domain x.org \
         attr SameSite=Lax attr Foo maxidle 60s",
        |s| {
            s.insert()
                .indirect()
                .nocache()
                .attr("SameSite=Lax")
                .attr("Foo")
                .domain(".example.com")
                .domain("x.org")
                .secure()
                .httponly()
                .max_idle(Duration::from_secs(60))
        },
    ),
    backend("idle", "insert indirect maxidle 60s", |s| {
        s.insert().indirect().max_idle(Duration::from_secs(60))
    }),
    backend("life", "insert maxlife 300s", |s| {
        s.insert().max_life(Duration::from_secs(300))
    }),
    backend(
        "idle-life",
        "insert indirect preserve maxidle 60s maxlife 300s",
        |s| {
            s.insert()
                .indirect()
                .preserve()
                .max_idle(Duration::from_secs(60))
                .max_life(Duration::from_secs(300))
        },
    ),
    backend("idle-postonly", "insert maxidle 60s postonly", |s| {
        s.insert().max_idle(Duration::from_secs(60)).postonly()
    }),
    backend("rewrite-idle", "rewrite maxidle 60s", |s| {
        s.rewrite().max_idle(Duration::from_secs(60))
    }),
    backend("prefix-idle", "prefix maxidle 60s", |s| {
        s.prefix().max_idle(Duration::from_secs(60))
    }),
    backend("persist", "insert indirect\n  option persist", |s| {
        s.insert().indirect().persist_even_if_down()
    }),
    backend(
        "dynamic",
        "insert indirect dynamic\n  dynamic-cookie-key MYKEY",
        |s| s.insert().indirect().dynamic(KEY),
    ),
    backend("bare-insert", "insert httponly", |s| s.insert().httponly()),
    backend("bare-idle", "insert preserve maxidle 60s", |s| {
        s.insert().preserve().max_idle(Duration::from_secs(60))
    }),
    backend("bare-prefix", "prefix", |s| s.prefix()),
    backend("bare-rewrite", "rewrite", |s| s.rewrite()),
];
