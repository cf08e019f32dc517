//! One node alone: what it leaves behind, and what it gets over.
#![allow(
    clippy::disallowed_methods,
    reason = "a real process runs on the real clock"
)]

use std::{
    fs,
    io::Write as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use crate::stage::{PATIENCE, turn};

const ADDRESS: &str = "192.0.2.100/24";
const METRICS: &str = "127.0.0.1:9101";

/// `lb serve` in a network namespace.
struct Alone {
    namespace: String,
    file: PathBuf,
    lb: Option<Child>,
}

impl Alone {
    /// Starts it, and waits until it is master.
    fn start(name: &str, router: &str) -> Self {
        let namespace = format!("lb-alone-{name}-{}", std::process::id());
        let file = std::env::temp_dir().join(format!("{namespace}.toml"));
        let text = format!(
            "[global]\nworkers = 1\nmetrics = '{METRICS}'\nhard_stop_after = '1s'\n\
             [defaults.timeout]\nhttp_request = '60s'\nclient = '60s'\n\
             [frontend.web]\nbind = ['*:8080']\ndefault_backend = 'web'\n\
             [backend.web]\nserver = [{{ name = 'a', address = '127.0.0.1:9' }}]\n\
             [vrrp.VI_1]\ninterface = 'v0'\nvirtual_router_id = 7\nversion = 3\npriority = 254\n\
             state = 'master'\nvirtual_addresses = ['{ADDRESS}']\n{router}\n"
        );
        fs::write(&file, text).expect("a temporary file");
        let mut alone = Self {
            namespace,
            file,
            lb: None,
        };
        alone.ip(&["netns", "add", &alone.namespace]);
        for command in [
            "link add v0 type veth peer name v1",
            "link set lo up",
            "link set v0 up",
            "link set v1 up",
            "address add 192.0.2.1/24 dev v0",
        ] {
            let words: Vec<_> = ["-n", &alone.namespace]
                .into_iter()
                .chain(command.split(' '))
                .collect();
            alone.ip(&words);
        }
        let lb = alone
            .inside(env!("CARGO_BIN_EXE_lb"))
            .arg("serve")
            .arg(&alone.file)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("lb starts");
        alone.lb = Some(lb);
        alone.until("it is master", Self::is_master);
        alone
    }

    fn ip(&self, words: &[&str]) -> String {
        let output = Command::new("ip").args(words).output().expect("iproute2");
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// A program in the namespace, with the process id that it is started with.
    fn inside(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace, program]);
        command
    }

    fn is_master(&self) -> bool {
        let shown = self.ip(&["-n", &self.namespace, "-o", "-4", "address", "show"]);
        shown.contains(ADDRESS)
    }

    fn until(&self, what: &str, mut is: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is(self) {
            assert!(Instant::now() < deadline, "waited in vain until {what}");
            sleep(Duration::from_millis(20));
        }
    }

    fn pid(&self) -> u32 {
        self.lb.as_ref().expect("it runs").id()
    }

    /// The limit of its descriptors.
    fn limit(&self, descriptors: usize) {
        let (pid, limit) = (self.pid(), format!("--nofile={descriptors}:"));
        let prlimit = Command::new("prlimit")
            .args([format!("--pid={pid}"), limit])
            .status();
        assert!(prlimit.expect("util-linux").success());
    }

    /// The numbers of its descriptors.
    fn descriptors(&self) -> Vec<usize> {
        let entries = fs::read_dir(format!("/proc/{}/fd", self.pid())).expect("it runs");
        let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("proc").file_name();
        let names = entries.map(name);
        names
            .map(|name| name.to_string_lossy().parse().expect("a number"))
            .collect()
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        if let Some(lb) = &mut self.lb {
            let _ = lb.kill();
            let _ = lb.wait();
        }
        let _ = fs::remove_file(&self.file);
        let _ = Command::new("ip")
            .args(["netns", "delete", &self.namespace])
            .status();
    }
}

/// Its successor would be heard in 10 s, but who stops it does not wait so long: the process ended
/// with the address set, and nobody was left to remove it.
#[test]
fn an_address_that_nobody_took_over_in_time_is_removed() {
    let _turn = turn();
    let router = "advert_interval = '10s'\naddress_lifetime = '0s'";
    let mut alone = Alone::start("stop", router);
    let pid = alone.pid().to_string();
    let kill = Command::new("kill").args(["-TERM", &pid]).status();
    assert!(kill.expect("procps").success());
    let mut lb = alone.lb.take().expect("it runs");
    alone.until("it has ended", |_| {
        lb.try_wait().expect("it is ours").is_some()
    });
    assert!(!alone.is_master(), "the address is left behind");
}

#[test]
fn the_state_of_a_router_is_a_metric() {
    let _turn = turn();
    let alone = Alone::start("metrics", "advert_interval = '100ms'");
    let metrics = |alone: &Alone| {
        let place = METRICS.replace(':', "/");
        let request =
            "GET /metrics?scope=global HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n";
        let script = format!("exec 3<>/dev/tcp/{place}; printf '{request}' >&3; cat <&3");
        let output = alone.inside("bash").args(["-c", &script]).output();
        String::from_utf8(output.expect("bash starts").stdout).expect("it is text")
    };
    let has = |text: &str, line: &str| text.lines().any(|each| each.trim_end() == line);
    let text = metrics(&alone);
    for line in [
        "lb_vrrp_state{router=\"VI_1\",state=\"MASTER\"} 1",
        "lb_vrrp_state{router=\"VI_1\",state=\"BACKUP\"} 0",
        "lb_vrrp_priority{router=\"VI_1\"} 254",
    ] {
        assert!(has(&text, line), "{line}: {text}");
    }
    alone.ip(&["-n", &alone.namespace, "link", "set", "v1", "down"]);
    let fault = "lb_vrrp_state{router=\"VI_1\",state=\"FAULT\"} 1";
    alone.until("it is in fault", |alone| has(&metrics(alone), fault));
}

/// The last descriptor went to a client, and the socket was asked for the next: that it could
/// not was never taken back while no other client came, as none does once the address is gone.
#[test]
fn a_node_that_lacked_descriptors_is_master_again() {
    let _turn = turn();
    let alone = Alone::start(
        "descriptors",
        "advert_interval = '100ms'\ntrack_frontends = ['web']",
    );
    let used = alone.descriptors();
    let limit = used.iter().max().expect("it has some") + 3;
    alone.limit(limit);
    let opened: String = (0..limit - used.len())
        .map(|n| format!("exec {}<>/dev/tcp/192.0.2.1/8080; ", n + 10))
        .collect();
    let mut clients = alone
        .inside("bash")
        .args(["-c", &format!("{opened} read")])
        .stdin(Stdio::piped())
        .spawn()
        .expect("bash starts");
    alone.until("it is in fault", |alone| !alone.is_master());
    let mut input = clients.stdin.take().expect("it is piped");
    input.write_all(b"\n").expect("bash reads");
    clients.wait().expect("bash ends");
    alone.until("it is master again", Alone::is_master);
}

/// Its log went to a pipe, and the next line ended the thread of VRRP: the rest went on, and was
/// never master again.
#[test]
fn a_node_whose_log_nobody_reads_goes_on() {
    let _turn = turn();
    let mut alone = Alone::start("log", "advert_interval = '100ms'");
    drop(alone.lb.as_mut().expect("it runs").stderr.take());
    let link = |state| alone.ip(&["-n", &alone.namespace, "link", "set", "v1", state]);
    link("down");
    alone.until("it is in fault", |alone| !alone.is_master());
    link("up");
    alone.until("it is master again", Alone::is_master);
}
