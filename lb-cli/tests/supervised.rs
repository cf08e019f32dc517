//! What the process becomes and whom it tells: `user`, `chroot`, `pidfile`, systemd's notifications, and the texts for
//! shells and `man`.

mod process;

use std::{
    fs,
    io::Write as _,
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use process::{File, Origin, PATIENCE, Peer, Running, free, run};
use rustix::process::Signal;

/// Debian's `nobody`, whose group is `nogroup`.
const NOBODY: &str = "65534\t65534\t65534\t65534";

/// A directory that goes with the test.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let path = path.join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a writable directory");
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The lines `key:` of every thread of a process.
fn of_threads(pid: u32, key: &str) -> Vec<String> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("it runs");
    let value = |thread: fs::DirEntry| {
        let status = fs::read_to_string(thread.path().join("status")).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        line.expect("the kernel tells")
            .trim_matches([':', '\t', ' '])
            .to_owned()
    };
    threads
        .map(|thread| value(thread.expect("it runs")))
        .collect()
}

#[test]
fn once_bound_it_is_nobody_in_an_empty_directory() {
    let origin = Origin::new();
    let directory = Directory::new("root");
    let pidfile = directory.0.join("lb.pid");
    // Only root may bind this one, and be another user after.
    let (mut lb, front) = Running::serve(&format!(
        "[global]\nuser = \"nobody\"\nchroot = \"{}\"\npidfile = \"{}\"\nworkers = 2\n\
         [listen.web]\nbind = [\"FRONT\", \"127.0.0.1:81\"]\n\
         server = [{{ name = \"s\", address = \"{}\" }}]\n",
        directory.0.display(),
        pidfile.display(),
        origin.address()
    ));
    let pid = lb.pid();
    assert_eq!(fs::read_to_string(&pidfile).unwrap(), format!("{pid}\n"));
    let root = fs::read_link(format!("/proc/{pid}/root")).unwrap();
    assert_eq!(root, directory.0);
    for key in ["Uid", "Gid"] {
        let ids = of_threads(pid, key);
        assert!(ids.len() >= 4, "{ids:?}");
        assert!(ids.iter().all(|id| id == NOBODY), "{ids:?}");
    }
    assert!(of_threads(pid, "Groups").iter().all(String::is_empty));
    // Binding low ports at most.
    for set in ["CapEff", "CapPrm"] {
        let sets = of_threads(pid, set);
        let few = |set: &String| u64::from_str_radix(set, 16).unwrap() & !0x400 == 0;
        assert!(sets.iter().all(few), "{set} {sets:?}");
    }
    let mut client = Peer::connect(front);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let (mut server, _) = origin.accept();
    server.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let head = client.head();
    assert!(head.starts_with("http/1.1 200"), "{head}");
    lb.signal(Signal::TERM);
    drop((client, server));
    assert!(lb.end().0.success());
}

#[test]
fn who_cannot_change_its_user_does_not_serve() {
    let directory = Directory::new("unprivileged");
    let binary = directory.0.join("lb");
    fs::copy(env!("CARGO_BIN_EXE_lb"), &binary).unwrap();
    let file = directory.0.join("lb.toml");
    let text = format!(
        "[global]\nuser = \"daemon\"\n[listen.a]\nbind = [\"{}\"]\n",
        free()
    );
    fs::write(&file, text).unwrap();
    let nobody = ["--reuid", "65534", "--regid", "65534", "--clear-groups"];
    let mut command = Command::new("setpriv");
    command.args(nobody).arg(&binary).arg("serve").arg(&file);
    let output = command.output().expect("util-linux has setpriv");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("error: cannot change to group 1: "), "{said}");
}

#[test]
fn systemd_is_told_when_it_serves_lives_and_stops() {
    let directory = Directory::new("notify");
    let path = directory.0.join("socket");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let heard = || {
        let mut buffer = [0; 256];
        let length = socket.recv(&mut buffer).expect("it says something");
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    let text = format!("[listen.a]\nbind = [\"{}\"]\n", free());
    let file = File::new(&text);
    let mut command = Command::new(env!("CARGO_BIN_EXE_lb"));
    command
        .args(["serve", file.path()])
        .env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", "200000")
        .stdout(Stdio::null());
    let mut lb = Running::spawn(command);
    assert!(heard().contains("READY=1"));
    assert!(heard().contains("WATCHDOG=1"));
    assert!(heard().contains("WATCHDOG=1"));
    lb.signal(Signal::TERM);
    while !heard().contains("STOPPING=1") {}
    assert!(lb.end().0.success());
}

#[test]
fn a_shell_takes_the_completions_and_man_the_page() {
    let done = run(&["completions", "bash"]);
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(done.out.contains("explain") && done.out.contains("serve"));
    let mut shell = Command::new("bash")
        .arg("-n")
        .stdin(Stdio::piped())
        .spawn()
        .expect("Debian has bash");
    let mut input = shell.stdin.take().unwrap();
    input.write_all(done.out.as_bytes()).unwrap();
    drop(input);
    assert!(shell.wait().unwrap().success());
    for shell in ["zsh", "fish"] {
        assert_eq!(run(&["completions", shell]).code, 0);
    }
    assert_eq!(run(&["completions", "cmd"]).code, 2);
    let page = run(&["man"]);
    assert_eq!(page.code, 0);
    assert!(page.out.contains(".TH lb 1"), "{}", page.out);
    for command in ["serve", "check", "explain", "ctl"] {
        assert!(page.out.contains(command), "{command} in\n{}", page.out);
    }
}
