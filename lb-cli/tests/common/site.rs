//! The smallest site: one frontend, one backend, one worker.

use std::{fmt::Display, fmt::Write as _, net::SocketAddr};

use super::{address, message::Message, process::Process, wire::Wire};

/// A running `lb` that logs every request.
pub(crate) struct Site {
    pub(crate) lb: Process,
    pub(crate) front: SocketAddr,
}

/// What a test says of a site.
#[derive(Default)]
pub(crate) struct Config {
    /// Keys of `[global]`.
    pub(crate) global: String,
    /// Keys of `[frontend.http]`.
    pub(crate) frontend: String,
    /// Keys of `[backend.web]`.
    pub(crate) backend: String,
    /// Tables of its servers: see [`Config::server`].
    pub(crate) servers: String,
    /// Whole sections.
    pub(crate) more: String,
}

impl Config {
    /// Keys of the frontend and of the backend, one a line.
    pub(crate) fn new(frontend: &str, backend: &str) -> Self {
        Self {
            frontend: frontend.to_owned(),
            backend: backend.to_owned(),
            ..Self::default()
        }
    }

    /// One more server, with more keys.
    pub(crate) fn server(mut self, name: &str, address: impl Display, keys: &str) -> Self {
        let _ = write!(
            self.servers,
            "[[backend.web.server]]\nname = \"{name}\"\naddress = \"{address}\"\n{keys}\n"
        );
        self
    }

    /// The whole file.
    pub(crate) fn text(&self, bind: &str) -> String {
        let Self {
            global,
            frontend,
            backend,
            servers,
            more,
        } = self;
        format!(
            "[global]\nlog = [{{ to = \"stdout\" }}]\nworkers = 1\n{global}\n\
             [frontend.http]\nbind = {bind}\ndefault_backend = \"web\"\ndontlognull = true\n{frontend}\n\
             [backend.web]\n{backend}\n{servers}\n{more}\n"
        )
    }

    /// Runs it.
    pub(crate) async fn start(self) -> Site {
        let front = address::free();
        let lb = Process::lb(&self.text(&format!("[\"{front}\"]")), &[front]).await;
        Site { lb, front }
    }
}

impl Site {
    /// A client that has sent this.
    pub(crate) async fn send(&self, bytes: impl AsRef<[u8]>) -> Wire {
        Wire::send_to(self.front, bytes).await
    }

    /// The answer to a GET on a connection of its own.
    pub(crate) async fn get(&self, target: &str) -> Message {
        self.send(get(target, "")).await.response().await
    }

    /// The same, as text: what an origin called by name answers is its name.
    pub(crate) async fn who(&self, target: &str) -> String {
        let answer = self.get(target).await;
        assert_eq!(answer.status(), 200, "{}", answer.show());
        String::from_utf8(answer.body).expect("a name is text")
    }
}

/// A GET with these field lines.
pub(crate) fn get(target: &str, fields: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: a.example\r\n{fields}\r\n")
}

/// A POST that announces this much.
pub(crate) fn post(target: &str, length: usize, body: &str) -> String {
    format!("POST {target} HTTP/1.1\r\nHost: a.example\r\nContent-Length: {length}\r\n\r\n{body}")
}
