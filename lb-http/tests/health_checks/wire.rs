//! The bytes of a check are those of HAProxy's.

use std::fmt::Write as _;

use http::{HeaderName, HeaderValue, Method};
use lb_core::Server;
use lb_http::{
    ProxyVersion, Upstream,
    check::{HttpCheck, Version},
};

use crate::{
    haproxy::Haproxy,
    rig::{Backend, check, probe_of},
};

/// One check, in HAProxy's configuration and in ours.
struct Case {
    rules: &'static str,
    server: &'static str,
    ours: HttpCheck,
    upstream: fn(Upstream) -> Upstream,
}

fn case(rules: &'static str, ours: HttpCheck) -> Case {
    Case {
        rules,
        server: "",
        ours,
        upstream: |upstream| upstream,
    }
}

fn cases() -> Vec<Case> {
    let host = || HeaderValue::from_static("www.example.org");
    let extra = || {
        (
            HeaderName::from_static("x-extra"),
            HeaderValue::from_static("A b"),
        )
    };
    vec![
        case("option httpchk", HttpCheck::default()),
        case(
            "option httpchk /alive",
            HttpCheck::new(Method::OPTIONS, "/alive").unwrap(),
        ),
        case("option httpchk GET /a?b=c", HttpCheck::get("/a?b=c")),
        case(
            "option httpchk HEAD / HTTP/1.1\n  http-check send hdr Host www.example.org",
            HttpCheck::new(Method::HEAD, "/")
                .unwrap()
                .version(Version::Http11)
                .host(host()),
        ),
        case(
            "option httpchk\n  http-check send meth PUT uri /p ver HTTP/1.1 \
             hdr Host www.example.org hdr X-Extra \"A b\" body hello",
            HttpCheck::new(Method::PUT, "/p")
                .unwrap()
                .version(Version::Http11)
                .host(host())
                .header(extra().0, extra().1)
                .body("hello"),
        ),
        case(
            "option httpchk\n  http-check send meth POST uri /p body hello",
            HttpCheck::new(Method::POST, "/p").unwrap().body("hello"),
        ),
        Case {
            server: "send-proxy",
            upstream: |upstream| upstream.send_proxy(ProxyVersion::V1),
            ..case("option httpchk", HttpCheck::default())
        },
        Case {
            server: "send-proxy-v2",
            upstream: |upstream| upstream.send_proxy(ProxyVersion::V2),
            ..case("option httpchk", HttpCheck::default())
        },
        Case {
            server: "check-send-proxy",
            ..case(
                "option httpchk",
                HttpCheck::default().send_proxy(ProxyVersion::V1),
            )
        },
        Case {
            // Another address: the server's own PROXY header is not inherited.
            server: "send-proxy addr 127.0.0.1",
            upstream: |upstream| upstream.send_proxy(ProxyVersion::V1),
            ..case(
                "option httpchk",
                HttpCheck::default().address([127, 0, 0, 1].into()),
            )
        },
    ]
}

#[tokio::test]
async fn requests_are_those_of_haproxy() {
    let mut backends = Vec::new();
    let mut config = String::new();
    for (number, case) in cases().iter().enumerate() {
        let backend = Backend::start("HTTP/1.0 200 OK\r\n\r\n").await;
        write!(
            config,
            "backend b{number}\n  {}\n  server s {} check inter 100ms {}\n",
            case.rules, backend.address, case.server
        )
        .unwrap();
        backends.push(backend);
    }
    let haproxy = Haproxy::start("", &config);
    let mut theirs = Vec::new();
    for backend in &mut backends {
        theirs.push(text(&backend.asked().await, backend));
    }
    drop(haproxy);
    for (case, theirs) in cases().into_iter().zip(theirs) {
        let mut backend = Backend::start("HTTP/1.0 200 OK\r\n\r\n").await;
        let upstream = (case.upstream)(Upstream::from(backend.address));
        check(case.ours, probe_of(Server::new("s", upstream))).await;
        let ours = text(&backend.asked().await, &backend);
        assert_eq!(ours, theirs, "{} {}", case.rules, case.server);
    }
}

/// The request, with what differs each time, the ports of a PROXY header, made
/// the same.
fn text(request: &[u8], backend: &Backend) -> String {
    let text = request.escape_ascii().to_string();
    let Some(ports) = text.strip_prefix("PROXY TCP4 127.0.0.1 127.0.0.1 ") else {
        return text;
    };
    let (_, rest) = ports.split_once(' ').unwrap();
    let rest = rest.strip_prefix(&backend.address.port().to_string());
    format!("PROXY TCP4 127.0.0.1 127.0.0.1 SOURCE TO{}", rest.unwrap())
}
