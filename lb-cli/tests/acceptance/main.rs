//! What RFC 9110 and RFC 9112 ask of an HTTP/1.1 intermediary, case by case, over raw sockets against
//! the real `lb` binary. README.md beside this file says how to run it, and how HAProxy and nginx fare.
//!
//! A case names the RFC section, and accepts every behaviour that the section allows, whatever `lb`
//! happens to do; [`scene::Scene`] gives it both ends of the proxy.
#![allow(
    clippy::disallowed_methods,
    reason = "real sockets and processes run on the real clock"
)]

use std::net::{SocketAddr, TcpListener};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::thread;

use common::message;
use peer::{Peer, Proxy};
use scene::{Outcome, Scene};

mod chunked;
#[path = "../common/mod.rs"]
mod common;
mod connection;
mod fields;
mod framing;
mod host;
mod http10;
mod interim;
mod limits;
mod methods;
mod peer;
mod persistence;
mod request_line;
mod responses;
mod scene;
mod smuggling;
mod tape;
mod trailers;
mod upgrade;
mod wire;

/// One requirement and the code that looks whether it is met.
pub(crate) struct Case {
    name: &'static str,
    /// RFC and section.
    rfc: &'static str,
    /// The requirement in one line.
    says: &'static str,
    run: fn(&Scene) -> Outcome,
}

/// A line of a module's table.
pub(crate) const fn case(
    name: &'static str,
    rfc: &'static str,
    says: &'static str,
    run: fn(&Scene) -> Outcome,
) -> Case {
    Case {
        name,
        rfc,
        says,
        run,
    }
}

const MODULES: &[(&str, &[Case])] = &[
    ("request_line", request_line::CASES),
    ("host", host::CASES),
    ("fields", fields::CASES),
    ("framing", framing::CASES),
    ("chunked", chunked::CASES),
    ("trailers", trailers::CASES),
    ("smuggling", smuggling::CASES),
    ("connection", connection::CASES),
    ("http10", http10::CASES),
    ("interim", interim::CASES),
    ("methods", methods::CASES),
    ("responses", responses::CASES),
    ("upgrade", upgrade::CASES),
    ("limits", limits::CASES),
    ("persistence", persistence::CASES),
];

/// Cases at a time. They wait far more than they work.
const AT_A_TIME: usize = 24;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("acceptance: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether the suite is content: every case passed, or a peer was only measured.
fn run() -> Result<bool, String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |name: &str| {
        let mut filters = arguments.iter().filter(|a| !a.starts_with('-')).peekable();
        filters.peek().is_none() || filters.any(|filter| name.contains(filter.as_str()))
    };
    let all = MODULES.iter().flat_map(|(module, cases)| {
        cases
            .iter()
            .map(move |case| (format!("{module}::{}", case.name), case))
    });
    let cases: Vec<(String, &Case)> = all.filter(|(name, _)| wanted(name)).collect();
    if arguments.iter().any(|argument| argument == "--list") {
        cases.iter().for_each(|(name, _)| println!("{name}: test"));
        return Ok(true);
    }
    if cases.is_empty() {
        return Ok(true);
    }
    let peer = Peer::from_env()?;
    let servers = cases
        .iter()
        .map(|_| common::address::bind())
        .collect::<Result<Vec<TcpListener>, _>>()?;
    let addresses: Vec<SocketAddr> = servers.iter().filter_map(|s| s.local_addr().ok()).collect();
    let (proxy, fronts) = Proxy::start(peer, &addresses)?;
    let scenes: Vec<Mutex<Option<Scene>>> = fronts
        .into_iter()
        .zip(servers)
        .map(|(front, server)| Mutex::new(Some(Scene::new(front, server))))
        .collect();
    let next = AtomicUsize::new(0);
    let outcomes: Vec<OnceLock<Outcome>> = cases.iter().map(|_| OnceLock::new()).collect();
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    let Some((_, case)) = cases.get(n) else { break };
                    let scene = scenes[n].lock().expect("a scene is taken once").take();
                    let scene = scene.expect("a scene is taken once");
                    let outcome = catch_unwind(AssertUnwindSafe(|| (case.run)(&scene)));
                    let outcome = outcome.unwrap_or_else(|_| Err("the case panicked".into()));
                    let _ = outcomes[n].set(outcome);
                }
            });
        }
    });
    let mut passed = 0;
    for ((name, case), outcome) in cases.iter().zip(&outcomes) {
        let Case { rfc, says, .. } = case;
        match outcome.get() {
            Some(Ok(())) => {
                passed += 1;
                println!("pass {name} (RFC {rfc}): {says}");
            }
            Some(Err(seen)) => println!("FAIL {name} (RFC {rfc}): {says}\n     seen: {seen}"),
            None => println!("FAIL {name} (RFC {rfc}): {says}\n     seen: not run"),
        }
    }
    if passed < cases.len() && peer == Peer::Lb {
        println!("{}", proxy.log());
    }
    println!("{peer:?}: {passed} of {} passed", cases.len());
    Ok(passed == cases.len() || peer != Peer::Lb)
}
