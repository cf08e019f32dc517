//! A real HAProxy that answers with what its expressions come to.

use std::{
    fmt::Write as _,
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, SystemTime},
};

const DEADLINE: Duration = Duration::from_secs(20);

/// The maps of the lists.
const MAPS: &[(&str, &str)] = &[
    (
        "beg.map",
        "# comment\n\n/a  one \n/a/b two\n/ab three\n/A caps\n  /lead lead val\n/a dup\nnoval\n",
    ),
    (
        "ip.map",
        "10.0.0.0/8 ten\n10.1.0.0/16 tenone\n10.1.2.3 host\n2001:db8::/32 six\n0.0.0.0/0 any\n",
    ),
    ("int.map", "1:5 low\n3 three\n10 ten\n"),
    ("reg.map", "^/a first\n^/ab second\n(x)(y) \\2\\1\n"),
    ("end.map", ".png img\ng any\n"),
    ("dom.map", "example.com ex\nwww w\n"),
    ("num.map", "k 5\n"),
    ("kip.map", "k 1.2.3.4\n"),
    ("srcs.map", "127.0.0.0/8 8\n"),
];

/// What is set before, and who may come.
const USERS: &str = "\
userlist users
 group admins users alice
 group all users alice,bob
 user alice insecure-password wonderland
 user bob insecure-password secret
 user carol password $1$saltsalt$/jkPlMLBgXfPMvVeXb86N0
 user dave password $6$saltsalt$W/jiUV33dYn/cXMzKd3V/qK7R0gXNlIkzvZQwrFh1OEVqfGBCG0/KBAwzxKlekMsd8d7Btk1XKIj2gjbuwyo80
";
const BEFORE: &str = " http-request set-var(txn.num) int(7)
 http-request set-var(txn.text) str(text)
 http-request set-var(txn.ip) ipv4(10.1.2.3)
 http-request set-var(txn.alg) str(HS256)
";

pub(crate) struct Haproxy {
    process: Child,
    pub(crate) directory: PathBuf,
    port: u16,
}

impl Haproxy {
    /// One that answers a request with `n: N` with what the expression N comes to.
    pub(crate) fn start(expressions: &[&str]) -> Self {
        Self::run(|directory| {
            let mut rules = String::new();
            for (at, expression) in expressions.iter().enumerate() {
                let expression = placed(expression, directory);
                write!(
                    rules,
                    " http-request set-var(txn.e) {expression} if {{ req.fhdr(n) {at} }}\n \
                     http-request return status 200 content-type text/plain lf-string <%[var(txn.e)]> \
                     if {{ req.fhdr(n) {at} }} {{ var(txn.e) -m found }}\n"
                )
                .unwrap();
            }
            rules.push_str(" http-request return status 404\n");
            rules
        })
    }

    /// One whose responses have a field `x-N` for each expression that comes to something.
    pub(crate) fn start_with_responses(expressions: &[&str]) -> Self {
        Self::run(|_| {
            let mut rules = " declare capture request len 10\n http-request capture str(kept) id 0\n default_backend origin\n".to_owned();
            for (at, expression) in expressions.iter().enumerate() {
                writeln!(rules, " http-response set-var(res.e{at}) {expression}").unwrap();
            }
            for at in 0..expressions.len() {
                writeln!(
                    rules,
                    " http-response set-header x-{at} <%[var(res.e{at})]> if {{ var(res.e{at}) -m found }}"
                )
                .unwrap();
            }
            rules
        })
    }

    fn run(rules: impl Fn(&Path) -> String) -> Self {
        static RUN: AtomicU32 = AtomicU32::new(0);
        let directory = std::env::temp_dir().join(format!(
            "lb-expressions-{}-{}",
            std::process::id(),
            RUN.fetch_add(1, Ordering::Relaxed)
        ));
        fs::create_dir_all(&directory).unwrap();
        for (name, content) in MAPS {
            fs::write(directory.join(name), content).unwrap();
        }
        let port = free_port();
        let configuration = configuration(&directory, port, &rules(&directory));
        fs::write(directory.join("haproxy.cfg"), configuration).unwrap();
        let process = haproxy()
            .args(["-db", "-f"])
            .arg(directory.join("haproxy.cfg"))
            .stdout(Stdio::null())
            .stderr(fs::File::create(directory.join("stderr")).unwrap())
            .spawn()
            .expect("HAProxy cannot be started; install it: apt-get install haproxy");
        let mut haproxy = Self {
            process,
            directory,
            port,
        };
        haproxy.wait_until_ready();
        haproxy
    }

