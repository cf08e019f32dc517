//! Expressions in a running `lb`: users, maps, servers, and what is kept for the response.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use common::{
    origin::Origin,
    site::{Config, get},
};

#[tokio::test]
async fn expressions_decide_what_is_answered() {
    let map = std::env::temp_dir().join(format!("lb-state-{}.map", std::process::id()));
    std::fs::write(&map, "# paths\n/old gone\n/old/but-here here\n").unwrap();
    let origin = Origin::named("s").await;
    let rules = format!(
        "acl.failed = \"status ge 500\"\n\
         acl.private = \"var(txn.path) -m beg /private\"\n\
         http_request = [\n\
           \"deny status 401 unless {{ http_auth_group(team) readers }}\",\n\
           \"deny status 410 if {{ path,map_beg({map},none) gone }}\",\n\
           \"deny status 503 if {{ path /alone }} {{ nbsrv(web) lt 2 }} {{ srv_is_up(web/s) }}\",\n\
           \"deny status 400 if {{ path,set-var(txn.path) /never }}\",\n\
         ]\n\
         http_response = [\n\
           \"deny status 502 if private {{ status 200 }}\",\n\
           \"deny status 405 if {{ method DELETE }} or {{ capture.req.uri /raw?q }}\",\n\
           \"deny if failed\",\n\
         ]\n",
        map = map.display(),
    );
    let mut config = Config::new(&rules, "").server("s", origin.address(), "");
    config.more = "[userlist.team]\n\
        users = { alice = \"$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1\", bob = { plain = \"b\" } }\n\
        groups = { readers = [\"alice\"] }\n"
        .to_owned();
    let site = config.start().await;
    // alice:Hello world!, alice:x, bob:b
    let alice = "Authorization: Basic YWxpY2U6SGVsbG8gd29ybGQh\r\n";
    for (request, status) in [
        (get("/", ""), 401),
        (get("/", "Authorization: Basic YWxpY2U6eA==\r\n"), 401),
        (get("/", "Authorization: Basic Ym9iOmI=\r\n"), 401),
        (get("/", alice), 200),
        (get("/old/x", alice), 410),
        (get("/old/but-here/x", alice), 200),
        (get("/alone", alice), 503),
        (get("/private/x", alice), 502),
        (get("/raw?q", alice), 405),
        (get("/raw?r", alice), 200),
        (get("/", alice).replace("GET", "DELETE"), 405),
    ] {
        let answer = site.send(&request).await.response().await;
        assert_eq!(answer.status(), status, "{request}");
    }
    std::fs::remove_file(map).unwrap();
}
