//! A browser without a window: Debian's Chromium, by its devtools protocol.
#![allow(
    clippy::disallowed_methods,
    reason = "a real browser runs on the real clock"
)]

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    sync::mpsc::{self, UnboundedReceiver},
    time::{Instant, sleep},
};

use crate::common::within;

/// Until what is on a page is as it should be. A browser on a busy machine is slow to start.
const PATIENCE: Duration = Duration::from_secs(40);

/// One window of it, in which `user:secret` is logged in everywhere.
pub(crate) struct Browser {
    child: Child,
    profile: PathBuf,
    to: ChildStdin,
    from: UnboundedReceiver<Value>,
    turn: u64,
    session: Option<Value>,
    loads: usize,
    /// What its console says: exceptions, refusals of the page's policy, failed requests.
    pub(crate) complaints: Vec<String>,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        // Its other processes see that it is gone, and write until then.
        for _ in 0..100 {
            if fs::remove_dir_all(&self.profile).is_ok() {
                break;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Browser {
    pub(crate) async fn start() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let profile = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("browser-{}-{number}", std::process::id()));
        fs::create_dir_all(&profile).expect("the target directory can be written");
        // It reads commands from descriptor 3 and answers on 4.
        let mut command = Command::new("sh");
        command.args([
            "-c",
            "exec chromium \"$@\" about:blank 3<&0 4>&1 </dev/null >/dev/null",
            "chromium",
            "--headless",
            "--remote-debugging-pipe",
            // Root has no sandbox, and the pages are our own.
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
        ]);
        command.arg(format!("--user-data-dir={}", profile.display()));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn().expect("a shell");
        let to = child.stdin.take().expect("a pipe");
        let mut answers = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, from) = mpsc::unbounded_channel();
        thread::spawn(move || {
            let mut message = Vec::new();
            while let Ok(1..) = answers.read_until(0, &mut message) {
                let value = serde_json::from_slice(message.strip_suffix(b"\0").unwrap_or(&message));
                if sender.send(value.expect("it speaks JSON")).is_err() {
                    break;
                }
                message.clear();
            }
        });
        let mut browser = Self {
            child,
            profile,
            to,
            from,
            turn: 0,
            session: None,
            loads: 0,
            complaints: Vec::new(),
        };
        browser.attach().await;
        browser
    }

    async fn attach(&mut self) {
        let targets = self.call("Target.getTargets", json!({})).await;
        let targets = targets["targetInfos"].as_array().unwrap();
        let page = targets.iter().find(|target| target["type"] == "page");
        let id = page.expect("a window")["targetId"].clone();
        let attach = json!({ "targetId": id, "flatten": true });
        let session = self.call("Target.attachToTarget", attach).await;
        self.session = Some(session["sessionId"].clone());
        for domain in ["Page", "Runtime", "Log", "Network"] {
            self.call(&format!("{domain}.enable"), json!({})).await;
        }
        let login = json!({ "headers": { "Authorization": "Basic dXNlcjpzZWNyZXQ=" } });
        self.call("Network.setExtraHTTPHeaders", login).await;
    }

    /// What a command gives.
    pub(crate) async fn call(&mut self, method: &str, params: Value) -> Value {
        self.turn += 1;
        let mut message = json!({ "id": self.turn, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = session.clone();
        }
        let sent = self.to.write_all(format!("{message}\0").as_bytes());
        assert!(sent.is_ok(), "no browser: apt-get install chromium");
        loop {
            let mut message = self.hear(method).await;
            if message["id"] == self.turn {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].take();
            }
        }
    }

    async fn hear(&mut self, why: &str) -> Value {
        let next = tokio::time::timeout(PATIENCE, self.from.recv()).await;
        let next = next.unwrap_or_else(|_| panic!("waited in vain for {why}"));
        let message = next.expect("no browser: apt-get install chromium");
        match message["method"].as_str() {
            Some("Page.loadEventFired") => self.loads += 1,
            Some("Runtime.exceptionThrown" | "Runtime.consoleAPICalled" | "Log.entryAdded") => {
                self.complaints.push(message["params"].to_string());
            }
            _ => {}
        }
        message
    }

    /// Goes to an address.
    pub(crate) async fn open(&mut self, url: &str) {
        let before = self.loads;
        self.call("Page.navigate", json!({ "url": url })).await;
        while self.loads == before {
            self.hear(url).await;
        }
    }

    pub(crate) async fn open_page(&mut self, front: SocketAddr, path: &str) {
        self.open(&format!("http://{front}{path}")).await;
    }

    /// A screen of this width, of a reader who likes it dark, or light.
    pub(crate) async fn screen(&mut self, width: u32, dark: bool) {
        let size =
            json!({ "width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500 });
        self.call("Emulation.setDeviceMetricsOverride", size).await;
        let theme = if dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": theme }] });
        self.call("Emulation.setEmulatedMedia", media).await;
    }

    /// What an expression is worth in the page.
    pub(crate) async fn eval(&mut self, expression: &str) -> Value {
        let what = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let mut said = self.call("Runtime.evaluate", what).await;
        assert!(said["exceptionDetails"].is_null(), "{expression}: {said}");
        said["result"]["value"].take()
    }

    /// Waits until an expression is worth this much.
    pub(crate) async fn until(&mut self, expression: &str, is: impl Into<Value>) {
        let (is, deadline) = (is.into(), Instant::now() + PATIENCE);
        loop {
            let now = self.eval(expression).await;
            if now == is {
                return;
            }
            assert!(Instant::now() < deadline, "{expression}: {now}, not {is}");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Presses a key: its name, its number, and the text it writes.
    async fn key(&mut self, name: &str, number: u8, text: &str) {
        for (kind, text) in [("keyDown", text), ("keyUp", "")] {
            let mut key =
                json!({ "type": kind, "key": name, "code": name, "windowsVirtualKeyCode": number });
            if !text.is_empty() {
                key["text"] = text.into();
            }
            self.call("Input.dispatchKeyEvent", key).await;
        }
    }

    pub(crate) async fn space(&mut self) {
        self.key(" ", 32, " ").await;
    }

    pub(crate) async fn enter(&mut self) {
        self.key("Enter", 13, "\r").await;
    }

    pub(crate) async fn down(&mut self) {
        self.key("ArrowDown", 40, "").await;
    }

    /// Goes from control to control, as with the Tab key, to the one of which this is true of `it`.
    pub(crate) async fn tab_to(&mut self, condition: &str) {
        let found = format!("(it => !!it && !!({condition}))(document.activeElement)");
        within(condition, async {
            loop {
                self.key("Tab", 9, "").await;
                if self.eval(&found).await == true {
                    break;
                }
            }
        })
        .await;
    }
}
