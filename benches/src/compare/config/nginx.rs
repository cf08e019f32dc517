//! nginx, as a peer and as the origin of everyone.
//!
//! The open-source nginx has neither active checks nor cookie persistence. The full case builds the latter from maps and does without the former.

use std::{net::SocketAddr, path::Path};

use super::Site;

/// What the small response says: 130 bytes.
const SMALL: &str = "The same hundred and thirty bytes for every request, so that what is measured is the proxy and not what it happens to be carrying.";

/// `nginx.conf` of the proxy.
pub(super) fn config(site: &Site<'_>) -> String {
    let Site {
        listen,
        origins: [one, two],
        syslog,
        directory,
        ..
    } = site;
    let (http, location, pool) = if site.full() {
        (full_http(*one, *two, *syslog), FULL_LOCATION, "$pool")
    } else {
        (String::new(), "access_log off;", "both")
    };
    format!(
        "{}
    upstream both {{ server {one}; server {two}; {KEEPALIVE} }}
{http}
    server {{
        listen {listen};
        location / {{
            proxy_pass http://{pool};
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
            proxy_set_header Host $http_host;
            proxy_buffers 8 64k;
            proxy_busy_buffers_size 128k;
            proxy_max_temp_file_size 0;
            {location}
        }}
    }}
}}
",
        head("proxy", directory)
    )
}

/// `nginx.conf` of the origin `name`. `/hello` is the small response, `/bulk` the file of that name in `directory`, and `/seen` tells what reached the
/// origin: `NAME|X-Forwarded-For|Cookie`.
pub(crate) fn origin(name: &str, listen: SocketAddr, directory: &Path) -> String {
    format!(
        "{}
    access_log off;
    server {{
        listen {listen};
        default_type text/plain;
        location = /hello {{ return 200 \"{SMALL}\"; }}
        location = /health {{ return 200 \"fine\\n\"; }}
        location = /seen {{ return 200 \"{name}|$http_x_forwarded_for|$http_cookie\"; }}
        location = /bulk {{ alias {}/bulk; }}
    }}
}}
",
        head(name, directory),
        directory.display()
    )
}

/// Idle connections kept to an origin; the load has 64 at most in flight.
const KEEPALIVE: &str = "keepalive 64; keepalive_requests 1000000000;";

/// Up to and into the `http` block.
fn head(name: &str, directory: &Path) -> String {
    let directory = directory.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("    {kind}_temp_path {directory}/{name}.{kind};\n"))
        .concat();
    format!(
        "daemon off;
worker_processes 1;
pid {directory}/{name}.pid;
error_log stderr error;
events {{ worker_connections 16384; }}
http {{
    sendfile on;
    keepalive_timeout 60s;
    keepalive_requests 1000000000;
{temporary}"
    )
}

fn full_http(one: SocketAddr, two: SocketAddr, syslog: SocketAddr) -> String {
    format!(
        r#"    upstream s1 {{ server {one}; {KEEPALIVE} }}
    upstream s2 {{ server {two}; {KEEPALIVE} }}
    upstream never {{ server {one}; {KEEPALIVE} }}
    geo $never_src {{ default 0; 10.0.0.0/8 1; }}
    map $uri $never_beg {{ default 0; ~^/never 1; }}
    map $uri $never_end {{ default 0; ~\.never$ 1; }}
    map $host $never_host {{ default 0; never.example 1; }}
    map $host $never_dom {{ default 0; ~(^|\.)never(\.|$) 1; }}
    map $cookie_SRV $affine {{ default both; s1 s1; s2 s2; }}
    map $never_beg$never_end$never_host$never_dom$never_src $pool {{ default never; 00000 $affine; }}
    map $upstream_addr $chosen {{ {one} s1; {two} s2; }}
    map $cookie_SRV $inserted {{ default "SRV=$chosen; path=/"; s1 ""; s2 ""; }}
    map $http_cookie $forwarded {{
        default $http_cookie;
        "~^SRV=[^;]*$" "";
        "~^SRV=[^;]*; (?<rest>.*)$" $rest;
        "~^(?<before>.*); SRV=[^;]*(?<after>.*)$" $before$after;
    }}
    log_format http '$remote_addr:$remote_port [$time_local] f b/$upstream_addr $request_time/$upstream_connect_time/$upstream_header_time/$upstream_response_time $status $bytes_sent $connection/$connection_requests "$request"';
    access_log syslog:server={syslog},facility=local0 http;
"#
    )
}

const FULL_LOCATION: &str = r#"proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header Cookie $forwarded;
            add_header Set-Cookie $inserted;"#;
