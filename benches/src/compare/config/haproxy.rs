//! HAProxy: one thread, `http-reuse always`, log lines to syslog by UDP; in the bulk case bodies are spliced, which takes a third of the time.

use crate::compare::options::Case;

use super::{MAX_CONNECTIONS, Site};

/// `haproxy.cfg`.
pub(super) fn config(site: &Site<'_>) -> String {
    let Site {
        listen,
        origins: [one, two],
        syslog,
        ..
    } = site;
    let text = |case, text| if site.case == case { text } else { "" };
    let log = match site.full() {
        true => format!("    log {syslog} local0\n"),
        false => String::new(),
    };
    let frontend = text(Case::Full, FRONTEND);
    let backend = text(Case::Full, BACKEND);
    let first = text(Case::Full, " cookie s1 check inter 1s");
    let second = text(Case::Full, " cookie s2 check inter 1s");
    let pipes = text(Case::Bulk, PIPES);
    let splice = text(Case::Bulk, SPLICE);
    format!(
        "global
    nbthread 1
    maxconn {MAX_CONNECTIONS}
{log}{pipes}
defaults
    mode http
    option http-keep-alive
    http-reuse always
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout http-keep-alive 60s
{splice}
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

/// The default would be a quarter of `maxconn`, and with it more descriptors than 20,000.
const PIPES: &str = "    maxpipes 256\n";

const SPLICE: &str = "    option splice-response\n";

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
