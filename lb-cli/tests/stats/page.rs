//! The page itself: who may see it, what is on it, what it does to other requests.

use std::net::SocketAddr;

use sha2::{Digest as _, Sha256};

use crate::{
    USER,
    common::{
        address,
        message::End,
        origin::Origin,
        process::Process,
        site::{get, post},
        wire::Wire,
        within,
    },
    fetch,
    table::Table,
    text,
};

/// A page on a frontend with two servers behind it, one of them with a check that fails.
async fn site(stats: &str) -> (Process, SocketAddr, Origin) {
    let (front, nobody) = (address::free(), address::free());
    let origin = Origin::named("s1").await;
    let config = format!(
        "[global]\nnode = \"a<b>&c\"\nlog = [{{ to = \"stdout\" }}]\n\
         [frontend.web]\nbind = [\"{front}\"]\ndefault_backend = \"app\"\nstats = {{ {stats} }}\n\
         [backend.app]\nserver = [\n{{ name = \"s1\", address = \"{}\" }},\n\
         {{ name = \"s2\", address = \"{nobody}\", check = {{ interval = \"100ms\", fall = 1 }}, init_state = \"down\" }},\n\
         {{ name = \"s3\", address = \"{nobody}\", disabled = true }}]\n\
         [backend.other]\nserver = [{{ name = \"o1\", address = \"{nobody}\" }}]\n",
        origin.address()
    );
    (Process::lb(&config, &[front]).await, front, origin)
}

#[tokio::test]
async fn a_page_with_users_wants_one_of_them() {
    let keys = "uri = \"/st\", realm = \"a \\\"b\\\"\", auth = [\"other:word\", \"user:secret\"]";
    let (_lb, front, _origin) = site(keys).await;
    for fields in [
        "",
        "Authorization: Basic dXNlcjp3cm9uZw==\r\n",
        "Authorization: Bearer dXNlcjpzZWNyZXQ=\r\n",
    ] {
        let answer = fetch(front, "/st", fields).await;
        assert_eq!(answer.status(), 401);
        assert_eq!(
            answer.get("www-authenticate"),
            Some("Basic realm=\"a \\\"b\\\"\"")
        );
        assert!(!text(answer).contains("s1"));
    }
    for user in [USER, "Authorization: basic b3RoZXI6d29yZA==\r\n"] {
        let answer = fetch(front, "/st", user).await;
        assert_eq!(answer.status(), 200);
        assert!(text(answer).contains(">s1<"));
    }
}

