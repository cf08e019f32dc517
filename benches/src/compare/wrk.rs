//! The load generator: one thread of wrk in a closed loop, its result as exact numbers.
//!
//! wrk's own report rounds to three digits with changing units, so a script's `done` prints the counters it is made from. A script without `request` and
//! `response` leaves wrk's request path as fast as it is without one.

use std::{io, net::SocketAddr, path::Path, process::Stdio, time::Duration};

use super::{daemon::pinned, tools::Tools};

/// The processor of the load generator and the origins.
pub(super) const LOAD_CPU: usize = 1;

/// What wrk is given as its script.
pub(super) const SCRIPT: &str = r#"done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    "compare requests=%d duration_us=%d bytes=%d connect=%d read=%d write=%d status=%d timeout=%d p50_us=%d p99_us=%d\n",
    summary.requests, summary.duration, summary.bytes,
    e.connect, e.read, e.write, e.status, e.timeout, latency:percentile(50), latency:percentile(99)))
end
"#;

/// Why there is no outcome.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum LoadError {
    /// wrk could not be run.
    #[error("cannot run wrk")]
    Run(#[source] io::Error),
    /// wrk gave up, or printed something else.
    #[error("wrk gave no result: {0}")]
    NoResult(String),
}

/// The load of a case.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    /// Connections held open at a time.
    pub connections: u32,
    /// Request target.
    pub path: &'static str,
    /// Header lines beside `Host`.
    pub headers: &'static [&'static str],
}

/// What one run of wrk counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outcome {
    /// Responses read in full, good and bad.
    pub requests: u64,
    /// Time the load lasted.
    pub elapsed: Duration,
    /// Bytes of all responses, heads included.
    pub bytes: u64,
    /// What went wrong.
    pub errors: Errors,
    /// Median latency.
    pub p50: Duration,
    /// Latency that one request in a hundred exceeds.
    pub p99: Duration,
}

/// wrk's error counters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Errors {
    /// Connections that could not be made.
    pub connect: u64,
    /// Failed reads, and connections closed within a response.
    pub read: u64,
    /// Failed writes.
    pub write: u64,
    /// Responses that were neither 2xx nor 3xx.
    pub status: u64,
    /// Responses that took over two seconds.
    pub timeout: u64,
}

impl Errors {
    /// Each kind that occurred, as `3 read errors`.
    pub(super) fn describe(&self) -> Vec<String> {
        let kinds = [
            (self.connect, "connect errors"),
            (self.read, "read errors"),
            (self.write, "write errors"),
            (self.status, "responses not 2xx or 3xx"),
            (self.timeout, "timeouts"),
        ];
        let occurred = kinds.into_iter().filter(|(count, _)| *count > 0);
        occurred
            .map(|(count, kind)| format!("{count} {kind}"))
            .collect()
    }
}

/// Loads `target` for `seconds`; `script` is a file that holds [`SCRIPT`].
pub(super) async fn run(
    tools: &Tools,
    script: &Path,
    load: &Load,
    target: SocketAddr,
    seconds: u32,
) -> Result<Outcome, LoadError> {
    let mut command = pinned(tools, LOAD_CPU, &tools.wrk);
    command.args([
        "--threads",
        "1",
        "--connections",
        &load.connections.to_string(),
    ]);
    command
        .args(["--duration", &format!("{seconds}s"), "--script"])
        .arg(script);
    for header in load.headers {
        command.args(["--header", header]);
    }
    command.arg(format!("http://{target}{}", load.path));
    let output = command
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await;
    let output = output.map_err(LoadError::Run)?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    parse(&stdout).ok_or_else(|| {
        let said = [
            stdout.trim(),
            String::from_utf8_lossy(&output.stderr).trim(),
        ]
        .join(" ");
        LoadError::NoResult(said.trim().to_owned())
    })
}

/// Finds the script's line among wrk's own report.
fn parse(output: &str) -> Option<Outcome> {
    let line = output
        .lines()
        .find_map(|line| line.strip_prefix("compare "))?;
    let number = |name: &str| -> Option<u64> {
        let mut fields = line.split(' ').filter_map(|field| field.split_once('='));
        fields.find(|(key, _)| *key == name)?.1.parse().ok()
    };
    let micros = |name| number(name).map(Duration::from_micros);
    Some(Outcome {
        requests: number("requests")?,
        elapsed: micros("duration_us")?,
        bytes: number("bytes")?,
        errors: Errors {
            connect: number("connect")?,
            read: number("read")?,
            write: number("write")?,
            status: number("status")?,
            timeout: number("timeout")?,
        },
        p50: micros("p50_us")?,
        p99: micros("p99_us")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "Running 2s test @ http://127.0.0.1:23901/
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   151.52us  141.87us   5.62ms   98.02%
    Req/Sec   123.31k     5.70k  130.59k    60.00%
  244652 requests in 2.00s, 35.46MB read
  Socket errors: connect 0, read 3, write 0, timeout 1
  Non-2xx or 3xx responses: 7
Requests/sec: 122238.42
Transfer/sec:     17.72MB
compare requests=244652 duration_us=2001433 bytes=37187104 connect=0 read=3 write=0 status=7 timeout=1 p50_us=125 p99_us=358
";

    #[test]
    fn the_report_is_read_to_the_digit() {
        let outcome = parse(REPORT).unwrap();
        let expected = Outcome {
            requests: 244_652,
            elapsed: Duration::from_micros(2_001_433),
            bytes: 37_187_104,
            errors: Errors {
                connect: 0,
                read: 3,
                write: 0,
                status: 7,
                timeout: 1,
            },
            p50: Duration::from_micros(125),
            p99: Duration::from_micros(358),
        };
        assert_eq!(outcome, expected);
    }

    #[test]
    fn every_kind_of_error_is_named() {
        let errors = parse(REPORT).unwrap().errors;
        assert_eq!(
            errors.describe(),
            ["3 read errors", "7 responses not 2xx or 3xx", "1 timeouts"]
        );
        assert!(Errors::default().describe().is_empty());
    }

    #[test]
    fn a_report_without_its_line_or_with_half_of_it_is_no_outcome() {
        assert_eq!(
            parse("unable to connect to 127.0.0.1:1 Connection refused\n"),
            None
        );
        assert_eq!(parse(&REPORT.replace(" p99_us=358", "")), None);
        assert_eq!(parse(&REPORT.replace("bytes=37187104", "bytes=many")), None);
    }
}
