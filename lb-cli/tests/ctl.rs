//! `lb ctl` and the admin socket: the real binary at both ends.

mod process;

use std::{
    fs,
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    os::unix::{
        fs::{FileTypeExt as _, PermissionsExt as _},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use process::{Done, File, Origin, PATIENCE, Peer, Running, free, run};
use rustix::process::Signal;

/// The path of a socket, which is removed at the end of its scope.
struct Place(PathBuf);

impl Place {
    /// Below the system's directory: the path of a socket is short.
    fn new(name: &str) -> Self {
        let name = format!("lb-{}-{name}.sock", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("the path is text")
    }

    fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(&self.0).expect("somebody listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream
    }

    /// What is answered to these lines, up to the end.
    fn ask(&self, lines: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(lines.as_bytes()).expect("it is there");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    fn ctl(&self, words: &[&str]) -> Done {
        run(&[&["ctl", "--socket", self.path()], words].concat())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn configuration(place: &Place, more: &str, origin: &Origin) -> String {
    format!(
        "[global]\nworkers = 2\nmaxconn = 50\nnode = \"n1\"\nadmin = {{ socket = \"{}\"{more} }}\n\
         [listen.web]\nbind = [\"FRONT\"]\nserver = [{{ name = \"s\", address = \"{}\" }}]\n",
        place.path(),
        origin.address()
    )
}

fn serve(place: &Place, more: &str) -> (Running, std::net::SocketAddr, Origin) {
    let origin = Origin::new();
    let (lb, front) = Running::serve(&configuration(place, more, &origin));
    (lb, front, origin)
}

fn value<'t>(info: &'t str, name: &str) -> &'t str {
    let mut lines = info.lines().filter_map(|line| line.split_once(": "));
    let found = lines.find(|(own, _)| *own == name);
    found.unwrap_or_else(|| panic!("no {name} in\n{info}")).1
}

#[test]
fn show_info_tells_of_the_process() {
    let place = Place::new("info");
    let (_lb, front, origin) = serve(&place, "");
    let before = place.ctl(&["show", "info"]);
    assert_eq!((before.code, before.err.as_str()), (0, ""));
    assert_eq!(value(&before.out, "Version"), env!("CARGO_PKG_VERSION"));
    assert_eq!(value(&before.out, "Nbthread"), "2");
    assert_eq!(value(&before.out, "Maxconn"), "50");
    assert_eq!(value(&before.out, "node"), "n1");
    assert_eq!(value(&before.out, "CurrConns"), "0");
    assert!(!before.out.ends_with("\n\n"), "{:?}", before.out);
    // A connection whose request is under way is one of the process.
    let mut client = Peer::connect(front);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let _server = origin.accept();
    // One argument is the same line; the same as what comes from the socket itself.
    let after = place.ctl(&["show info"]).out;
    assert_eq!(value(&after, "CurrConns"), "1");
    assert_eq!(value(&after, "Pid"), value(&before.out, "Pid"));
    let raw = place.ask("show info\n");
    assert!(
        raw.starts_with("Name: lb\n") && raw.ends_with("node: n1\n\n"),
        "{raw:?}"
    );
}

#[test]
fn an_unknown_command_is_an_error_and_says_what_there_is() {
    let place = Place::new("unknown");
    let (_lb, _, _origin) = serve(&place, "");
    let done = place.ctl(&["shw", "info"]);
    assert_eq!((done.code, done.out.as_str()), (1, ""));
    let start = "error: Unknown command: 'shw info', but maybe one of the following ones is a better match:\n  show acl ";
    assert!(done.err.starts_with(start), "{}", done.err);
    // What could be answered is, in the same line.
    let done = place.ctl(&["help; xyzzy"]);
    assert_eq!(done.code, 1);
    assert!(done.out.contains("  vrrp handover <NAME>"), "{}", done.out);
    assert!(done.err.contains("'xyzzy'"), "{}", done.err);
}

#[test]
fn a_process_without_virtual_routers_says_so() {
    let place = Place::new("none");
    let (_lb, _, _origin) = serve(&place, "");
    for words in [&["vrrp", "show"][..], &["vrrp", "handover", "VI_1"]] {
        let done = place.ctl(words);
        assert_eq!((done.code, done.out.as_str()), (1, ""));
        assert_eq!(
            done.err,
            "error: there is no virtual router in this process\n"
        );
    }
}

#[test]
fn the_file_has_its_permissions_and_goes_with_the_process() {
    for (more, mode) in [("", 0o600), (", mode = \"0660\"", 0o660)] {
        let place = Place::new(&format!("mode-{mode:o}"));
        let (mut lb, _, _origin) = serve(&place, more);
        let metadata = fs::metadata(&place.0).expect("it is there");
        assert!(metadata.file_type().is_socket());
        assert_eq!(metadata.permissions().mode() & 0o777, mode);
        lb.signal(Signal::TERM);
        assert_eq!(lb.end().0.code(), Some(0));
        assert!(!place.0.exists());
    }
}

#[test]
fn a_level_limits_what_may_be_asked() {
    let place = Place::new("level");
    let (_lb, _, _origin) = serve(&place, ", level = \"operator\"");
    assert_eq!(place.ctl(&["show", "info"]).code, 0);
    let done = place.ctl(&["vrrp", "handover", "VI_1"]);
    assert_eq!(done.code, 1);
    let start = "error: Permission denied: `vrrp handover <NAME>` needs level admin";
    assert!(done.err.starts_with(start), "{}", done.err);
}

#[test]
fn a_socket_that_nobody_listens_on_is_replaced() {
    let place = Place::new("stale");
    drop(UnixListener::bind(&place.0).expect("a socket"));
    assert!(place.0.exists());
    let (mut lb, _, _origin) = serve(&place, "");
    assert_eq!(place.ctl(&["show", "info"]).code, 0);
    // Killed, it leaves its own, and the next one starts all the same.
    lb.signal(Signal::KILL);
    lb.end();
    assert!(place.0.exists());
    let (_lb, _, _origin) = serve(&place, "");
    assert_eq!(place.ctl(&["show", "info"]).code, 0);
}

/// `lb serve` that cannot start, with this socket.
fn refused(place: &Place) -> String {
    let origin = Origin::new();
    let text = configuration(place, "", &origin).replace("FRONT", &free().to_string());
    let file = File::new(&text);
    let done = run(&["serve", file.path()]);
    assert_eq!((done.code, done.out.as_str()), (4, ""));
    done.err
}

#[test]
fn a_socket_that_is_listened_on_and_a_file_stay() {
    let place = Place::new("used");
    let (_lb, _, _origin) = serve(&place, "");
    let why = refused(&place);
    assert!(why.contains("address in use"), "{why}");
    assert_eq!(place.ctl(&["show", "info"]).code, 0);

    let file = Place::new("file");
    fs::write(&file.0, "precious").expect("a writable directory");
    let why = refused(&file);
    assert!(why.contains("is not a socket"), "{why}");
    assert_eq!(fs::read_to_string(&file.0).expect("it stays"), "precious");

    let nowhere = Place(Path::new("/nonexistent/lb.sock").to_owned());
    let why =
        "error: cannot bind the admin socket /nonexistent/lb.sock: its directory does not exist\n";
    assert_eq!(refused(&nowhere), why);
}

#[test]
fn one_client_does_not_wait_for_another() {
    let place = Place::new("two");
    let (_lb, _, _origin) = serve(&place, "");
    let mut first = BufReader::new(place.connect());
    first.get_mut().write_all(b"prompt\n").expect("it is there");
    let mut line = String::new();
    first.read_line(&mut line).expect("a prompt");
    assert_eq!(line, "\n");
    // The first one is open and says nothing.
    let pid = value(&place.ask("show info\n"), "Pid").to_owned();
    first
        .get_mut()
        .write_all(b"show info\nquit\n")
        .expect("it is there");
    let mut rest = String::new();
    first.read_to_string(&mut rest).expect("an answer");
    assert!(
        rest.starts_with("> Name: lb\n") && rest.ends_with("\n\n> "),
        "{rest:?}"
    );
    assert_eq!(value(&rest, "Pid"), pid);
}

#[test]
fn clients_above_the_limit_are_answered_in_their_turn() {
    let place = Place::new("many");
    let (_lb, _, _origin) = serve(&place, "");
    let admitted = |_| {
        let mut client = place.connect();
        client.write_all(b"prompt\n").expect("it is there");
        let mut answer = [0; 3];
        client.read_exact(&mut answer).expect("a prompt");
        assert_eq!(&answer, b"\n> ");
        client
    };
    let held: Vec<_> = (0..10).map(admitted).collect();
    let mut late = place.connect();
    late.write_all(b"show info\n").expect("it is there");
    // Long enough to be answered, if anybody did.
    let moment = Some(Duration::from_millis(300));
    late.set_read_timeout(moment).expect("a socket");
    let waiting = late.read(&mut [0; 1]).expect_err("it has to wait");
    assert_eq!(waiting.kind(), ErrorKind::WouldBlock);
    drop(held);
    late.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let mut answer = String::new();
    late.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("Name: lb\n"), "{answer}");
}

#[test]
fn a_socket_that_is_not_there_is_an_error_of_the_system() {
    let place = Place::new("absent");
    let done = place.ctl(&["show", "info"]);
    assert_eq!((done.code, done.out.as_str()), (4, ""));
    let path = place.path();
    let expected = format!("error: cannot connect to {path}: No such file or directory\n");
    assert_eq!(done.err, expected);
    drop(UnixListener::bind(&place.0).expect("a socket"));
    let done = place.ctl(&["show", "info"]);
    let expected = format!("error: cannot connect to {path}: Connection refused\n");
    assert_eq!((done.code, done.err), (4, expected));
}

#[test]
fn the_environment_names_the_socket() {
    let place = Place::new("environment");
    let (_lb, _, _origin) = serve(&place, "");
    let ctl = |socket: &str| {
        let mut lb = Command::new(env!("CARGO_BIN_EXE_lb"));
        let output = lb.args(["ctl", "show", "info"]).env("LB_SOCKET", socket);
        output.output().expect("lb runs")
    };
    assert_eq!(ctl(place.path()).status.code(), Some(0));
    let other = ctl("/nonexistent/lb.sock");
    assert_eq!(other.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&other.stderr).contains("/nonexistent/lb.sock"));
}

#[test]
fn what_is_typed_wrong_is_a_usage_error() {
    for words in [&["ctl"][..], &["ctl", "show\ninfo"], &["ctl", "--socket"]] {
        let done = run(words);
        assert_eq!((done.code, done.out.as_str()), (2, ""), "{words:?}");
    }
}
