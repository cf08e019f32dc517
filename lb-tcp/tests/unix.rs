//! Unix sockets: files, permissions, stale ones, and the abstract namespace.
#![allow(clippy::unwrap_used)] // Helpers of tests are tests.

use std::fs;
use std::num::NonZeroUsize;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;

use lb_tcp::{Address, Connector, Endpoint, Listen, Stream};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

fn socket_path() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lb.sock");
    (dir, path)
}

async fn exchange(server: &mut Stream, client: &mut Stream) {
    client.write_all(b"ping").await.unwrap();
    client.shutdown().await.unwrap();
    let mut received = Vec::new();
    server.read_to_end(&mut received).await.unwrap();
    assert_eq!(received, b"ping");
    server.write_all(b"pong").await.unwrap();
    let mut answer = [0; 4];
    client.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"pong", "half-closed, the other way stays open");
}

#[tokio::test]
async fn a_path_is_listened_on_and_connected_to() {
    let (_dir, path) = socket_path();
    let address = Address::Unix(path.clone());
    let acceptor = Listen::new(address.clone()).bind().unwrap();
    let acceptor = acceptor.into_tokio().unwrap();
    assert_eq!(acceptor.local(), &Endpoint::Unix(path.clone()));

    let mut client = Connector::new().connect(&address).await.unwrap();
    let (mut server, peer) = acceptor.accept().await.unwrap();
    assert_eq!(peer, Endpoint::Unnamed);
    assert_eq!(client.peer().unwrap(), Endpoint::Unix(path));
    exchange(&mut server, &mut client).await;
}

#[tokio::test]
async fn an_abstract_name_is_listened_on_and_connected_to() {
    let name = format!("lb-tcp-test-{}", std::process::id());
    let address = Address::Abstract(name.clone());
    let acceptor = Listen::new(address.clone()).bind().unwrap();
    assert!(Listen::new(address.clone()).bind().unwrap_err().is_in_use());
    let acceptor = acceptor.into_tokio().unwrap();
    assert_eq!(acceptor.local(), &Endpoint::Abstract(name.into_bytes()));

    let mut client = Connector::new().connect(&address).await.unwrap();
    let (mut server, _) = acceptor.accept().await.unwrap();
    exchange(&mut server, &mut client).await;
}

#[test]
fn mode_and_owner_are_set() {
    let (_dir, path) = socket_path();
    let me = fs::metadata("/proc/self").unwrap();
    let listen = Listen::new(Address::Unix(path.clone()))
        .mode(0o612)
        .owner(Some(me.uid()), Some(me.gid()));
    let _listener = listen.bind().unwrap();
    let file = fs::metadata(&path).unwrap();
    assert_eq!(file.permissions().mode() & 0o7777, 0o612);
    assert_eq!((file.uid(), file.gid()), (me.uid(), me.gid()));
}

#[tokio::test]
async fn a_socket_left_behind_is_replaced() {
    let (_dir, path) = socket_path();
    let address = Address::Unix(path.clone());
    drop(Listen::new(address.clone()).bind().unwrap());
    assert!(path.exists(), "nobody removed it, as after a crash");

    let _listener = Listen::new(address.clone()).bind().unwrap();
    Connector::new().connect(&address).await.unwrap();
}

#[tokio::test]
async fn a_socket_in_use_stays() {
    let (_dir, path) = socket_path();
    let address = Address::Unix(path);
    let _listener = Listen::new(address.clone()).bind().unwrap();
    assert!(Listen::new(address.clone()).bind().unwrap_err().is_in_use());
    Connector::new().connect(&address).await.unwrap();
}

#[test]
fn a_file_that_is_no_socket_stays() {
    let (_dir, path) = socket_path();
    fs::write(&path, "precious").unwrap();
    let error = Listen::new(Address::Unix(path.clone())).bind().unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "unix:{}: the path exists and is not a socket",
            path.display()
        )
    );
    assert_eq!(fs::read_to_string(path).unwrap(), "precious");
}

#[tokio::test]
async fn workers_share_the_queue_of_a_unix_socket() {
    let (_dir, path) = socket_path();
    let address = Address::Unix(path);
    let two = NonZeroUsize::new(2).unwrap();
    let listeners = Listen::new(address.clone()).bind_each(two).unwrap();
    let _client = Connector::new().connect(&address).await.unwrap();
    let _client = Connector::new().connect(&address).await.unwrap();
    for listener in listeners {
        listener.into_tokio().unwrap().accept().await.unwrap();
    }
}

#[tokio::test]
async fn a_full_backlog_is_an_error_and_not_a_hang() {
    let (_dir, path) = socket_path();
    let address = Address::Unix(path);
    let _listener = Listen::new(address.clone()).backlog(0).bind().unwrap();
    let mut clients = Vec::new();
    let error = loop {
        match Connector::new().connect(&address).await {
            Ok(client) => clients.push(client),
            Err(error) => break error,
        }
        assert!(clients.len() < 10, "the backlog has no limit");
    };
    assert_eq!(error.io_error().kind(), std::io::ErrorKind::WouldBlock);
}
