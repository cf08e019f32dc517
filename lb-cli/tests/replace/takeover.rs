//! `lb serve --takeover`.

use crate::{
    load::Load,
    process::{Peer, run},
    rig::{Site, ask_on, origin, sections, until},
};

/// Binary upgrades under load; the number.
const UPGRADES: u32 = 5;

#[test]
fn another_process_goes_on_with_what_there_is() {
    let site = Site::new();
    let (a, b) = (origin("a"), origin("b"));
    let table = "[table.seen]\ntype = \"ip\"\nsize = 100\nexpire = \"1h\"\nstore = [\"gpc0\"]\n";
    let tracks = "http_request = [\"track-sc0 src table seen\", \"sc-inc-gpc0(0)\"]\n";
    let web = sections(&[("one", a), ("two", b)]);
    let web = web.replace("[backend.app]\n", &format!("{tracks}[backend.app]\n"));
    site.write(&(web + table));
    let mut old = site.serve();
    let mut client = Peer::connect(site.front);
    for _ in 0..4 {
        ask_on(&mut client);
    }
    site.done("set server app/two state drain");
    site.done("set server app/one weight 7");
    let mut new = site.take_over();
    old.wait_for("has taken over: no new connections");
    // A response says that it is the last one, as soon as the worker has heard of it.
    let mut asked = 4;
    loop {
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        let head = client.head();
        client.body(&head);
        asked += 1;
        if head.contains("connection: close") {
            break;
        }
    }
    assert_eq!(client.rest(), "");
    assert_eq!(old.end().0.code(), Some(0));
    new.wait_for("the process before has ended");
    assert_eq!(site.ask(), "a");
    assert_eq!(site.stat("app", "two", "status"), "DRAIN");
    assert_eq!(site.stat("app", "one", "weight"), 7);
    asked += 1;
    assert_eq!(site.stat("web", "FRONTEND", "req_tot"), asked);
    assert_eq!(site.stat("web", "FRONTEND", "stot"), 2);
    assert_eq!(site.stat("app", "BACKEND", "stot"), asked);
    assert_eq!(site.stat("app", "two", "stot"), 2);
    assert_eq!(site.stat("app", "two", "lbtot"), 2);
}

#[test]
fn who_cannot_serve_takes_nothing() {
    let site = Site::new();
    let good = sections(&[("one", origin("a"))]);
    site.write(&good);
    let mut old = site.serve();
    let holder = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let taken = holder.local_addr().expect("it is bound");
    let socket = site.socket();
    let attempt = || run(&["serve", "--takeover", &socket, &site.file()]);
    site.write(&format!(
        "{good}[frontend.x]\nbind = [\"{taken}\"]\ndefault_backend = \"app\"\n"
    ));
    let refused = attempt();
    assert_eq!(refused.code, 4);
    assert!(refused.err.contains("address in use"), "{}", refused.err);
    old.wait_for("the process was not taken over");
    site.write(&good.replace(
        "bind = [\"FRONT\"]",
        "bind = [{ address = \"FRONT\", backlog = 7 }]",
    ));
    let refused = attempt();
    assert!(
        refused.err.contains("cannot change in a takeover"),
        "{}",
        refused.err
    );
    old.wait_for("the process was not taken over");
    assert_eq!(site.ask(), "a");
    assert_eq!(site.done("show version"), env!("CARGO_PKG_VERSION"));
    let nobody = run(&["serve", "--takeover", "/nonexistent/socket", &site.file()]);
    assert_eq!(nobody.code, 4);
    assert!(
        nobody
            .err
            .contains("cannot take over from /nonexistent/socket"),
        "{}",
        nobody.err
    );
}

#[test]
fn five_upgrades_under_load_lose_nothing() {
    let site = Site::new();
    site.write(&sections(&[("one", origin("a")), ("two", origin("b"))]));
    let mut lb = site.serve();
    let load = Load::begin(site.front);
    for _ in 0..UPGRADES {
        let before = load.answered();
        let new = site.take_over();
        let mut old = std::mem::replace(&mut lb, new);
        let (status, log) = old.end();
        assert_eq!(status.code(), Some(0), "{log}");
        lb.wait_for("the process before has ended");
        until("requests were answered since", || {
            load.answered() > before + 200
        });
    }
    let outcome = load.end();
    println!(
        "{UPGRADES} upgrades, {} requests on {} connections in {:?}, {} failed",
        outcome.answered,
        outcome.connections,
        outcome.took,
        outcome.failed.len()
    );
    assert_eq!(outcome.failed, Vec::<String>::new());
    let counted = || site.stat("web", "FRONTEND", "req_tot");
    until("all is counted", || counted() == outcome.answered);
    assert_eq!(site.stat("app", "BACKEND", "stot"), outcome.answered);
    assert_eq!(site.stat("web", "FRONTEND", "stot"), outcome.connections);
}
