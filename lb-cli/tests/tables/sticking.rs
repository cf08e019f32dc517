//! Clients that stay on their server by a table.

use std::{fmt::Write as _, net::SocketAddr};

use super::common::{
    address,
    origin::Origin,
    process::Process,
    site::{Config, get},
    wire::Wire,
};

/// Who answers, one request after another: the client, and fields it sends.
const REQUESTS: &[(&str, &str)] = &[
    ("anna", ""),
    ("bert", ""),
    ("anna", ""),
    ("", ""),
    ("bert", ""),
    ("", ""),
    ("anna", ""),
    ("carl", ""),
    // A cookie that leads to a server comes first, and the table learns.
    ("anna", "Cookie: SRV=three\r\n"),
    ("anna", ""),
    // One that leads nowhere does not.
    ("bert", "Cookie: SRV=nobody\r\n"),
    // The other backend has the same table.
    ("carl", "X-Other: 1\r\n"),
    ("dora", "X-Other: 1\r\n"),
    ("dora", ""),
    ("carl", ""),
];

async fn answers(front: SocketAddr) -> String {
    let mut answers = String::new();
    for (user, fields) in REQUESTS {
        let user = match *user {
            "" => String::new(),
            user => format!("X-User: {user}\r\n"),
        };
        let request = get("/", &format!("{user}{fields}"));
        let response = Wire::send_to(front, request).await.response().await;
        let server = String::from_utf8_lossy(&response.body).into_owned();
        let cookie = response.get("set-cookie").unwrap_or("-");
        let _ = writeln!(answers, "{user:?} {fields:?}: {server}, {cookie}");
    }
    answers
}

#[tokio::test]
async fn clients_go_where_haproxy_sends_them() {
    let mut origins = Vec::new();
    for name in ["one", "two", "three"] {
        origins.push((name, Origin::named(name).await));
    }
    let front = address::free();
    let mut config = format!(
        "defaults\n  mode http\n  timeout connect 5s\n  timeout client 20s\n  timeout server 20s\n\
         frontend web\n  bind {front}\n  use_backend other if {{ hdr(x-other) -m found }}\n  default_backend app\n\
         backend users\n  stick-table type string len 32 size 1000 expire 1h\n"
    );
    for backend in ["app", "other"] {
        let _ = write!(
            config,
            "backend {backend}\n  balance roundrobin\n  cookie SRV insert indirect\n  stick on hdr(x-user) table users\n"
        );
        for (name, origin) in &origins {
            let _ = writeln!(config, "  server {name} {} cookie {name}", origin.address());
        }
    }
    let theirs = {
        let _haproxy = Process::haproxy(&config, &[front]).await;
        answers(front).await
    };

    let front = address::free();
    let mut config = format!(
        "[global]\nlog = [{{ to = \"stdout\" }}]\nworkers = 1\n\
         [table.users]\ntype = \"string 32\"\nsize = 1000\nexpire = \"1h\"\n\
         [frontend.web]\nbind = [\"{front}\"]\nuse_backend = [\"other if {{ hdr(x-other) -m found }}\"]\ndefault_backend = \"app\"\n"
    );
    for backend in ["app", "other"] {
        let _ = write!(
            config,
            "[backend.{backend}]\nbalance = \"roundrobin\"\ncookie = {{ name = \"SRV\", indirect = true }}\n\
             stick = {{ on = \"hdr(x-user)\", table = \"users\" }}\n"
        );
        for (name, origin) in &origins {
            let _ = writeln!(
                config,
                "[[backend.{backend}.server]]\nname = \"{name}\"\naddress = \"{}\"\ncookie = \"{name}\"",
                origin.address()
            );
        }
    }
    let _lb = Process::lb(&config, &[front]).await;
    assert_eq!(answers(front).await, theirs);
}

#[tokio::test]
async fn a_client_whose_server_fails_moves_and_stays_where_it_moved() {
    let mut config = Config::new(
        "",
        "stick = { match = \"src\", store_request = \"src if { path_beg / }\", table = \"clients\" }\n\
         redispatch = 1\ntimeout = { connect = \"1s\" }",
    );
    config.more = "[table.clients]\ntype = \"ip\"\n".to_owned();
    let (one, two) = (Origin::named("one").await, Origin::named("two").await);
    let config = config
        .server("one", one.address(), "")
        .server("two", two.address(), "id = 7");
    let site = config.start().await;
    let body = async || String::from_utf8(site.get("/").await.body).unwrap();
    let first = body().await;
    for _ in 0..4 {
        assert_eq!(body().await, first);
    }
    let (dead, alive) = match first.as_str() {
        "one" => (&one, "two"),
        _ => (&two, "one"),
    };
    dead.kill().await;
    assert_eq!(body().await, alive);
    dead.revive().await;
    for _ in 0..4 {
        assert_eq!(body().await, alive);
    }
}

#[tokio::test]
async fn a_response_can_say_who_stays() {
    // Without a match, round robin goes on; the table only learns, with responses from one.
    let mut config = Config::new(
        "",
        "stick = [{ match = \"src\" }, { store_response = \"src\", table = \"web\" }]",
    );
    config.more = "[table.web]\ntype = \"ip\"\n".to_owned();
    let (one, two) = (Origin::named("one").await, Origin::named("two").await);
    let site = config
        .server("one", one.address(), "")
        .server("two", two.address(), "")
        .start()
        .await;
    let first = site.get("/").await.body;
    for _ in 0..3 {
        assert_eq!(site.get("/").await.body, first);
    }
    assert_eq!(one.requests() + two.requests(), 4);
}
