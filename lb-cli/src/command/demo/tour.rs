//! What the demonstration shows.

use std::{
    io::{self, StdoutLock, Write},
    net::SocketAddr,
};

use super::client;

/// Runs the demonstration against `front`, and prints it.
///
/// The log goes to standard output, too. Its lines wait until all is shown,
/// because this has the lock.
pub(super) fn show(front: SocketAddr, configuration: &str, once: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "A load balancer and three servers, all in this process.\n"
    )?;
    writeln!(out, "    http://{front}/       one of the servers answers")?;
    writeln!(out, "    http://{front}/kill   one dies, and comes back")?;
    writeln!(
        out,
        "    http://{front}/stats  all of them, and what they do\n"
    )?;
    writeln!(out, "It runs this; `lb serve FILE` runs yours:\n")?;
    for line in configuration.lines() {
        writeln!(out, "{}", format!("    {line}").trim_end())?;
    }
    Tour {
        out: &mut out,
        front,
    }
    .run()?;
    let rest = match once {
        true => "\nThe same in its log:\n",
        false => "\nNow you: open the URLs above. Ctrl-C ends it. This is its log:\n",
    };
    writeln!(out, "{rest}")?;
    out.flush()
}

struct Tour<'o, 'l> {
    out: &'o mut StdoutLock<'l>,
    front: SocketAddr,
}

impl Tour<'_, '_> {
    fn run(&mut self) -> io::Result<()> {
        writeln!(
            self.out,
            "\nClients without a cookie: the servers take turns.\n"
        )?;
        self.get("/", None)?;
        let mut jar = self.get("/", None)?;
        for _ in 0..2 {
            self.get("/", None)?;
        }
        writeln!(
            self.out,
            "\nA client that keeps its cookie: it stays on its server.\n"
        )?;
        for _ in 0..3 {
            jar = self.get("/", jar.as_deref())?.or(jar);
        }
        writeln!(
            self.out,
            "\nIts server dies: the next one takes over, and the client sees no error.\n"
        )?;
        jar = self.get("/kill", jar.as_deref())?.or(jar);
        for _ in 0..2 {
            jar = self.get("/", jar.as_deref())?.or(jar);
        }
        Ok(())
    }

    /// Shows one request; the cookie that it set, if it did.
    fn get(&mut self, path: &str, cookie: Option<&str>) -> io::Result<Option<String>> {
        let answer = client::get(self.front, path, cookie)?;
        let request = match cookie {
            Some(cookie) => format!("GET {path:5} with {cookie}"),
            None => format!("GET {path}"),
        };
        let set = answer.cookie.as_ref();
        let set = set.map_or_else(String::new, |set| format!("   sets {set}"));
        writeln!(
            self.out,
            "    {request:25}   {} {}{set}",
            answer.status, answer.body
        )?;
        Ok(answer.cookie)
    }
}