    fn wait_until_ready(&mut self) {
        let deadline = SystemTime::now() + DEADLINE;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let stderr = || fs::read_to_string(self.directory.join("stderr")).unwrap();
            if self.process.try_wait().unwrap().is_some() {
                panic!("HAProxy ended: {}", stderr());
            }
            assert!(SystemTime::now() < deadline, "HAProxy hangs: {}", stderr());
            thread::yield_now();
        }
    }

    /// What the expression of this number comes to for a request, `GET / HTTP/1.1 | name: value`.
    pub(crate) fn ask(&self, number: usize, request: &str) -> Option<String> {
        let response = self.exchange(&format!("{request} | n: {number}"));
        let (head, body) = response.split_once("\r\n\r\n").expect("a response");
        match &head[..12] {
            "HTTP/1.1 404" => None,
            "HTTP/1.1 200" => Some(bare(body)),
            _ => panic!("{request}: {head}"),
        }
    }

    /// The fields `x-0` and so on of a response.
    pub(crate) fn responses(&self, count: usize) -> Vec<Option<String>> {
        let response = self.exchange("GET /p?a=1 HTTP/1.1 | host: h.example");
        let field = |at: usize| {
            let name = format!("x-{at}: ");
            response
                .lines()
                .find_map(|line| line.strip_prefix(&name))
                .map(bare)
        };
        (0..count).map(field).collect()
    }

    /// Whether it takes no configuration with this expression.
    pub(crate) fn refuses(&self, expression: &str) -> bool {
        let rule = format!(
            " http-request set-var(txn.e) {}\n",
            placed(expression, &self.directory)
        );
        let path = self.directory.join("refused.cfg");
        fs::write(&path, configuration(&self.directory, self.port, &rule)).unwrap();
        let checked = haproxy().arg("-c").arg("-f").arg(path).output().unwrap();
        !checked.status.success()
    }

    fn exchange(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let head = request.replace(" | ", "\r\n");
        // In one piece: the second half would wait for the first to be acknowledged.
        let request = format!("{head}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut response = Vec::new();
        stream.read_to_end(&mut response).unwrap();
        String::from_utf8(response).expect("printable results")
    }
}

impl Drop for Haproxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Without `<` and `>`, which show where blanks and nothing are.
fn bare(text: &str) -> String {
    let inner = text
        .strip_prefix('<')
        .and_then(|text| text.strip_suffix('>'));
    inner.expect("a result between < and >").to_owned()
}

fn placed(expression: &str, directory: &Path) -> String {
    expression.replace("@/", &format!("{}/", directory.display()))
}

fn haproxy() -> Command {
    let mut command = Command::new("haproxy");
    let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
    command.env("PATH", path);
    command
}

fn free_port() -> u16 {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap().port()
}

fn configuration(directory: &Path, port: u16, rules: &str) -> String {
    format!(
        "defaults\n mode http\n timeout client 20s\n timeout server 20s\n timeout connect 20s\n\
         {USERS}\
         frontend test\n bind 127.0.0.1:{port}\n{BEFORE}{rules}\
         backend idle\n server a 127.0.0.1:1\n server b 127.0.0.1:1 weight 5\n\
         backend origin\n server o unix@{directory}/origin\n\
         frontend origin\n bind unix@{directory}/origin\n \
         http-request return status 201 content-type text/plain string body hdr x \"1, 2\" hdr x 3 hdr y 12 \
         hdr z 192.0.2.5 hdr set-cookie \"a=1; path=/\" hdr set-cookie \"b=2\" hdr set-cookie \"n=17; secure\"\n",
        directory = directory.display(),
    )
}
