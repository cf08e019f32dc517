//! A real syslog server at every kind of target: it has to find facility, level, program and line in what `lb` sends.

use crate::common::{address, process::Process, rsyslog::Rsyslog, site::get, until, wire::Wire};

#[tokio::test]
async fn a_syslog_server_understands_every_target() {
    let (udp, tcp, front) = (address::free(), address::free(), address::free());
    let rsyslog = Rsyslog::start("targets", udp, tcp).await;
    let socket = rsyslog.socket();
    let config = format!(
        "[global]\nworkers = 1\nlog = [\n\
         {{ to = \"stdout\" }},\n\
         {{ to = \"syslog://{udp}\", facility = \"local1\", tag = \"udp\" }},\n\
         {{ to = \"syslog+tcp://{tcp}\", facility = \"local2\", tag = \"tcp\", len = 8192 }},\n\
         {{ to = \"syslog+tcp://{tcp}\", facility = \"local3\", tag = \"tcp5424\", protocol = \"rfc5424\" }},\n\
         {{ to = \"syslog://{udp}\", facility = \"local4\", tag = \"udp5424\", protocol = \"rfc5424\", format = \"json\" }},\n\
         {{ to = \"unix://{}\", facility = \"daemon\", tag = \"unix\" }},\n\
         {{ to = \"syslog://{udp}\", facility = \"local6\", tag = \"half\", sample = \"2:2\", level = \"info\" }},\n]\n\
         [frontend.web]\nbind = [\"{front}\"]\ndefault_backend = \"app\"\n\
         [backend.app]\nserver = []\n",
        socket.display()
    );
    let proxy = Process::lb(&config, &[front]).await;
    let long = format!("/{}", "long/".repeat(300));
    for target in ["/1", "/2", &long] {
        let mut client = Wire::send_to(front, get(target, "Connection: close\r\n")).await;
        client.rest().await;
    }
    let lines = until("every line", || {
        let lines = rsyslog.lines();
        let of = |tag: &str| lines.iter().filter(|line| line.contains(tag)).count();
        let whole = [" udp:", " tcp:", " tcp5424:", " udp5424:", " unix:"]
            .iter()
            .all(|tag| of(tag) >= 3);
        (whole && of(" half:") >= 1).then_some(lines)
    })
    .await;
    for (input, level, tag) in [
        ("imudp", "local1.info", "udp"),
        ("imtcp", "local2.info", "tcp"),
        ("imtcp", "local3.info", "tcp5424"),
        ("imuxsock", "daemon.info", "unix"),
    ] {
        let head = format!("{input} {level} {tag}:");
        let requests: Vec<_> = lines
            .iter()
            .filter(|line| line.starts_with(&head))
            .collect();
        assert_eq!(requests.len(), 3, "{head} in {lines:#?}");
        assert!(requests[0].contains(" web app/<NOSRV> 0/-1/-1/-1/"));
        assert!(requests[0].ends_with("\"GET /1 HTTP/1.1\""), "{requests:?}");
        // Only where there is room is a long line whole.
        let whole = requests[2].ends_with(" HTTP/1.1\"");
        assert_eq!(whole, tag == "tcp", "{requests:?}");
    }
    let objects: Vec<_> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("imudp local4.info udp5424:"))
        .collect();
    assert!(
        objects[0].trim_start().starts_with("{\"time\":\""),
        "{objects:?}"
    );
    assert!(objects[0].ends_with("\"method\":\"GET\",\"uri\":\"/1\",\"version\":\"HTTP/1.1\"}"));
    let half: Vec<_> = lines
        .iter()
        .filter(|line| line.starts_with("imudp local6.info half:"))
        .collect();
    assert_eq!(half.len(), 1, "{half:?}");
    assert!(half[0].ends_with("\"GET /2 HTTP/1.1\""), "{half:?}");
    drop(proxy);
}
