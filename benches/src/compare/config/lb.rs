//! lb: one worker, `http_reuse = "always"`, log lines to syslog by UDP.

use super::{MAX_CONNECTIONS, Site};

/// `lb.toml`.
pub(super) fn config(site: &Site<'_>) -> String {
    let Site {
        listen,
        origins: [one, two],
        syslog,
        ..
    } = site;
    let (log, frontend, backend) = if site.full() {
        let log = format!("log = [{{ to = \"syslog://{syslog}\", format = \"haproxy\" }}]\n");
        (log, FRONTEND, BACKEND)
    } else {
        (String::new(), "", "")
    };
    let cookie = |name| {
        if site.full() {
            format!(", cookie = \"{name}\"")
        } else {
            String::new()
        }
    };
    let (first, second) = (cookie("s1"), cookie("s2"));
    format!(
        "[global]
workers = 1
maxconn = {MAX_CONNECTIONS}
{log}
[defaults.timeout]
connect = \"5s\"
client = \"60s\"
server = \"60s\"
http_keep_alive = \"60s\"

[frontend.f]
bind = [\"{listen}\"]
{frontend}default_backend = \"b\"

[backend.b]
balance = \"roundrobin\"
http_reuse = \"always\"
{backend}server = [
    {{ name = \"s1\", address = \"{one}\"{first} }},
    {{ name = \"s2\", address = \"{two}\"{second} }},
]

[backend.never]
server = [{{ name = \"s1\", address = \"{one}\" }}]
"
    )
}

const FRONTEND: &str = "forwardfor = true
acl.a1 = \"path_beg /never\"
acl.a2 = \"path_end .never\"
acl.a3 = \"hdr(host) -i never.example\"
acl.a4 = \"hdr_dom(host) -i never\"
acl.a5 = \"src 10.0.0.0/8\"
use_backend = [\"never if a1\", \"never if a2\", \"never if a3\", \"never if a4\", \"never if a5\"]
";

const BACKEND: &str =
    "cookie = { name = \"SRV\", mode = \"insert\", indirect = true, nocache = true }
check = { type = \"http\", uri = \"/health\", interval = \"1s\" }
";
