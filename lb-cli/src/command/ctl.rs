//! `lb ctl`: asks a running process.

use std::{
    env, io,
    io::{Read as _, Write as _},
    net::Shutdown,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;

use super::{Failed, output};
use crate::{admin::LONGEST_LINE, config::model::ADMIN_SOCKET};

/// A process that does not answer within this time will not.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks a running `lb serve`, at its admin socket
///
/// `lb ctl help` lists what may be asked. Commands are separated by `;`, which a
/// shell wants quoted. A refusal goes to standard error, and the exit code is 1.
#[derive(Debug, Args)]
pub(super) struct Ctl {
    /// The process's `global.admin.socket`; else $LB_SOCKET, else
    /// /run/lb/admin.sock
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,

    /// A JSON object for each answer, refusals too, all to standard output
    #[arg(long)]
    json: bool,

    /// What is asked, in as many words as it has
    #[arg(
        required = true,
        value_name = "COMMAND",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    words: Vec<String>,
}

impl Ctl {
    pub(super) fn run(self) -> Result<(), Failed> {
        let asked = self.words.join(" ");
        let (asked, payload) = match asked.split_once('\n') {
            None => (asked.as_str(), None),
            Some((command, lines)) => (command, Some(payload(command, lines)?)),
        };
        // Refusals are to be told from answers, which HAProxy does only when asked.
        let form = if self.json {
            "json"
        } else {
            "set severity-output number;"
        };
        let mut line = format!("{form} {asked}\n");
        if line.len() > LONGEST_LINE {
            let why = format!("a line has at most {LONGEST_LINE} octets");
            return Err(Failed::Usage(why));
        }
        line.push_str(&payload.unwrap_or_default());
        let answer = answer(&self.socket.unwrap_or_else(usual), &line)?;
        if self.json {
            return json(&answer);
        }
        let (done, refused) = sort(&answer);
        output::print(&done)?;
        if refused.is_empty() {
            Ok(())
        } else {
            Err(Failed::Refused(refused))
        }
    }
}

/// Lines that follow a command, and the empty one that ends them.
fn payload(command: &str, lines: &str) -> Result<String, Failed> {
    let lines = lines.trim_end_matches('\n');
    let why = match command.trim_end().ends_with(" <<") {
        false => "a command is one line; `;` separates several, and after `<<` lines follow",
        true if lines.split('\n').any(|line| line.trim().is_empty()) => {
            "no line that follows a command is empty"
        }
        true => return Ok(format!("{lines}\n\n")),
    };
    Err(Failed::Usage(why.to_owned()))
}

/// All that a process answers to a line.
pub(super) fn answer(socket: &Path, line: &str) -> Result<String, Failed> {
    let failed = |what: &str, why: &io::Error| {
        let (path, why) = (socket.display(), words(why));
        Failed::System(format!("cannot {what} {path}: {why}"))
    };
    let stream = UnixStream::connect(socket).map_err(|why| failed("connect to", &why))?;
    ask(&stream, line).map_err(|why| failed("speak to", &why))
}

/// Where a process listens that nobody has named.
pub(super) fn usual() -> PathBuf {
    let stated = env::var_os("LB_SOCKET").filter(|path| !path.is_empty());
    stated.map_or_else(|| Path::new(ADMIN_SOCKET).to_owned(), PathBuf::from)
}

fn ask(mut stream: &UnixStream, line: &str) -> io::Result<String> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(line.as_bytes())?;
    // Nothing more will come, even if the line asks for a prompt.
    stream.shutdown(Shutdown::Write)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Answers, one on a line; the last refusal decides how it ends.
fn json(answer: &str) -> Result<(), Failed> {
    let lines = || answer.lines().filter(|line| !line.is_empty());
    let mut done = lines().map(serde_json::from_str::<serde_json::Value>);
    let all_done = done.all(|line| line.is_ok_and(|line| line["ok"] == true));
    output::print(&lines().map(|line| format!("{line}\n")).collect::<String>())?;
    match all_done {
        true => Ok(()),
        false => Err(Failed::Refused(String::new())),
    }
}

/// Answers, and those that are refusals, each without the empty line that ends it; one stays between two.
fn sort(answer: &str) -> (String, String) {
    let (mut done, mut refused) = (Vec::new(), Vec::new());
    for one in answer.split("\n\n").map(|one| one.trim_matches('\n')) {
        if let Some(why) = one.strip_prefix("[3]: ") {
            refused.push(format!("error: {why}"));
        } else if !one.is_empty() {
            done.push(one.to_owned());
        }
    }
    let text = |answers: Vec<String>| {
        let end = if answers.is_empty() { "" } else { "\n" };
        answers.join("\n\n") + end
    };
    (text(done), text(refused))
}

/// As the system says it, without its number.
fn words(why: &io::Error) -> String {
    let text = match why.kind() {
        io::ErrorKind::WouldBlock => "it does not answer".to_owned(),
        _ => why.to_string(),
    };
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_from_answers() {
        let both = sort("\nName: lb\nPid: 1\n\n[3]: Unknown\n  help\n\nlast\n\n");
        let expected = ("Name: lb\nPid: 1\n\nlast\n", "error: Unknown\n  help\n");
        assert_eq!((both.0.as_str(), both.1.as_str()), expected);
        assert_eq!(sort("\n"), (String::new(), String::new()));
        // Only at the beginning of an answer.
        assert_eq!(sort("log\n[3]: x\n\n").1, "");
    }
}
