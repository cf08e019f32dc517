//! The same requests through `lb` and through HAProxy, and what both count of them.

use std::net::SocketAddr;

use crate::{
    common::{
        address,
        message::Message,
        origin::{self, Answer, Origin},
        process::Process,
        site::{get, post},
        until,
        wire::Wire,
    },
    table::Table,
};

/// Columns that say the same, whatever the machine does, of each kind of row. Bytes do not: HAProxy
/// counts those of its own representation of a message.
const FRONTEND: &[&str] = &[
    "scur",
    "smax",
    "stot",
    "dreq",
    "dresp",
    "ereq",
    "status",
    "pid",
    "sid",
    "type",
    "rate_lim",
    "hrsp_1xx",
    "hrsp_2xx",
    "hrsp_3xx",
    "hrsp_4xx",
    "hrsp_5xx",
    "hrsp_other",
    "req_tot",
    "mode",
    "conn_tot",
    "intercepted",
    "dcon",
    "dses",
    "wrew",
    "eint",
    "comp_in",
    "comp_out",
    "comp_byp",
    "comp_rsp",
    "cache_lookups",
    "cache_hits",
    "slim",
];
/// Without `smax`: one request after the other, and each program has its own moment at which the
/// one before has ended.
const SERVER: &[&str] = &[
    "qcur",
    "qmax",
    "scur",
    "slim",
    "stot",
    "dreq",
    "dresp",
    "ereq",
    "econ",
    "eresp",
    "wretr",
    "wredis",
    "status",
    "weight",
    "act",
    "bck",
    "chkfail",
    "chkdown",
    "qlimit",
    "pid",
    "sid",
    "throttle",
    "lbtot",
    "tracked",
    "type",
    "check_status",
    "check_code",
    "hanafail",
    "hrsp_1xx",
    "hrsp_2xx",
    "hrsp_3xx",
    "hrsp_4xx",
    "hrsp_5xx",
    "hrsp_other",
    "req_tot",
    "cli_abrt",
    "srv_abrt",
    "last_chk",
    "check_desc",
    "check_rise",
    "check_fall",
    "check_health",
    "mode",
    "wrew",
    "eint",
    "uweight",
    "agent_status",
    "addr",
    "cookie",
    "algo",
];
const BACKEND: &[&str] = &[
    "qcur",
    "qmax",
    "scur",
    "slim",
    "stot",
    "dreq",
    "dresp",
    "ereq",
    "econ",
    "eresp",
    "wretr",
    "wredis",
    "status",
    "weight",
    "act",
    "bck",
    "chkfail",
    "chkdown",
    "pid",
    "sid",
    "lbtot",
    "type",
    "hrsp_1xx",
    "hrsp_2xx",
    "hrsp_3xx",
    "hrsp_4xx",
    "hrsp_5xx",
    "hrsp_other",
    "req_tot",
    "cli_abrt",
    "srv_abrt",
    "mode",
    "wrew",
    "eint",
    "uweight",
];

pub(crate) struct Scene {
    proxy: Process,
    web: SocketAddr,
    pub(crate) stats: SocketAddr,
    _origins: [Origin; 2],
}

impl Scene {
    pub(crate) async fn new(lb: bool) -> Self {
        // Answers with the status that it is asked for.
        let answer = |message: &Message| {
            let status: Option<u16> = message.target()[1..].parse().ok();
            Answer::Send(match status {
                Some(204) => b"HTTP/1.1 204 X\r\n\r\n".to_vec(),
                Some(status) => {
                    format!("HTTP/1.1 {status} X\r\nContent-Length: 5\r\n\r\nhello").into_bytes()
                }
                None => origin::ok("hello"),
            })
        };
        let origins = [Origin::start(answer).await, Origin::start(answer).await];
        let [web, stats, nobody] = [address::free(), address::free(), address::free()];
        let servers = [origins[0].address(), origins[1].address()];
        let proxy = match lb {
            true => Self::lb(web, stats, servers, nobody).await,
            false => Self::haproxy(web, stats, servers, nobody).await,
        };
        Self {
            proxy,
            web,
            stats,
            _origins: origins,
        }
    }

