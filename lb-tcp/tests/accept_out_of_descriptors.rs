//! A process that runs out of descriptors must see it, and lose no connection to it.
//!
//! Alone in its file, for it takes every descriptor of the process.

use std::fs::File;
use std::net::TcpStream;

use lb_tcp::Listen;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

#[tokio::test]
async fn the_connection_waits_until_there_is_a_descriptor() {
    let listener = Listen::new("127.0.0.1:0".parse().unwrap()).bind().unwrap();
    let address = listener.local().inet().unwrap();
    let acceptor = listener.into_tokio().unwrap();
    let client = TcpStream::connect(address).unwrap();

    let maximum = getrlimit(Resource::Nofile).maximum;
    let current = Some(64);
    setrlimit(Resource::Nofile, Rlimit { current, maximum }).unwrap();
    let files: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();

    for _ in 0..2 {
        let error = acceptor.accept().await.unwrap_err();
        assert_eq!(error.raw_os_error(), Some(24), "EMFILE, not {error}");
    }
    drop(files);
    let (_stream, peer) = acceptor.accept().await.unwrap();
    assert_eq!(peer.inet(), client.local_addr().ok());
}
