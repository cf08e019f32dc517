//! `compression` in the real binary: who gets a coding, that every byte comes back, and what is refused.

mod process;

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

use flate2::read::GzDecoder;
use process::{File, Origin, PATIENCE, Running, run};

const TEXT: &str = "All work and no play makes Jack a dull boy. ";

fn serve(origin: &Origin, frontend: &str, backend: &str) -> (Running, SocketAddr) {
    Running::serve(&format!(
        "[global]\nworkers = 1\n[frontend.web]\nbind = [\"FRONT\"]\ndefault_backend = \"app\"\n{frontend}\n\
         [backend.app]\n{backend}\nserver = [{{ name = \"s\", address = \"{}\" }}]\n",
        origin.address()
    ))
}

/// What a client with these fields gets when the server answers with `head` and the text a hundred times: the head in
/// lower case, and the body.
fn ask(front: SocketAddr, origin: &Origin, fields: &str, head: &str) -> (String, Vec<u8>) {
    let mut client = TcpStream::connect(front).expect("it listens");
    client.set_read_timeout(Some(PATIENCE)).expect("a socket");
    write!(
        client,
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{fields}\r\n"
    )
    .expect("sent");
    let (mut server, _) = origin.accept();
    let body = TEXT.repeat(100);
    let length = body.len();
    server.send(&format!(
        "HTTP/1.1 {head}Content-Length: {length}\r\n\r\n{body}"
    ));
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).expect("a whole response");
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .expect("a head");
    let head = String::from_utf8(answer[..end].to_vec())
        .expect("text")
        .to_ascii_lowercase();
    let mut body = answer.split_off(end + 4);
    if head.contains("transfer-encoding: chunked") {
        body = unchunked(&body);
    }
    (head, body)
}

/// The data of chunks.
fn unchunked(mut chunks: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    loop {
        let line = chunks
            .iter()
            .position(|byte| *byte == b'\r')
            .expect("a chunk's length");
        let length = std::str::from_utf8(&chunks[..line]).expect("digits");
        let length = usize::from_str_radix(length, 16).expect("a length");
        chunks = &chunks[line + 2..];
        if length == 0 {
            return data;
        }
        data.extend_from_slice(&chunks[..length]);
        chunks = &chunks[length + 2..];
    }
}

#[test]
fn a_client_that_takes_it_gets_texts_compressed() {
    let origin = Origin::new();
    let compression =
        "compression = { algorithms = [\"gzip\"], types = [\"text/*\"], min_size = \"1KiB\" }";
    let (_lb, front) = serve(&origin, compression, "");
    let page = "200 OK\r\nContent-Type: text/html\r\nETag: \"1\"\r\n";
    let (head, body) = ask(front, &origin, "Accept-Encoding: gzip, br\r\n", page);
    for field in [
        "content-encoding: gzip",
        "vary: accept-encoding",
        "etag: w/\"1\"",
    ] {
        assert!(head.contains(field), "{field} in\n{head}");
    }
    assert!(!head.contains("content-length"), "{head}");
    assert!(body.len() < 500, "{}", body.len());
    let mut plain = String::new();
    GzDecoder::new(&*body)
        .read_to_string(&mut plain)
        .expect("gzip");
    assert_eq!(plain, TEXT.repeat(100));
    // Who does not ask, and what is no text.
    for (fields, page) in [
        ("", page),
        ("Accept-Encoding: br\r\n", page),
        (
            "Accept-Encoding: gzip\r\n",
            "200 OK\r\nContent-Type: image/png\r\n",
        ),
        (
            "Accept-Encoding: gzip\r\n",
            "404 Not Found\r\nContent-Type: text/html\r\n",
        ),
        (
            "Accept-Encoding: gzip\r\n",
            "200 OK\r\nContent-Type: text/html\r\nCache-Control: no-transform\r\n",
        ),
    ] {
        let (head, body) = ask(front, &origin, fields, page);
        assert!(!head.contains("content-encoding"), "{fields} {head}");
        assert_eq!(body, TEXT.repeat(100).as_bytes());
    }
}

#[test]
fn a_backend_has_its_own_word() {
    let origin = Origin::new();
    let frontend = "compression = { algorithms = [\"gzip\"] }";
    let backend = "compression = { algorithms = [\"zstd\", \"br\"] }";
    let (_lb, front) = serve(&origin, frontend, backend);
    let page = "200 OK\r\nContent-Type: application/json\r\n";
    for (accepted, coding) in [("gzip, br", "br"), ("br, zstd", "zstd")] {
        let fields = format!("Accept-Encoding: {accepted}\r\n");
        let (head, body) = ask(front, &origin, &fields, page);
        assert!(
            head.contains(&format!("content-encoding: {coding}")),
            "{head}"
        );
        assert!(body.len() < 500, "{}", body.len());
    }
}

#[test]
fn mistakes_are_told() {
    for (value, error) in [
        ("{ algorithms = [] }", "`algorithms` is empty"),
        ("{ types = [\"text/*\"] }", "`algorithms` is missing"),
        (
            "{ algorithms = [\"deflate\"] }",
            "`deflate` is HAProxy's, and not built here",
        ),
        ("{ algorithms = [\"lzma\"] }", "unknown algorithm `lzma`"),
        (
            "{ algorithms = [\"gzip\"], types = [\"html\"] }",
            "expected a media type",
        ),
        (
            "{ algorithms = [\"gzip\"], level = 9 }",
            "unknown key `level`",
        ),
    ] {
        let file = File::new(&format!(
            "[listen.a]\nbind = [\"127.0.0.1:8080\"]\ncompression = {value}\nserver = [{{ name = \"s\", address = \"127.0.0.1:1\" }}]\n"
        ));
        let done = run(&["check", file.path()]);
        assert_eq!(done.code, 1, "{value}");
        assert!(done.err.contains(error), "{value}: {}", done.err);
        assert!(done.err.contains(":3:"), "{value}: {}", done.err);
    }
}