    async fn lb(
        web: SocketAddr,
        stats: SocketAddr,
        [one, two]: [SocketAddr; 2],
        nobody: SocketAddr,
    ) -> Process {
        let config = format!(
            "[global]\nworkers = 2\nlog = [{{ to = \"stdout\" }}]\n\
             [defaults]\nvia = false\nretries = 1\nredispatch = false\ntimeout = {{ connect = \"500ms\" }}\n\
             [listen.stats]\nfullconn = 500\nbind = [\"{stats}\"]\nstats = {{ uri = \"/st\", auth = [\"user:secret\"] }}\n\
             [frontend.web]\nbind = [\"{web}\"]\nmaxconn = 100\ndefault_backend = \"app\"\n\
             use_backend = [\"dead if {{ path /dead }}\", \"empty if {{ path /empty }}\"]\n\
             [backend.app]\nfullconn = 500\nserver = [\n\
             {{ name = \"s1\", address = \"{one}\", maxconn = 20, maxqueue = 7, weight = 3 }},\n\
             {{ name = \"s2\", address = \"{two}\", check = {{ interval = \"500ms\", timeout = \"10s\", rise = 2, fall = 3 }} }},\n\
             {{ name = \"b1\", address = \"{one}\", backup = true }},\n\
             {{ name = \"off\", address = \"{one}\", disabled = true, check = {{ interval = \"100ms\" }} }}]\n\
             [backend.dead]\nfullconn = 500\nserver = [{{ name = \"none\", address = \"{nobody}\" }}]\n\
             [backend.empty]\nfullconn = 500\nserver = [{{ name = \"off\", address = \"{nobody}\", disabled = true }}]\n"
        );
        Process::lb(&config, &[web, stats]).await
    }

    async fn haproxy(
        web: SocketAddr,
        stats: SocketAddr,
        [one, two]: [SocketAddr; 2],
        nobody: SocketAddr,
    ) -> Process {
        let config = format!(
            "global\n  nbthread 2\n  log stdout format raw local0\n\
             defaults\n  mode http\n  log global\n  option httplog\n  balance roundrobin\n  retries 1\n  timeout connect 500ms\n  timeout client 5s\n  timeout server 5s\n  timeout check 10s\n\
             listen stats\n  fullconn 500\n  bind {stats}\n  stats uri /st\n  stats auth user:secret\n\
             frontend web\n  bind {web}\n  maxconn 100\n  use_backend dead if {{ path /dead }}\n  use_backend empty if {{ path /empty }}\n  default_backend app\n\
             backend app\n  fullconn 500\n  server s1 {one} maxconn 20 maxqueue 7 weight 3\n  server s2 {two} check inter 500ms rise 2 fall 3\n  server b1 {one} backup\n  server off {one} disabled check inter 100ms\n\
             backend dead\n  fullconn 500\n  server none {nobody}\n\
             backend empty\n  fullconn 500\n  server off {nobody} disabled\n"
        );
        Process::haproxy(&config, &[web, stats]).await
    }

    /// Requests of every kind, one after the other; then the statistics.
    async fn play(self) -> Table {
        // Three at a time; of those that come after them, at most two meet.
        let mut peak = Vec::new();
        for _ in 0..3 {
            let mut client = Wire::send_to(self.web, get("/", "")).await;
            client.response().await;
            peak.push(client);
        }
        drop(peak);
        while Table::of(self.stats, "/st;csv")
            .await
            .get("web", "FRONTEND", "scur")
            != "0"
        {}
        let mut client = Wire::connect(self.web).await;
        for target in ["/", "/204", "/302", "/404", "/500", "/", "/", "/"] {
            client.send(get(target, "")).await;
            client.response().await;
        }
        client.send(post("/", 5, "hello")).await;
        client.response().await;
        drop(client);
        for target in ["/dead", "/empty"] {
            let mut client = Wire::send_to(self.web, get(target, "")).await;
            assert_eq!(client.response().await.status(), 503);
        }
        let mut client = Wire::send_to(self.web, "no request\r\n\r\n").await;
        client.rest().await;
        // What is logged is counted.
        until("all lines", || {
            let log = self.proxy.log();
            (log.lines().filter(|line| line.contains("] web ")).count() == 15).then_some(())
        })
        .await;
        // Connections close when they do.
        loop {
            let table = self.checked().await;
            if table.get("web", "FRONTEND", "scur") == "0" {
                return table;
            }
        }
    }

    /// Once the first check of the server that is up has been made.
    pub(crate) async fn checked(&self) -> Table {
        loop {
            let table = Table::of(self.stats, "/st;csv").await;
            if table.get("app", "s2", "check_status") == "L4OK" {
                return table;
            }
        }
    }
}

#[tokio::test]
async fn what_is_counted_is_what_haproxy_counts() {
    let (ours, theirs) = tokio::join!(Scene::new(true), Scene::new(false));
    let (ours, theirs) = tokio::join!(ours.play(), theirs.play());
    assert_eq!(ours.header, theirs.header);
    let mut rows: Vec<_> = theirs.rows.keys().collect();
    rows.sort();
    let mut different = Vec::new();
    for (proxy, name) in rows {
        let columns = match name.as_str() {
            // Its own connections differ by how often it was asked.
            "FRONTEND" if proxy == "stats" => continue,
            "FRONTEND" => FRONTEND,
            "BACKEND" => BACKEND,
            _ => SERVER,
        };
        for column in columns {
            let (our, their) = (
                ours.get(proxy, name, column),
                theirs.get(proxy, name, column),
            );
            if our != their {
                different.push(format!("{proxy}/{name} {column}: {our}, not {their}"));
            }
        }
    }
    assert_eq!(ours.rows.len(), theirs.rows.len());
    assert!(different.is_empty(), "\n{}", different.join("\n"));
}
