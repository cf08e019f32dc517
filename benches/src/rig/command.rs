//! Other programs, run to their end.

use std::{
    io::{self, Write as _},
    process::{Child, Command, Stdio},
};

use super::RigError;

/// Runs it with `input`, and gives back what it printed.
///
/// # Errors
/// If it is missing or does not end well.
pub(super) fn run(mut command: Command, input: &str) -> Result<String, RigError> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = spawn(&mut command)?;
    // What does not read its input need not be told of it.
    let sent = child
        .stdin
        .take()
        .map(|mut pipe| pipe.write_all(input.as_bytes()));
    drop(sent);
    let output = child
        .wait_with_output()
        .map_err(RigError::system("cannot wait for a command"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(RigError::Command {
        command: format!("{command:?}"),
        status: output.status,
        said: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}

/// Starts it; a program that is not there is told with its package.
pub(super) fn spawn(command: &mut Command) -> Result<Child, RigError> {
    command.spawn().map_err(|source| {
        let program = command.get_program().to_string_lossy().into_owned();
        let package = package(&program);
        match (source.kind(), package) {
            (io::ErrorKind::NotFound, Some(package)) => RigError::Missing { program, package },
            _ => RigError::System {
                what: format!("cannot start {program}"),
                source,
            },
        }
    })
}

fn package(program: &str) -> Option<&'static str> {
    Some(match program {
        "ip" => "iproute2",
        "nft" => "nftables",
        "keepalived" => "keepalived",
        "dumpcap" => "wireshark-common",
        "tshark" => "tshark",
        _ => return None,
    })
}

/// `ip` in a namespace, one command a line.
pub(super) fn ip(namespace: &str, lines: &str) -> Result<(), RigError> {
    let mut command = Command::new("ip");
    command.args(["-n", namespace, "-batch", "-"]);
    run(command, lines).map(drop)
}

/// `ip -j` in a namespace: its JSON.
pub(super) fn ip_json(namespace: &str, arguments: &[&str]) -> Result<serde_json::Value, RigError> {
    let mut command = Command::new("ip");
    command.args(["-n", namespace, "-j"]).args(arguments);
    let text = run(command, "")?;
    // Older versions print nothing at all for an empty list.
    let text = if text.trim().is_empty() { "[]" } else { &text };
    serde_json::from_str(text)
        .map_err(io::Error::from)
        .map_err(RigError::system("ip printed no JSON"))
}
