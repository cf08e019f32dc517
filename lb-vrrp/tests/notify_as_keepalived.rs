//! Programs are told the same as Keepalived tells them. Needs root, keepalived and iproute2.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use lb_vrrp::script::{Notify, State, Subject};
use tokio::time::{sleep, timeout};

const PATIENCE: Duration = Duration::from_secs(60);
const NAMES: [&str; 5] = ["master", "backup", "fault", "stop", "any"];

/// Writes the programs, each of which appends its arguments to `NAME.told`.
fn programs(folder: &Path) -> [PathBuf; 5] {
    NAMES.map(|name| {
        let path = folder.join(name);
        let text = "#!/bin/sh\n{ printf '[%s]' \"$@\"; echo; } >> \"$0.told\"\n";
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    })
}

/// What each of them was told, oldest first.
fn told(folder: &Path) -> [String; 5] {
    NAMES.map(|name| fs::read_to_string(folder.join(format!("{name}.told"))).unwrap_or_default())
}

/// A Keepalived in a network of its own. Ended and removed when dropped.
struct Keepalived {
    namespace: String,
    process: Option<Child>,
}

impl Keepalived {
    fn start(folder: &Path) -> Self {
        let namespace = format!("lbnot{}", std::process::id());
        let mut this = Self {
            namespace,
            process: None,
        };
        let ns = &this.namespace;
        ip(&format!("netns add {ns}"));
        ip(&format!("-n {ns} link add eth0 type veth peer name eth1"));
        ip(&format!("-n {ns} link set eth0 up"));
        ip(&format!("-n {ns} link set eth1 up"));
        ip(&format!("-n {ns} address add 192.0.2.1/24 dev eth0"));
        let at = folder.display();
        let configuration = format!(
            "global_defs {{
                script_user root
                enable_script_security
            }}
            vrrp_instance \"VI 1\" {{
                interface eth0
                virtual_router_id 7
                priority 120
                virtual_ipaddress {{ 192.0.2.100/24 }}
                notify_master \"{at}/master 'own argument' 2\"
                notify_backup {at}/backup
                notify_fault {at}/fault
                notify_stop {at}/stop
                notify \"{at}/any 'own argument' 2\"
            }}\n"
        );
        fs::write(folder.join("conf"), configuration).unwrap();
        let file = |name: &str| folder.join(name).into_os_string();
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", ns, "keepalived", "--dont-fork", "--vrrp"])
            .args(["-f".into(), file("conf"), "-p".into(), file("pid")])
            .args(["-r".into(), file("vrrp.pid")])
            .stdout(Stdio::null());
        this.process = Some(command.spawn().unwrap());
        this
    }

    fn signal(&self, signal: rustix::process::Signal) {
        if let Some(process) = &self.process {
            let pid = i32::try_from(process.id()).unwrap();
            let pid = rustix::process::Pid::from_raw(pid).unwrap();
            let _ = rustix::process::kill_process(pid, signal);
        }
    }

    /// Asks it to end, and waits until it has.
    async fn stop(&mut self) {
        self.signal(rustix::process::Signal::TERM);
        if let Some(mut process) = self.process.take() {
            let ended = tokio::task::spawn_blocking(move || process.wait());
            timeout(PATIENCE, ended).await.unwrap().unwrap().unwrap();
        }
    }
}

impl Drop for Keepalived {
    fn drop(&mut self) {
        self.signal(rustix::process::Signal::TERM);
        if let Some(mut process) = self.process.take() {
            let _ = process.wait();
        }
        let _ = Command::new("ip")
            .args(["netns", "del", &self.namespace])
            .status();
    }
}

fn ip(line: &str) {
    let done = Command::new("ip").args(line.split(' ')).output();
    let done = done.expect("ip is missing: apt-get install iproute2");
    assert!(done.status.success(), "ip {line}: {done:?}");
}

async fn by_keepalived() -> [String; 5] {
    let version = Command::new("keepalived").arg("--version").output();
    version.expect("keepalived is missing: apt-get install keepalived");
    let folder = tempfile::tempdir().unwrap();
    programs(folder.path());
    let mut keepalived = Keepalived::start(folder.path());
    // It starts the program of a state and the one of any state side by side.
    let both = async |own: usize, word: &str| {
        let all = || told(folder.path());
        while !(all()[own].ends_with('\n') && all()[4].contains(word)) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, both(1, "BACKUP")).await.unwrap();
    timeout(PATIENCE, both(0, "MASTER")).await.unwrap();
    keepalived.stop().await;
    timeout(PATIENCE, both(3, "STOP")).await.unwrap();
    told(folder.path())
}

async fn by_us() -> [String; 5] {
    let folder = tempfile::tempdir().unwrap();
    let [master, backup, fault, stop, any] = programs(folder.path());
    let own = ["own argument", "2"].map(Into::into);
    let notify = Notify::builder()
        .on(State::Master, [vec![master], own.to_vec()].concat())
        .on(State::Backup, [backup])
        .on(State::Fault, [fault])
        .on(State::Stop, [stop])
        .any([vec![any], own.to_vec()].concat());
    let mut notifier = notify.build().unwrap().notifier(Subject::Instance, "VI 1");
    notifier.push(State::Backup, 120);
    notifier.push(State::Master, 120);
    for _ in 0..4 {
        let report = timeout(PATIENCE, notifier.next()).await.unwrap().unwrap();
        assert!(report.ok, "{}", report.reason);
    }
    notifier.stop(120);
    while let Some(report) = timeout(PATIENCE, notifier.next()).await.unwrap() {
        assert!(report.ok, "{}", report.reason);
    }
    told(folder.path())
}

#[tokio::test]
async fn every_program_gets_the_arguments_keepalived_gives() {
    let ours = by_us().await;
    assert_eq!(
        ours[4],
        "[own argument][2][INSTANCE][VI 1][BACKUP][120]\n\
         [own argument][2][INSTANCE][VI 1][MASTER][120]\n\
         [own argument][2][INSTANCE][VI 1][STOP][120]\n"
    );
    assert_eq!(ours, by_keepalived().await);
}
