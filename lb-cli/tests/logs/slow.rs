//! Targets that do not read: requests go on, other targets get every line, what is lost is told, and the process ends.

use std::{fs, path::PathBuf, process::Command};

use tokio::net::TcpListener;

use crate::common::{address, process::Process, site::get, until, wire::Wire, within};

/// With a target of 7 KiB each, several times what queue, pipe and connection hold.
const REQUESTS: usize = 3000;

#[tokio::test]
async fn a_target_that_does_not_read_delays_nobody() {
    let dir =
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("slow-{}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    let (fifo, file) = (dir.join("fifo"), dir.join("lines"));
    let made = Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tcp = listener.local_addr().unwrap();
    let front = address::free();
    let config = format!(
        "[global]\nworkers = 1\nlog = [\n  {{ to = \"stdout\", level = \"notice\" }},\n\
         {{ to = \"file://{}\", level = \"info\" }},\n\
         {{ to = \"syslog+tcp://{tcp}\", len = 65535 }},\n\
         {{ to = \"file://{}\", format = \"%ST %HM\", level = \"info\" }},\n]\n\
         [frontend.web]\nbind = [\"{front}\"]\nhttp_request = [\"deny\"]\ndefault_backend = \"app\"\n[backend.app]\nserver = []\n",
        fifo.display(),
        file.display(),
    );
    let proxy = Process::lb(&config, &[front]).await;
    let request = get(&format!("/{}", "x".repeat(7000)), "");
    let mut client = Wire::connect(front).await;
    for _ in 0..REQUESTS {
        client.send(&request).await;
        let response = within("a response", client.response()).await;
        assert_eq!(response.status(), 403);
    }
    for name in [
        format!("file://{}", fifo.display()),
        format!("syslog+tcp://{tcp}"),
    ] {
        let note = format!("log target {name} is too slow: lines are dropped");
        proxy.logged("what is slow", |line| line == note).await;
    }
    // The other file has every line, in its own format.
    until("every line", || {
        let text = fs::read_to_string(&file).unwrap_or_default();
        let requests = text.lines().filter(|line| *line == "403 GET").count();
        (requests == REQUESTS).then_some(())
    })
    .await;
    // What is in the queues is not waited for.
    let ended = Command::new("kill").arg(proxy.id().to_string()).status();
    assert!(ended.unwrap().success());
    until("the end of the process", || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", proxy.id())).ok()?;
        stat.contains(") Z ").then_some(())
    })
    .await;
    drop((client, listener));
    fs::remove_dir_all(dir).unwrap();
}

/// A pipe whose reader comes late gets what was waiting, and is told what it has missed.
#[tokio::test]
async fn a_late_reader_is_told_what_it_has_missed() {
    let dir =
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("late-{}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    let fifo = dir.join("fifo");
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    let front = address::free();
    let config = format!(
        "[global]\nworkers = 1\nlog = [{{ to = \"stdout\", level = \"notice\" }}, {{ to = \"file://{}\" }}]\n\
         [frontend.web]\nbind = [\"{front}\"]\nhttp_request = [\"deny\"]\ndefault_backend = \"app\"\n[backend.app]\nserver = []\n",
        fifo.display()
    );
    let proxy = Process::lb(&config, &[front]).await;
    let request = get(&format!("/{}", "x".repeat(7000)), "");
    let mut client = Wire::connect(front).await;
    for _ in 0..1000 {
        client.send(&request).await;
        client.response().await;
    }
    proxy
        .logged("what is slow", |line| {
            line.ends_with("is too slow: lines are dropped")
        })
        .await;
    let lines = tokio::task::spawn_blocking(move || {
        use std::io::{BufRead, BufReader};
        let reader = BufReader::new(fs::File::open(fifo).unwrap());
        let mut lines = 0_u64;
        for line in reader.lines() {
            let line = line.unwrap();
            if let Some((lost, _)) =
                line.split_once(" log lines dropped: the log target is too slow")
            {
                return (lines, lost.parse::<u64>().unwrap());
            }
            lines += u64::from(line.contains("\"GET /xx"));
        }
        panic!("the pipe has ended after {lines} lines");
    });
    let (written, lost) = within("the note", lines).await.unwrap();
    assert!(lost > 0 && written > 0, "{written} and {lost}");
    assert!(written + lost <= 1000, "{written} and {lost}");
    fs::remove_dir_all(dir).unwrap();
}
