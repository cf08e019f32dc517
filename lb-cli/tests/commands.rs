//! The commands as a user meets them: what they print where, and their exit codes.

mod process;

use std::{
    fs,
    net::TcpListener,
    process::{Command, Stdio},
};

use process::{File, Origin, Peer, Running, free, run};
use rustix::process::Signal;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const QUICKSTART: &str = "../examples/configs/quickstart.toml";

#[test]
fn help_and_version_are_no_errors() {
    let help = run(&["--help"]);
    assert_eq!((help.code, help.err.as_str()), (0, ""));
    for command in ["serve", "check", "demo", "explain", "ctl"] {
        assert!(help.out.contains(&format!("\n  {command} ")), "{command}");
        assert_eq!(run(&[command, "--help"]).code, 0);
    }
    let version = run(&["--version"]);
    assert_eq!(version.out, format!("lb {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn what_is_typed_wrong_is_a_usage_error() {
    for (arguments, message) in [
        (&[][..], "Usage: lb"),
        (&["chek"], "a similar subcommand exists: 'check'"),
        (&["check"], "<FILE>"),
        (&["serve"], "<FILE>"),
        (&["check", QUICKSTART, "--pritn"], "--print"),
        (
            &["import", "haproxy.cfg"],
            "`lb import` is not supported by this version of lb yet",
        ),
    ] {
        let done = run(arguments);
        assert_eq!((done.code, done.out.as_str()), (2, ""), "{arguments:?}");
        assert!(done.err.contains(message), "{}", done.err);
    }
}

#[test]
fn a_valid_configuration_is_called_that() {
    let done = run(&["check", QUICKSTART]);
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    assert_eq!(done.out, "configuration is valid\n");
}

#[test]
fn warnings_are_no_errors_and_stay_off_the_output() {
    let file = File::new("[listen.web]\nbind = [\"127.0.0.1:8080\"]\n");
    let done = run(&["check", file.path()]);
    assert_eq!(done.code, 0);
    assert_eq!(done.out, "configuration is valid\n");
    assert!(done.err.contains("warning: "), "{}", done.err);
    assert!(done.err.ends_with("1 warning in 1 file\n"), "{}", done.err);
}

#[test]
fn what_check_prints_is_a_configuration() {
    let first = run(&["check", "--print", QUICKSTART]);
    assert_eq!(first.code, 0);
    assert!(first.out.contains("hard_stop_after = \"30s\""));
    let file = File::new(&first.out);
    let again = run(&["check", "--print", file.path()]);
    assert_eq!((again.code, again.out), (0, first.out));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let mut lb = Command::new(env!("CARGO_BIN_EXE_lb"));
    let mut child = lb
        .args(["check", "--print", QUICKSTART])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("lb starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(err, "configuration is valid\n");
}

#[test]
fn a_broken_configuration_is_not_served() {
    let done = run(&["serve", "tests/broken/every-stage.toml"]);
    assert_eq!((done.code, done.out.as_str()), (1, ""));
    assert!(done.err.ends_with("5 errors in 1 file\n"), "{}", done.err);
}

#[test]
fn a_configuration_of_virtual_routers_alone_is_one() {
    let file = File::new(
        "[vrrp.VI_1]\ninterface = \"lo\"\nvirtual_router_id = 1\nvirtual_addresses = [\"192.0.2.1\"]\n",
    );
    assert_eq!(run(&["check", file.path()]).code, 0);
    let done = run(&["explain", file.path(), "--request", "GET /"]);
    assert_eq!(done.code, 2, "{}", done.err);
    assert!(done.err.contains("there is no frontend"), "{}", done.err);
}

#[test]
fn an_address_in_use_ends_it_with_a_reason() {
    let holder = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = holder.local_addr().expect("it is bound");
    let file = File::new(&format!(
        "[frontend.web]\nbind = [\"{address}\"]\ndefault_backend = \"app\"\n\
         [backend.app]\nserver = [{{ name = \"a\", address = \"127.0.0.1:9001\" }}]\n"
    ));
    let done = run(&["serve", file.path()]);
    assert_eq!((done.code, done.out.as_str()), (4, ""));
    let error = format!("error: cannot bind {address}: address in use\n");
    assert_eq!(done.err, error);
}

#[test]
fn a_log_that_cannot_be_opened_ends_it_with_a_reason() {
    let front = free();
    let file = File::new(&format!(
        "[global]\nlog = [{{ to = \"file:///nowhere/lb.log\" }}]\n[listen.web]\nbind = [\"{front}\"]\n\
         server = [{{ name = \"a\", address = \"127.0.0.1:9001\" }}]\n"
    ));
    let done = run(&["serve", file.path()]);
    assert_eq!(done.code, 4);
    let start = "error: cannot open the log: /nowhere/lb.log: ";
    assert!(done.err.starts_with(start), "{}", done.err);
}

#[test]
fn serve_tells_its_addresses_and_prints_nothing_but_the_log() {
    let origin = Origin::new();
    for (log, expected) in [
        ("", false),
        ("[global]\nlog = [{ to = \"stdout\" }]\n", true),
    ] {
        let (one, two) = (free(), free());
        let file = File::new(&format!(
            "{log}[frontend.web]\nbind = [\"{one}\"]\ndefault_backend = \"app\"\n\
             [frontend.other]\nbind = [\"{two}\"]\ndefault_backend = \"app\"\n\
             [backend.app]\nserver = [{{ name = \"a\", address = \"{}\" }}]\n",
            origin.address()
        ));
        let mut lb = Command::new(env!("CARGO_BIN_EXE_lb"));
        lb.args(["serve", file.path()]);
        let out = File::new("");
        lb.stdout(fs::File::create(out.path()).expect("a file"));
        let mut lb = Running::spawn(lb);
        lb.wait_for(&format!("listening on {one} (frontend web)"));
        lb.wait_for(&format!("listening on {two} (frontend other)"));
        let mut client = Peer::connect(two);
        client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
        let (mut server, _) = origin.accept();
        server.send(OK);
        let head = client.head();
        client.body(&head);
        lb.signal(Signal::TERM);
        assert_eq!(lb.end().0.code(), Some(0));
        let printed = fs::read_to_string(out.path()).expect("text");
        assert_eq!(printed.contains("\"GET /x HTTP/1.1\""), expected);
        assert_eq!(printed.is_empty(), !expected, "{printed}");
    }
}

#[test]
fn force_persist_may_ask_for_the_clients_address() {
    let (usual, maintained) = (Origin::new(), Origin::new());
    let (_lb, front) = Running::serve(&format!(
        "[listen.web]\nbind = [\"FRONT\"]\ncookie = {{ name = \"SRV\" }}\n\
         force_persist = \"if {{ src 127.0.0.1 }}\"\n\
         server = [{{ name = \"a\", address = \"{}\", cookie = \"a\" }},\n\
         {{ name = \"b\", address = \"{}\", cookie = \"b\", disabled = true }}]\n",
        usual.address(),
        maintained.address()
    ));
    let mut client = Peer::connect(front);
    client.send("GET / HTTP/1.1\r\nHost: a\r\nCookie: SRV=b\r\n\r\n");
    let (mut server, _) = maintained.accept();
    server.send(OK);
    assert!(client.head().starts_with("http/1.1 200 "));
}

#[test]
fn the_demonstration_shows_what_it_promises() {
    let done = run(&["demo", "--once"]);
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    let answers: Vec<_> = done
        .out
        .lines()
        .filter(|line| line.contains("   200 "))
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        answers,
        [
            "GET / 200 app1: request 1, from 127.0.0.1 sets SRV=app1",
            "GET / 200 app2: request 1, from 127.0.0.1 sets SRV=app2",
            "GET / 200 app3: request 1, from 127.0.0.1 sets SRV=app3",
            "GET / 200 app1: request 2, from 127.0.0.1 sets SRV=app1",
            "GET / with SRV=app2 200 app2: request 2, from 127.0.0.1",
            "GET / with SRV=app2 200 app2: request 3, from 127.0.0.1",
            "GET / with SRV=app2 200 app2: request 4, from 127.0.0.1",
            "GET /kill with SRV=app2 200 app2: gone for 5 seconds",
            "GET / with SRV=app2 200 app3: request 2, from 127.0.0.1 sets SRV=app3",
            "GET / with SRV=app3 200 app3: request 3, from 127.0.0.1",
        ]
    );
    let logged = done
        .out
        .lines()
        .filter(|line| line.contains(" web app/app"));
    assert_eq!(logged.count(), answers.len());
}

#[test]
fn the_configuration_of_the_demonstration_is_one() {
    let done = run(&["demo", "--once"]);
    let shown = done
        .out
        .lines()
        .filter_map(|line| line.strip_prefix("    "));
    let text: Vec<_> = shown
        .skip_while(|line| *line != "[global]")
        .take_while(|line| !line.starts_with("GET "))
        .collect();
    let file = File::new(&text.join("\n"));
    let checked = run(&["check", file.path()]);
    assert_eq!((checked.code, checked.err.as_str()), (0, ""));
}

#[test]
fn a_server_of_the_demonstration_goes_down_and_comes_back() {
    let mut demo = Running::start(&["demo"]);
    let line = demo.wait_for("/stats ");
    let (front, _) = line
        .trim()
        .trim_start_matches("http://")
        .split_once('/')
        .unwrap();
    demo.wait_for("Ctrl-C");
    let mut client = Peer::connect(front.parse().unwrap());
    client.send("GET /stats;csv HTTP/1.1\r\nHost: a\r\n\r\n");
    let head = client.head();
    assert!(client.body(&head).contains("\napp,app2,"), "{head}");
    demo.wait_for("Server app/app2 is DOWN");
    demo.wait_for("Server app/app2 is UP");
    demo.signal(Signal::INT);
    assert_eq!(demo.end().0.code(), Some(0));
}
