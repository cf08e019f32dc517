//! A small HTTP/1.1 client over one keep-alive connection: readiness, the check that a proxy does what its row claims, and idle connections.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// A proxy that takes longer for one request is broken.
const PATIENCE: Duration = Duration::from_secs(5);

/// One client connection.
#[derive(Debug)]
pub(super) struct Client {
    stream: TcpStream,
}

/// An answer, complete.
#[derive(Debug)]
pub(super) struct Reply {
    /// Status code.
    pub status: u16,
    /// Status line and header lines, as sent.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Reply {
    /// The first value of a header; `name` in lower case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

impl Client {
    /// Connects to a server on this machine.
    pub(super) async fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = timeout(PATIENCE, TcpStream::connect(address)).await??;
        stream.set_nodelay(true)?;
        Ok(Self { stream })
    }

    /// Requests `path`; `headers` is empty or whole lines, each with its line end.
    pub(super) async fn get(&mut self, path: &str, headers: &str) -> io::Result<Reply> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
        timeout(PATIENCE, self.exchange(&request)).await?
    }

    async fn exchange(&mut self, request: &str) -> io::Result<Reply> {
        self.stream.write_all(request.as_bytes()).await?;
        let mut received = Vec::new();
        loop {
            if let Some(reply) = parse(&received)? {
                return Ok(reply);
            }
            if self.stream.read_buf(&mut received).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

/// None while bytes are missing. Only bodies with a length are understood: the origins send no others.
fn parse(received: &[u8]) -> io::Result<Option<Reply>> {
    let invalid = |what| io::Error::new(io::ErrorKind::InvalidData, what);
    let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = String::from_utf8_lossy(&received[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.ok_or_else(|| invalid("no status code"))?;
    let mut reply = Reply {
        status,
        head,
        body: String::new(),
    };
    let length = reply
        .header("content-length")
        .and_then(|value| value.parse().ok());
    let length: usize = length.ok_or_else(|| invalid("no content-length"))?;
    let body = &received[end + 4..];
    if body.len() < length {
        return Ok(None);
    }
    reply.body = String::from_utf8_lossy(&body[..length]).into_owned();
    Ok(Some(reply))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] =
        b"HTTP/1.1 200 OK\r\nSet-Cookie: SRV=s1; path=/\r\ncontent-length: 5\r\n\r\nhello";

    #[test]
    fn an_answer_is_complete_with_its_last_byte_and_not_before() {
        for cut in 0..ANSWER.len() {
            assert!(parse(&ANSWER[..cut]).unwrap().is_none(), "{cut}");
        }
        let reply = parse(ANSWER).unwrap().unwrap();
        assert_eq!((reply.status, reply.body.as_str()), (200, "hello"));
        assert_eq!(reply.header("set-cookie"), Some("SRV=s1; path=/"));
        assert_eq!(reply.header("location"), None);
    }

    #[test]
    fn an_answer_without_a_length_is_an_error() {
        parse(b"HTTP/1.1 200 OK\r\n\r\nhello").unwrap_err();
        parse(b"nonsense\r\n\r\n").unwrap_err();
    }
}
