//! HAProxy: one thread, `http-reuse always`, log lines on standard output.

use super::{MAX_CONNECTIONS, Site};

/// `haproxy.cfg`.
pub(super) fn config(site: &Site<'_>) -> String {
    let Site {
        listen,
        origins: [one, two],
        ..
    } = site;
    let (log, frontend, backend, server) = if site.full() {
        (
            LOG,
            FRONTEND,
            BACKEND,
            [" cookie s1 check inter 1s", " cookie s2 check inter 1s"],
        )
    } else {
        ("", "", "", ["", ""])
    };
    let [first, second] = server;
    format!(
        "global
    nbthread 1
    maxconn {MAX_CONNECTIONS}
{log}
defaults
    mode http
    option http-keep-alive
    http-reuse always
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout http-keep-alive 60s

frontend f
    bind {listen}
{frontend}    default_backend b

backend b
    balance roundrobin
{backend}    server s1 {one}{first}
    server s2 {two}{second}

backend never
    server s1 {one}
"
    )
}

const LOG: &str = "    log stdout format raw local0\n";

const FRONTEND: &str = "    log global
    option httplog
    option forwardfor
    acl a1 path_beg /never
    acl a2 path_end .never
    acl a3 hdr(host) -i never.example
    acl a4 hdr_dom(host) -i never
    acl a5 src 10.0.0.0/8
    use_backend never if a1
    use_backend never if a2
    use_backend never if a3
    use_backend never if a4
    use_backend never if a5
";

const BACKEND: &str = "    cookie SRV insert indirect nocache
    option httpchk GET /health
";
