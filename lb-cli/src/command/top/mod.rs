//! `lb top`: the statistics of a running process, in a terminal.
//!
//! It knows nothing but what the admin socket says: `show info` and `show stat`, as JSON. What is shown is decided in
//! `view`, `column` and `head`, which know no terminal; `screen` draws it and takes keys.

mod column;
mod feed;
mod head;
mod screen;
mod view;

use std::{io::IsTerminal as _, path::PathBuf, time::Duration};

use clap::Args;

use super::{Failed, ctl, output};
use view::View;

/// Shows what a running `lb serve` does, at its admin socket
///
/// Keys: arrows or j and k choose a server, d drains it, m takes it into
/// maintenance, e makes it ready again; s sorts by the next column, r the other
/// way round; / filters by name and state; q ends.
#[derive(Debug, Args)]
pub(super) struct Top {
    /// The process's `global.admin.socket`; else $LB_SOCKET, else
    /// /run/lb/admin.sock
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,

    /// Seconds from one look to the next
    #[arg(long, value_name = "SECONDS", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=3600))]
    interval: u64,

    /// Print one picture as text and end
    #[arg(long)]
    once: bool,
}

impl Top {
    pub(super) fn run(self) -> Result<(), Failed> {
        let feed = feed::Feed::new(self.socket.unwrap_or_else(ctl::usual));
        if self.once {
            let view = View::default();
            return output::print(&view.text(&feed.look()?));
        }
        if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
            let why = "`lb top` needs a terminal; `--once` prints one picture".to_owned();
            return Err(Failed::Usage(why));
        }
        // Before the screen is cleared: who cannot connect is told so.
        let first = feed.look()?;
        screen::run(&feed, first, Duration::from_secs(self.interval))
    }
}
