//! The PROXY protocol against HAProxy, as sender and as receiver.
//!
//! HAProxy inherits its listening sockets from the test (`bind fd@N`): the kernel chooses the
//! ports, and a client may connect before HAProxy is ready.
#![allow(clippy::unwrap_used)] // Helpers of tests are tests.

use std::io::ErrorKind::ConnectionReset;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsRawFd as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use lb_tcp::proxy_protocol::{AcceptHeaderError, Header, Tlvs, accept_header};
use lb_tcp::{Acceptor, Address, Connector, Endpoint, Listen, Stream};
use rustix::io::{FdFlags, fcntl_setfd};
use tempfile::NamedTempFile;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

const DEADLINE: Duration = Duration::from_secs(10);

/// A connection that HAProxy opened.
struct Received {
    header: Header,
    /// What was read behind the header.
    payload: Vec<u8>,
    stream: Stream,
    peer: Endpoint,
}

/// HAProxy between a client and our [`Acceptor`].
struct Haproxy {
    child: Child,
    front: SocketAddr,
    server: Acceptor,
    _config: NamedTempFile,
}

impl Haproxy {
    /// Runs HAProxy with `bind` behind its listening address and `server` behind its server's.
    fn start(listen: &str, bind: &str, server: &str) -> Self {
        let front = TcpListener::bind(listen).unwrap();
        fcntl_setfd(&front, FdFlags::empty()).unwrap();
        let acceptor = Listen::new("127.0.0.1:0".parse().unwrap()).bind().unwrap();
        let acceptor = acceptor.into_tokio().unwrap();
        let mut config = NamedTempFile::new().unwrap();
        write!(
            config,
            "global\n  quiet\n\
             defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 10s\n  timeout server 10s\n\
             listen test\n  unique-id-format \"id-%ci\"\n  bind fd@{fd} {bind}\n  server s {to} {server}\n",
            fd = front.as_raw_fd(),
            to = acceptor.local(),
        )
        .unwrap();
        let child = Command::new("haproxy")
            .args(["-db", "-q", "-f"])
            .arg(config.path())
            .stdin(Stdio::null())
            .spawn()
            .expect("haproxy is needed for this test: apt-get install haproxy");
        Self {
            child,
            front: front.local_addr().unwrap(),
            server: acceptor,
            _config: config,
        }
    }

    async fn connect(&self) -> Stream {
        let to = Address::from(self.front);
        Connector::new().connect(&to).await.unwrap()
    }

    /// The next connection that lives until its header is read: HAProxy resets those of its
    /// checks as soon as they stand.
    async fn accept(&self) -> Received {
        let accept = async {
            loop {
                let (mut stream, peer) = self.server.accept().await.unwrap();
                let mut payload = Vec::new();
                match accept_header(&mut stream, &mut payload).await {
                    Err(AcceptHeaderError::Io(error)) if error.kind() == ConnectionReset => {}
                    header => {
                        return Received {
                            header: header.unwrap(),
                            payload,
                            stream,
                            peer,
                        };
                    }
                }
            }
        };
        timeout(DEADLINE, accept).await.expect("HAProxy connects")
    }
}

impl Drop for Haproxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends `header` and five bytes through HAProxy; gives the client's address and the header that
/// arrives, and holds that the bytes do.
async fn through(haproxy: &Haproxy, header: &[u8]) -> (Endpoint, Header) {
    let mut client = haproxy.connect().await;
    client
        .write_all(&[header, b"hello"].concat())
        .await
        .unwrap();
    let mut received = haproxy.accept().await;
    // Not before: HAProxy gives up a connection whose client leaves while it is being set up.
    client.shutdown().await.unwrap();
    let rest = received.stream.read_to_end(&mut received.payload);
    timeout(DEADLINE, rest).await.expect("FIN arrives").unwrap();
    assert_eq!(received.payload, b"hello");
    (client.local().unwrap(), received.header)
}

#[tokio::test]
async fn the_client_address_arrives_in_both_versions_and_families() {
    for server in [
        "send-proxy",
        "send-proxy-v2",
        "send-proxy-v2 proxy-v2-options crc32c",
    ] {
        for listen in ["127.0.0.1:0", "[::1]:0"] {
            let haproxy = Haproxy::start(listen, "", server);
            let (client, header) = through(&haproxy, b"").await;
            assert_eq!(header, Header::proxy(client, haproxy.front), "{server}");
        }
    }
}

#[tokio::test]
async fn the_unique_id_arrives() {
    let options = "send-proxy-v2 proxy-v2-options unique-id,crc32c";
    let haproxy = Haproxy::start("127.0.0.1:0", "", options);
    let (_, header) = through(&haproxy, b"").await;
    assert_eq!(header.tlvs().unique_id(), Some(&b"id-127.0.0.1"[..]));
}

#[tokio::test]
async fn health_checks_are_not_a_clients() {
    let check = "check inter 100ms check-send-proxy";
    let haproxy = Haproxy::start("127.0.0.1:0", "", &format!("send-proxy-v2 {check}"));
    assert!(haproxy.accept().await.header.is_local());

    let haproxy = Haproxy::start("127.0.0.1:0", "", &format!("send-proxy {check}"));
    // Version 1 has no LOCAL: HAProxy gives the addresses of the check itself.
    let received = haproxy.accept().await;
    assert_eq!(received.header.source(), Some(&received.peer));
}

#[tokio::test]
async fn haproxy_reads_what_we_send() {
    let haproxy = Haproxy::start("127.0.0.1:0", "accept-proxy", "send-proxy-v2");
    let inet = |text: &str| text.parse::<SocketAddr>().unwrap();
    let mut tlvs = Tlvs::new();
    tlvs.push(0xE5, b"ours").unwrap();
    for header in [
        Header::proxy(inet("192.0.2.7:51234"), inet("203.0.113.1:443")),
        Header::proxy(inet("[2001:db8::7]:51234"), inet("[2001:db8::1]:443")),
    ] {
        let encoders: [fn(&Header, &mut Vec<u8>); 3] = [
            Header::encode_v1,
            Header::encode_v2,
            Header::encode_v2_with_checksum,
        ];
        for encode in encoders {
            let mut bytes = Vec::new();
            encode(&header.clone().with_tlvs(tlvs.clone()), &mut bytes);
            assert_eq!(through(&haproxy, &bytes).await.1, header);
        }
    }

    let mut bytes = Vec::new();
    Header::local().encode_v2(&mut bytes);
    let (client, forwarded) = through(&haproxy, &bytes).await;
    assert_eq!(forwarded, Header::proxy(client, haproxy.front));
}