#[tokio::test]
async fn only_what_asks_for_the_page_gets_it() {
    let (_lb, front, origin) = site("uri = \"/st\"").await;
    for target in ["/st", "/st;csv", "/stuff", "/st?scope=app"] {
        let answer = fetch(front, target, "").await;
        assert_eq!(answer.get("cache-control"), Some("no-cache"), "{target}");
    }
    assert_eq!(origin.requests(), 0);
    // HAProxy's page answers GET, HEAD and POST; all else is the backend's.
    for target in ["/", "/s", "/a/st"] {
        assert_eq!(text(fetch(front, target, "").await), "s1");
    }
    let mut client = Wire::send_to(front, "DELETE /st HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(text(client.response().await), "s1");
    let mut client = Wire::send_to(front, "HEAD /st HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let head = client.head_response().await;
    assert_eq!(head.status(), 200);
    assert!(head.body.is_empty());
    // The connection goes on.
    client.send(get("/", "")).await;
    assert_eq!(text(client.response().await), "s1");
}

#[tokio::test]
async fn the_page_says_what_the_file_wants() {
    let (_lb, front, _origin) = site("uri = \"/st\", refresh = \"7s\"").await;
    let answer = fetch(front, "/st", "").await;
    assert_eq!(answer.get("x-frame-options"), Some("DENY"));
    let policy = answer.get("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    let policy = policy.to_owned();
    assert!(answer.get("content-type").unwrap().starts_with("text/html"));
    let page = text(answer);
    assert!(page.contains("<title>a&lt;b&gt;&amp;c: statistics</title>"));
    assert!(page.contains(concat!("lb <b>", env!("CARGO_PKG_VERSION"), "</b>")));
    // The policy lets this style and this script in, and no other.
    for of in ["style", "script"] {
        let inside = page.split_once(&format!("<{of}>")).unwrap().1;
        let inside = inside.split_once(&format!("</{of}>")).unwrap().0;
        let hash = policy.split_once(&format!("{of}-src 'sha256-")).unwrap().1;
        let hash = hash.split_once('\'').unwrap().0;
        assert_eq!(octets(hash), Sha256::digest(inside.as_bytes()).to_vec());
    }
    // The script refreshes; without it, the browser does.
    assert!(page.contains("<noscript><meta http-equiv=\"refresh\" content=\"7\"></noscript>"));
    assert!(page.contains("data-refresh=\"7\""));
    // Nothing from elsewhere, and no form without `admin`.
    for absent in [
        "src=",
        "http://",
        "https://",
        " style=",
        " onclick=",
        "method=\"post\"",
        "type=\"checkbox\"",
    ] {
        assert!(!page.contains(absent), "{absent}");
    }
    let still = text(fetch(front, "/st;norefresh", "").await);
    assert!(!still.contains("http-equiv") && still.contains("data-refresh=\"0\""));
    let (_lb, front, _origin) = site("uri = \"/st\", hide_version = true").await;
    let page = text(fetch(front, "/st", "").await);
    assert!(!page.contains("http-equiv"));
    assert!(!page.contains(env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn what_is_typed_into_the_address_is_text() {
    let (_lb, front, _origin) = site("uri = \"/st\"").await;
    let page = text(fetch(front, "/st?scope=%22%3E%3Cb%3Eapp", "").await);
    assert!(page.contains("value=\"&quot;&gt;&lt;b&gt;app\""), "{page}");
    assert!(page.contains("Nothing is in this scope."));
    let page = text(fetch(front, "/st;st=<b>x", "").await);
    assert!(!page.contains("class=\"said"));
    let page = text(fetch(front, "/st;st=DONE", "").await);
    assert!(page.contains("class=\"said good\""));
}

#[tokio::test]
async fn a_view_leaves_out_what_it_is_told_to() {
    let (_lb, front, _origin) = site("uri = \"/st\"").await;
    let names = async |target: &str| {
        let table = Table::of(front, target).await;
        let mut names: Vec<_> = (table.rows.keys())
            .map(|(proxy, name)| format!("{proxy}/{name}"))
            .collect();
        names.sort();
        names.join(" ")
    };
    // It is UP until its checks have begun.
    within("s2 to be DOWN", async {
        while Table::of(front, "/st;csv").await.get("app", "s2", "status") != "DOWN" {}
    })
    .await;
    let all = "app/BACKEND app/s1 app/s2 app/s3 other/BACKEND other/o1 web/FRONTEND";
    assert_eq!(names("/st;csv").await, all);
    assert_eq!(
        names("/st;csv;up").await,
        "app/BACKEND app/s1 other/BACKEND other/o1 web/FRONTEND"
    );
    assert_eq!(
        names("/st;csv;no-maint").await,
        "app/BACKEND app/s1 app/s2 other/BACKEND other/o1 web/FRONTEND"
    );
    assert_eq!(names("/st;csv?scope=oth").await, "other/BACKEND other/o1");
    let (_lb, front, _origin) = site("uri = \"/st\", scope = [\".\", \"other\"]").await;
    let page = text(fetch(front, "/st", "").await);
    assert!(page.contains("id=\"web\"") && page.contains("id=\"other\""));
    assert!(!page.contains("id=\"app\""));
}

#[tokio::test]
async fn a_frontend_may_have_nothing_but_a_page() {
    let front = address::free();
    let config = format!("[frontend.only]\nbind = [\"{front}\"]\nstats = {{}}\n");
    let lb = Process::lb(&config, &[front]).await;
    let answer = fetch(front, "/haproxy?stats", "").await;
    assert_eq!(answer.status(), 200);
    assert!(text(answer).contains("id=\"only\""));
    assert_eq!(fetch(front, "/", "").await.status(), 503);
    let json = fetch(front, "/haproxy?stats;json", "").await;
    assert_eq!(json.get("content-type"), Some("application/json"));
    assert!(!lb.log().contains("warning"), "{}", lb.log());
}

/// Two workers, each with its own counts, and one page.
#[tokio::test]
async fn requests_under_way_are_seen_and_those_of_all_workers_add_up() {
    let (_lb, front, _origin) = site("uri = \"/st\", auth = [\"user:secret\"]").await;
    for _ in 0..40 {
        let mut client = Wire::send_to(front, get("/", "Connection: close\r\n")).await;
        client.response().await;
        assert_eq!(client.rest().await.1, End::Closed);
    }
    let table = Table::of(front, "/st;csv").await;
    assert_eq!(table.number("app", "BACKEND", "stot"), 40);
    assert_eq!(table.number("app", "s1", "hrsp_2xx"), 40);
    // The request for the table is under way itself.
    assert_eq!(table.number("web", "FRONTEND", "req_tot"), 41);
    assert_eq!(table.number("web", "FRONTEND", "scur"), 1);
    assert!(table.number("web", "FRONTEND", "bout") > 40 * 40);
}

/// Heads and bodies, as they were on the wire; chunks, too, and no byte of the next request.
#[tokio::test]
async fn bytes_are_those_of_the_wire() {
    let (_lb, front, _origin) = site("uri = \"/st\", auth = [\"user:secret\"]").await;
    let chunked =
        "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    let requests = [get("/", ""), chunked.to_owned(), post("/", 5, "hello")];
    // All in one go: what has been read already of the next one is not this one's.
    let mut client = Wire::send_to(front, requests.concat()).await;
    for _ in &requests {
        assert_eq!(client.response().await.status(), 200);
    }
    client.finish().await;
    client.rest().await;
    let table = Table::of(front, "/st;csv").await;
    let sent: usize = requests.iter().map(String::len).sum();
    for name in ["BACKEND", "s1"] {
        assert_eq!(table.number("app", name, "bin"), sent as u64, "{name}");
    }
}

/// Observed with HAProxy 2.6.12: a page of a backend answers what reaches that backend, counts there
/// and not as intercepted by the frontend, and is logged with the backend's name.
#[tokio::test]
async fn a_backend_may_have_a_page_of_its_own() {
    let (front, other, nobody) = (address::free(), address::free(), address::free());
    let config = format!(
        "[global]\nlog = [{{ to = \"stdout\" }}]\n\
         [frontend.web]\nbind = [\"{front}\"]\nuse_backend = [\"app if {{ path_beg /app }}\"]\n\
         [frontend.other]\nbind = [\"{other}\"]\ndefault_backend = \"app\"\n\
         [backend.app]\nstats = {{ uri = \"/app/st\", auth = [\"user:secret\"], scope = [\".\"], admin = \"if TRUE\" }}\n\
         server = [{{ name = \"s1\", address = \"{nobody}\" }}]\n"
    );
    let lb = Process::lb(&config, &[front, other]).await;
    assert_eq!(fetch(front, "/app/st", "").await.status(), 401);
    for from in [front, other] {
        let answer = fetch(from, "/app/st", USER).await;
        assert_eq!(answer.status(), 200);
        let page = text(answer);
        assert!(page.contains("id=\"app\"") && !page.contains("id=\"web\""));
    }
    let table = Table::of(front, "/app/st;csv").await;
    assert_eq!(table.number("app", "BACKEND", "req_tot"), 4);
    assert_eq!(table.number("app", "BACKEND", "hrsp_2xx"), 2);
    assert_eq!(table.number("app", "s1", "req_tot"), 0);
    let form = "s=s1&action=drain&b=app";
    let post = format!(
        "POST /app/st HTTP/1.1\r\nHost: a\r\n{USER}Content-Length: {}\r\n\r\n{form}",
        form.len()
    );
    let answer = Wire::send_to(front, post).await.response().await;
    assert_eq!(answer.get("location"), Some("/app/st;st=DONE"));
    lb.logged("of the backend's page", |line| {
        line.contains(" web app/<STATS> ")
    })
    .await;
    // All else goes to its servers.
    assert_eq!(fetch(front, "/app/x", "").await.status(), 503);
}

#[tokio::test]
async fn a_link_sorts_servers() {
    let (_lb, front, _origin) = site("uri = \"/st\"").await;
    let names = async |target: &str| {
        let page = text(fetch(front, target, "").await);
        let section = page.split_once("<section id=\"app\"").unwrap().1;
        let section = section.split_once("</section>").unwrap().0;
        let rows = section.split("data-name=\"").skip(2);
        let names: Vec<_> = rows.map(|row| row.split_once('"').unwrap().0).collect();
        names.join(" ")
    };
    assert_eq!(names("/st").await, "s1 s2 s3 BACKEND");
    assert_eq!(names("/st;sort=-svname").await, "s3 s2 s1 BACKEND");
    let page = text(fetch(front, "/st;sort=svname;up?scope=app", "").await);
    // Each link keeps what the others have set.
    for link in [
        "/st;up;sort=-svname?scope=app",
        "/st;sort=svname?scope=app",
        "/st;up;sort=-stot?scope=app",
    ] {
        assert!(page.contains(&format!("href=\"{link}\"")), "{link}");
    }
}

/// Samples are of five seconds; the second one makes a line.
#[tokio::test]
async fn the_last_minutes_are_drawn() {
    let (_lb, front, _origin) = site("uri = \"/st\"").await;
    let line = within("two spans", async {
        loop {
            // Traffic in each of them.
            assert_eq!(fetch(front, "/", "").await.status(), 200);
            let page = text(fetch(front, "/st", "").await);
            let section = page.split_once("<section id=\"app\"").unwrap().1.to_owned();
            if section.contains("<path class=\"l\"") {
                return section;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    })
    .await;
    assert!(line.contains("<svg class=\"r\"") && line.contains("<svg class=\"w\""));
    assert!(line.contains("the last 5 minutes: at most "), "{line}");
}

/// What base64 stands for (RFC 4648).
fn octets(base64: &str) -> Vec<u8> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = base64.trim_end_matches('=').chars();
    let bits: Vec<bool> = digits
        .flat_map(|c| {
            let digit = ALPHABET.find(c).unwrap();
            (0..6).rev().map(move |bit| digit >> bit & 1 == 1)
        })
        .collect();
    let octets = bits.chunks_exact(8);
    octets
        .map(|bits| {
            bits.iter()
                .fold(0, |octet, bit| octet << 1 | u8::from(*bit))
        })
        .collect()
}
