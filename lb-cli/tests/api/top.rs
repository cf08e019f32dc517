//! `lb top`, as text and in a terminal.

use std::{
    io::{Read, Write},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Instant,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    process::{PATIENCE, run},
    rig::{Rig, origin},
};

#[test]
fn one_picture_is_text() {
    let rig = Rig::of(&[origin("a"), origin("b")]);
    rig.names(3);
    rig.done("set server app/b state drain");
    let done = run(&["top", "--once", "--socket", rig.place.path()]);
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    let lines: Vec<Vec<_>> = done
        .out
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(lines[0][..2], ["lb", env!("CARGO_PKG_VERSION")]);
    assert!(
        done.out
            .lines()
            .nth(1)
            .unwrap()
            .ends_with("1 of 2 servers up  1 draining")
    );
    assert_eq!(lines[3][..4], ["PROXY", "NAME", "STATUS", "FOR"]);
    assert_eq!(lines[4][..3], ["web", "FRONTEND", "OPEN"]);
    assert_eq!(lines[5][..4], ["app", "a", "no", "check"]);
    assert_eq!(lines[6][..3], ["app", "b", "DRAIN"]);
    assert_eq!(lines.len(), 8);
}

#[test]
fn without_a_process_or_a_terminal_it_says_so() {
    let nobody = run(&["top", "--once", "--socket", "/nonexistent"]);
    assert_eq!((nobody.code, nobody.out.as_str()), (4, ""));
    assert!(
        nobody.err.contains("cannot connect to /nonexistent"),
        "{}",
        nobody.err
    );
    let rig = Rig::of(&[origin("a")]);
    let piped = run(&["top", "--socket", rig.place.path()]);
    assert_eq!((piped.code, piped.out.as_str()), (2, ""));
    assert!(piped.err.contains("--once"), "{}", piped.err);
}

/// `lb top` in a terminal of its own, which `script` makes.
struct Screen {
    child: Child,
    output: Receiver<Vec<u8>>,
    seen: String,
}

impl Screen {
    fn start(rig: &Rig) -> Self {
        // The shell says its number, which is that of what it becomes.
        let line = format!(
            "stty rows 20 cols 140; echo pid=$$; exec {} top --socket {}",
            env!("CARGO_BIN_EXE_lb"),
            rig.place.path()
        );
        let mut script = Command::new("script");
        script
            .args(["-qfec", &line, "/dev/null"])
            .env("TERM", "xterm");
        script.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = script
            .spawn()
            .expect("script, which the package bsdutils has");
        let mut stdout = child.stdout.take().expect("a pipe");
        let (sender, output) = mpsc::channel();
        thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = stdout.read(&mut piece) {
                if sender.send(piece[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self {
            child,
            output,
            seen: String::new(),
        }
    }

    fn wait_for(&mut self, text: &str) {
        // It draws again and again, so that something always comes.
        let deadline = Instant::now() + PATIENCE;
        while !self.seen.contains(text) {
            let left = deadline.saturating_duration_since(Instant::now());
            let piece = self.output.recv_timeout(left);
            let piece = piece.unwrap_or_else(|_| panic!("no {text:?} in {:?}", self.seen));
            self.seen.push_str(&String::from_utf8_lossy(&piece));
        }
    }

    fn press(&mut self, keys: &str) {
        let stdin = self.child.stdin.as_mut().expect("a pipe");
        stdin.write_all(keys.as_bytes()).expect("it is there");
    }

    fn pid(&self) -> Pid {
        let (_, rest) = self.seen.split_once("pid=").expect("its number");
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        Pid::from_raw(digits.parse().expect("a number")).expect("not 0")
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What gives the terminal back.
const LEFT: &str = "\u{1b}[?1049l";

#[test]
fn a_key_drains_a_server_and_another_ends_it() {
    let rig = Rig::of(&[origin("a"), origin("b")]);
    let mut screen = Screen::start(&rig);
    screen.wait_for("quit");
    // The frontend is the first line, `b` the third.
    screen.press("jjd");
    rig.lb
        .wait_until("it is drained", |_| rig.stat("b", "status") == "DRAIN");
    assert_eq!(rig.names(2), "aa");
    screen.press("q");
    screen.wait_for(LEFT);
    assert_eq!(screen.child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn a_signal_leaves_the_terminal_as_it_was() {
    let rig = Rig::of(&[origin("a")]);
    let mut screen = Screen::start(&rig);
    screen.wait_for("quit");
    kill_process(screen.pid(), Signal::TERM).expect("it runs");
    screen.wait_for(LEFT);
    assert_eq!(screen.child.wait().expect("it ends").code(), Some(0));
}

/// As when a window is closed or a connection breaks.
#[test]
fn it_ends_with_its_terminal() {
    let rig = Rig::of(&[origin("a")]);
    let mut screen = Screen::start(&rig);
    screen.wait_for("quit");
    let command = format!("/proc/{}/cmdline", screen.pid().as_raw_nonzero());
    assert!(std::fs::read(&command).expect("it runs").starts_with(b"/"));
    screen.child.kill().expect("it is ours");
    // Nobody may have asked yet how it ended, but then it has no command any more.
    rig.lb.wait_until("it has ended", |_| {
        std::fs::read(&command).is_ok_and(|command| command.is_empty())
            || !std::path::Path::new(&command).exists()
    });
}
