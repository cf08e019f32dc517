//! Which lines go where: targets of a frontend, formats of targets, samples, and files that are moved away.

use std::{fs, path::PathBuf, process::Command};

use crate::common::{address, process::Process, site::get, until, wire::Wire};

/// A directory that is removed at the end of the test.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    fn text(&self, file: &str) -> String {
        fs::read_to_string(self.0.join(file)).unwrap_or_default()
    }

    async fn has(&self, file: &str, line: &str) {
        until(&format!("{line} in {file}"), || {
            let text = self.text(file);
            text.lines().any(|found| found == line).then_some(())
        })
        .await;
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn ask(front: std::net::SocketAddr, target: &str) {
    let mut client = Wire::send_to(front, get(target, "Connection: close\r\n")).await;
    client.rest().await;
}

#[tokio::test]
async fn every_frontend_has_its_targets_and_every_target_its_format() {
    let dir = Dir::new("targets");
    let [plain, own, both, none] = [(); 4].map(|()| address::free());
    let at = dir.0.display();
    let frontend = |name: &str, front, keys: &str| {
        format!(
            "[frontend.{name}]\nbind = [\"{front}\"]\ndefault_backend = \"app\"\nhttp_request = [\"deny\"]\n{keys}\n"
        )
    };
    let config = format!(
        "[global]\nworkers = 1\nlog = [{{ to = \"stdout\" }}, {{ to = \"file://{at}/global\", level = \"info\" }}, \
         {{ to = \"file://{at}/formatted\", level = \"info\", format = \"G %ft %HU\" }}, \
         {{ to = \"file://{at}/sampled\", level = \"info\", format = \"G %ft %HU\", sample = \"2:3\" }}, \
         {{ to = \"file://{at}/notices\", level = \"notice\", format = \"json\" }}]\n\
         [defaults]\nlog_format = \"D %ft %HU\"\n{}{}{}{}[backend.app]\nserver = []\n",
        frontend("plain", plain, ""),
        frontend(
            "own",
            own,
            &format!("log_format = \"O %ft %HU\"\nlog = [{{ to = \"file://{at}/own\" }}]")
        ),
        frontend(
            "both",
            both,
            &format!("log = [\"global\", {{ to = \"file://{at}/own\" }}]")
        ),
        frontend("none", none, "log = []"),
    );
    let proxy = Process::lb(&config, &[plain, own, both, none]).await;
    // Each is the last of its frontend for everybody, so nothing comes after it.
    ask(none, "/0").await;
    ask(plain, "/1").await;
    ask(own, "/2").await;
    ask(both, "/3").await;
    dir.has("own", "D both /3").await;
    dir.has("formatted", "G both /3").await;
    dir.has("global", "D both /3").await;
    dir.has("sampled", "G both /3").await;
    let requests = |file: &str| -> Vec<String> {
        let text = dir.text(file);
        let of_requests = text
            .lines()
            .filter(|line| line.as_bytes().get(1) == Some(&b' '));
        of_requests.map(str::to_owned).collect()
    };
    assert_eq!(dir.text("own"), "O own /2\nD both /3\n");
    assert_eq!(requests("global"), ["D plain /1", "D both /3"]);
    assert_eq!(requests("formatted"), ["G plain /1", "G both /3"]);
    assert_eq!(requests("sampled"), ["G both /3"]);
    // Messages of the process go to the targets of [global] only, as objects where lines are.
    assert!(!proxy.log().contains("/0"));
    let stopped = Command::new("kill").arg(proxy.id().to_string()).status();
    assert!(stopped.unwrap().success());
    dir.has("global", "stopping on SIGTERM: no new connections")
        .await;
    let notice = until("a notice", || {
        dir.text("notices").lines().next().map(str::to_owned)
    })
    .await;
    let message: serde_json::Value = serde_json::from_str(&notice).unwrap();
    assert_eq!(message["level"], "notice");
    assert_eq!(
        message["message"],
        "stopping on SIGTERM: no new connections"
    );
    assert_eq!(dir.text("own"), "O own /2\nD both /3\n");
}

#[tokio::test]
async fn a_file_that_was_moved_away_is_begun_anew() {
    let dir = Dir::new("rotated");
    let front = address::free();
    let at = dir.0.display();
    let config = format!(
        "[global]\nworkers = 1\nlog = [{{ to = \"stdout\" }}, {{ to = \"file://{at}/lines\", format = \"%HU!\" }}]\n\
         [frontend.web]\nbind = [\"{front}\"]\ndefault_backend = \"app\"\n[backend.app]\nserver = []\n"
    );
    let _proxy = Process::lb(&config, &[front]).await;
    ask(front, "/before").await;
    dir.has("lines", "/before!").await;
    fs::rename(dir.0.join("lines"), dir.0.join("lines.1")).unwrap();
    ask(front, "/after").await;
    dir.has("lines", "/after!").await;
    assert!(!dir.text("lines.1").contains("/after"));
}
