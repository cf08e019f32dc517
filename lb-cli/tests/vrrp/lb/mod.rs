//! `lb serve` with `[vrrp]`: alone, with a peer link, and beside Keepalived.

mod hostile;
mod interop;
mod link;
mod takeover;

use lb_benches::rig::Program;

/// The binary that cargo has just built.
fn lb() -> Program {
    program(false)
}

/// The same, with a peer link.
fn linked() -> Program {
    program(true)
}

fn program(link: bool) -> Program {
    Program::Lb {
        path: env!("CARGO_BIN_EXE_lb").into(),
        link,
    }
}
