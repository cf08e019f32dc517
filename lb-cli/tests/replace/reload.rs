//! SIGHUP and `lb ctl reload`.

use std::net::TcpStream;

use rustix::process::Signal;

use crate::{
    load::Load,
    process::Peer,
    rig::{Site, ask_on, origin, sections, until},
};

/// Reloads under load; the number.
const RELOADS: u32 = 50;

#[test]
fn a_connection_goes_on_with_the_next_configuration() {
    let site = Site::new();
    let (a, b) = (origin("a"), origin("b"));
    site.write(&sections(&[("one", a)]));
    let _lb = site.serve();
    let mut client = Peer::connect(site.front);
    assert_eq!(ask_on(&mut client), "a");
    site.write(&sections(&[("two", b)]));
    let difference = site.done("reload");
    assert_eq!(
        difference,
        "+ [[backend.app.server]] name = \"two\"\n- [[backend.app.server]] name = \"one\""
    );
    assert_eq!(ask_on(&mut client), "b", "the same connection");
    assert_eq!(site.ask(), "b");
    assert_eq!(site.stat("web", "FRONTEND", "req_tot"), 3);
    assert_eq!(site.stat("app", "BACKEND", "stot"), 3);
    assert_eq!(site.stat("app", "two", "stot"), 2);
    assert_eq!(site.done("reload"), "nothing has changed");
}

#[test]
fn a_server_that_stays_keeps_its_state_and_its_counts() {
    let site = Site::new();
    let (a, b) = (origin("a"), origin("b"));
    site.write(&sections(&[("one", a), ("two", b)]));
    let _lb = site.serve();
    for _ in 0..4 {
        site.ask();
    }
    site.done("set server app/two state maint");
    site.done("set server app/one weight 7");
    site.write(&sections(&[("zero", b), ("two", b), ("one", a)]));
    site.done("reload");
    assert_eq!(site.stat("app", "two", "status"), "MAINT");
    assert_eq!(site.stat("app", "one", "weight"), 7);
    for server in ["one", "two"] {
        assert_eq!(site.stat("app", server, "stot"), 2, "{server}");
    }
    assert_eq!(site.stat("app", "zero", "stot"), 0);
}

#[test]
fn addresses_come_and_go() {
    let site = Site::new();
    let other = crate::process::free();
    let one = sections(&[("one", origin("a"))]);
    let two = format!("{one}[frontend.two]\nbind = [\"{other}\"]\ndefault_backend = \"app\"\n");
    site.write(&one);
    let mut lb = site.serve();
    assert!(TcpStream::connect(other).is_err());
    site.write(&two);
    assert_eq!(site.done("reload"), "+ [frontend.two]");
    let mut client = Peer::connect(other);
    assert_eq!(ask_on(&mut client), "a");
    site.write(&one);
    lb.signal(Signal::HUP);
    lb.wait_for("reloaded:");
    lb.wait_for("- [frontend.two]");
    assert_eq!(client.rest(), "", "an idle connection is closed");
    until("nobody listens there", || {
        TcpStream::connect(other).is_err()
    });
    // What was shut down for ever is there again.
    site.done("shutdown frontend web");
    until("nobody listens there", || {
        TcpStream::connect(site.front).is_err()
    });
    site.done("reload");
    assert_eq!(site.ask(), "a");
}

#[test]
fn what_cannot_be_changes_nothing() {
    let site = Site::new();
    let good = sections(&[("one", origin("a"))]);
    site.write(&good);
    let mut lb = site.serve();
    let holder = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let taken = holder.local_addr().expect("it is bound");
    let also = |text: &str| format!("{good}{text}");
    let cases = [
        (also("nonsense = 1\n"), "unknown key `nonsense`"),
        (
            also(&format!(
                "[frontend.x]\nbind = [\"{taken}\"]\ndefault_backend = \"app\"\n"
            )),
            "address in use",
        ),
        (
            good.replace("[frontend.web]", "[frontend.web]\n").replace(
                "bind = [\"FRONT\"]",
                "bind = [{ address = \"FRONT\", backlog = 7 }]",
            ),
            "the options of 127.0.0.1:",
        ),
        (
            good.replace(
                "[frontend.web]",
                "[frontend.web]\nlog = [{ to = \"file:///nonexistent/log\" }]",
            ),
            "cannot open the log",
        ),
    ];
    for (text, why) in cases {
        site.write(&text);
        let refused = site.refused("reload");
        assert!(refused.contains(why), "{why} in\n{refused}");
        lb.wait_for("not reloaded: ");
        assert_eq!(site.ask(), "a");
    }
    let text = std::fs::read_to_string(site.file()).expect("it is there");
    let workers = text.replace("workers = 2", "workers = 3");
    std::fs::write(site.file(), workers).expect("it is writable");
    assert!(site.refused("reload").contains("global.workers"));
    site.write(&good);
    assert_eq!(site.done("reload"), "nothing has changed");
}

#[test]
fn fifty_reloads_under_load_lose_nothing() {
    let site = Site::new();
    let (a, b) = (origin("a"), origin("b"));
    let files = [
        sections(&[("one", a), ("two", b)]),
        sections(&[("one", a)]),
        sections(&[("two", b), ("three", a)]) + "[backend.more]\nserver = []\n",
    ];
    site.write(&files[0]);
    let _lb = site.serve();
    let load = Load::begin(site.front);
    for (_, file) in (0..RELOADS).zip(files.iter().cycle().skip(1)) {
        let before = load.answered();
        site.write(file);
        site.done("reload");
        until("requests were answered since", || {
            load.answered() > before + 200
        });
    }
    let outcome = load.end();
    println!(
        "{RELOADS} reloads, {} requests on {} connections in {:?}, {} failed",
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
