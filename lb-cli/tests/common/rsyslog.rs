//! A real syslog server, rsyslog, as a process of the test with a configuration of its own.

use std::{
    fs,
    io::ErrorKind,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use super::until;

/// A running rsyslogd, which writes what it understands into a file.
pub(crate) struct Rsyslog {
    child: Child,
    dir: PathBuf,
}

impl Drop for Rsyslog {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

impl Rsyslog {
    /// Named apart from others of this test. Returns when it listens at both.
    pub(crate) async fn start(name: &str, udp: SocketAddr, tcp: SocketAddr) -> Self {
        let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("rsyslog-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).expect("the target directory can be written");
        let at = dir.display();
        let config = format!(
            "global(workDirectory=\"{at}\" maxMessageSize=\"64k\")\n\
             module(load=\"imudp\")\nmodule(load=\"imtcp\")\nmodule(load=\"imuxsock\" SysSock.Use=\"off\")\n\
             input(type=\"imudp\" address=\"{}\" port=\"{}\")\n\
             input(type=\"imtcp\" address=\"{}\" port=\"{}\")\n\
             input(type=\"imuxsock\" Socket=\"{at}/log.sock\" UseSysTimeStamp=\"off\")\n\
             template(name=\"all\" type=\"string\" string=\"%inputname% %syslogfacility-text%.%syslogseverity-text% %programname%:%msg%\\n\")\n\
             *.* action(type=\"omfile\" file=\"{at}/lines\" template=\"all\")\n",
            udp.ip(),
            udp.port(),
            tcp.ip(),
            tcp.port(),
        );
        fs::write(dir.join("rsyslog.conf"), config).expect("the target directory can be written");
        let mut command = Command::new("rsyslogd");
        command
            .args(["-n", "-f"])
            .arg(dir.join("rsyslog.conf"))
            .arg("-i")
            .arg(dir.join("pid"))
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let child = match command.spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                panic!(
                    "rsyslogd is not installed, and this test logs to it: apt-get install rsyslog"
                )
            }
            Err(error) => panic!("{error}"),
        };
        let rsyslog = Self { child, dir };
        listens(udp, tcp, &rsyslog.socket()).await;
        rsyslog
    }

    /// What it has understood, a line each: where it came in, facility and level, program, and what was said.
    pub(crate) fn lines(&self) -> Vec<String> {
        let text = fs::read(self.dir.join("lines")).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        text.lines().map(str::to_owned).collect()
    }

    /// Where it takes datagrams.
    pub(crate) fn socket(&self) -> PathBuf {
        self.dir.join("log.sock")
    }
}

/// Is somebody at these addresses?
async fn listens(udp: SocketAddr, tcp: SocketAddr, socket: &Path) {
    until("rsyslogd", || {
        let bound = |file: &str, address: SocketAddr| {
            let port = format!(":{:04X} ", address.port());
            fs::read_to_string(file).is_ok_and(|sockets| sockets.contains(&port))
        };
        let there = bound("/proc/net/udp", udp) && bound("/proc/net/tcp", tcp) && socket.exists();
        there.then_some(())
    })
    .await;
}
