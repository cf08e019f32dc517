//! The proxies the cases can run against: `lb`, or HAProxy or nginx with an equivalent configuration.
//!
//! Each case has its own listening port and its own server, so that no connection kept open for one
//! case is ever seen by another.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::address::bind;

/// From the start of the process to the first connection it accepts.
const START: Duration = Duration::from_secs(15);

/// Which program stands in the middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Lb,
    Haproxy,
    Nginx,
}

impl Peer {
    /// As `LB_ACCEPTANCE_PEER` says; `lb` without it.
    pub(crate) fn from_env() -> Result<Self, String> {
        match std::env::var("LB_ACCEPTANCE_PEER").as_deref() {
            Err(_) | Ok("" | "lb") => Ok(Peer::Lb),
            Ok("haproxy") => Ok(Peer::Haproxy),
            Ok("nginx") => Ok(Peer::Nginx),
            Ok(other) => Err(format!(
                "LB_ACCEPTANCE_PEER={other}: not lb, haproxy or nginx"
            )),
        }
    }

    /// The whole configuration, for pairs of listening address and server.
    fn config(self, routes: &[(SocketAddr, SocketAddr)], dir: &Path) -> String {
        let mut text = match self {
            Peer::Lb => "[defaults.timeout]\nconnect = \"1s\"\nclient = \"3s\"\nserver = \"2s\"\nhttp_request = \"2s\"\nhttp_keep_alive = \"3s\"\n".to_owned(),
            Peer::Haproxy => "defaults\n  mode http\n  timeout connect 1s\n  timeout client 3s\n  timeout server 2s\n  timeout http-request 2s\n  timeout http-keep-alive 3s\n".to_owned(),
            Peer::Nginx => nginx_preamble(dir),
        };
        for (n, (front, server)) in routes.iter().enumerate() {
            let _ = match self {
                Peer::Lb => write!(
                    text,
                    "[frontend.f{n}]\nbind = [\"{front}\"]\ndefault_backend = \"b{n}\"\n\
                     [backend.b{n}]\nserver = [{{ name = \"s1\", address = \"{server}\" }}]\n"
                ),
                Peer::Haproxy => {
                    write!(text, "listen l{n}\n  bind {front}\n  server s1 {server}\n")
                }
                Peer::Nginx => write!(
                    text,
                    "upstream u{n} {{ server {server}; keepalive 8; }}\n\
                     server {{ listen {front}; location / {{ proxy_pass http://u{n}; }} }}\n"
                ),
            };
        }
        if self == Peer::Nginx {
            text.push_str("}\n");
        }
        text
    }

    fn command(self, config: &Path, dir: &Path) -> Command {
        let (program, arguments) = match self {
            Peer::Lb => (env!("CARGO_BIN_EXE_lb"), vec!["serve"]),
            Peer::Haproxy => ("haproxy", vec!["-db", "-f"]),
            Peer::Nginx => (
                "nginx",
                vec!["-e", "stderr", "-p", dir.to_str().unwrap_or("."), "-c"],
            ),
        };
        let mut command = Command::new(program);
        command.args(arguments).arg(config);
        command
    }
}

/// What an nginx user adds to make it a keep-alive HTTP/1.1 reverse proxy with upgrades.
fn nginx_preamble(dir: &Path) -> String {
    let dir = dir.display();
    format!(
        "daemon off;\nmaster_process off;\npid {dir}/nginx.pid;\nevents {{ worker_connections 4000; }}\nhttp {{\n\
         access_log off;\nclient_body_temp_path {dir}/body;\nproxy_temp_path {dir}/proxy;\nfastcgi_temp_path {dir}/f;\n\
         uwsgi_temp_path {dir}/u;\nscgi_temp_path {dir}/s;\nclient_header_timeout 2s;\nclient_body_timeout 3s;\n\
         keepalive_timeout 3s;\nclient_max_body_size 0;\nproxy_connect_timeout 1s;\nproxy_read_timeout 2s;\n\
         proxy_http_version 1.1;\nproxy_request_buffering off;\nproxy_buffering off;\n\
         map $http_upgrade $upgrade {{ default upgrade; '' ''; }}\n\
         proxy_set_header Host $http_host;\nproxy_set_header Upgrade $http_upgrade;\nproxy_set_header Connection $upgrade;\n"
    )
}

/// A running proxy; killed when dropped, and its files removed.
pub(crate) struct Proxy {
    child: Child,
    dir: PathBuf,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

impl Proxy {
    /// Starts the peer in front of `servers`; gives its listening addresses in the same order.
    pub(crate) fn start(
        peer: Peer,
        servers: &[SocketAddr],
    ) -> Result<(Self, Vec<SocketAddr>), String> {
        let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("acceptance-{}", std::process::id()));
        fs::create_dir_all(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
        let held = servers
            .iter()
            .map(|_| bind())
            .collect::<Result<Vec<_>, _>>()?;
        let fronts = held
            .iter()
            .map(TcpListener::local_addr)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| e.to_string())?;
        let routes: Vec<_> = fronts
            .iter()
            .copied()
            .zip(servers.iter().copied())
            .collect();
        let (config, log) = (dir.join("config.toml"), dir.join("log"));
        fs::write(&config, peer.config(&routes, &dir))
            .map_err(|e| format!("{}: {e}", config.display()))?;
        let log_file = File::create(&log).map_err(|e| format!("{}: {e}", log.display()))?;
        let log_copy = log_file.try_clone().map_err(|e| e.to_string())?;
        let mut command = peer.command(&config, &dir);
        drop(held);
        let child = command
            .stdout(log_copy)
            .stderr(log_file)
            .spawn()
            .map_err(|e| format!("{command:?}: {e}"))?;
        let mut proxy = Proxy { child, dir };
        let deadline = Instant::now() + START;
        for front in &fronts {
            while TcpStream::connect(front).is_err() {
                let exited = proxy.child.try_wait().ok().flatten();
                if exited.is_some() || Instant::now() > deadline {
                    let log = proxy.log();
                    return Err(format!(
                        "{command:?} does not listen on {front} ({exited:?}):\n{log}"
                    ));
                }
                // Nothing tells when a process listens; the core is better left to it meanwhile.
                thread::park_timeout(Duration::from_millis(5));
            }
        }
        Ok((proxy, fronts))
    }

    /// What the proxy has written to its output.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }
}
