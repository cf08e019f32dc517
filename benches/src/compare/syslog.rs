//! The syslog server of the full case: a UDP socket of this process, to which all proxies send their log lines.
//!
//! Its thread shares the processor of the load, so that what it takes is nobody's figure. A proxy pays for what it sends.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rustix::{
    net::sockopt::{set_socket_recv_buffer_size, set_socket_recv_buffer_size_force},
    thread::{CpuSet, sched_setaffinity},
};
use tokio::time::{Instant, sleep};

/// Room for lines that come while the processor has other work; without root the system allows less.
const BUFFER: usize = 64 << 20;
/// How often the thread looks whether it is to end.
const TICK: Duration = Duration::from_millis(50);
/// How long the last lines may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Counts the lines of requests until it is dropped.
#[derive(Debug)]
pub(super) struct Syslog {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    lines: AtomicU64,
    ends: AtomicBool,
}

impl Syslog {
    /// Begins to receive on a loopback port, on processor `cpu`, and to count the lines of requests for `path`.
    pub(super) fn start(cpu: usize, path: &str) -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        set_socket_recv_buffer_size_force(&socket, BUFFER)
            .or_else(|_| set_socket_recv_buffer_size(&socket, BUFFER))?;
        socket.set_read_timeout(Some(TICK))?;
        let address = socket.local_addr()?;
        let shared = Arc::new(Shared::default());
        let counted = Arc::clone(&shared);
        let request = format!("GET {path} HTTP");
        let thread = thread::Builder::new().name("syslog".into());
        let thread = thread.spawn(move || {
            let mut processors = CpuSet::new();
            processors.set(cpu);
            // Where there is only one, it is everybody's.
            let _ = sched_setaffinity(None, &processors);
            counted.receive(&socket, request.as_bytes());
        })?;
        Ok(Self {
            address,
            shared,
            thread: Some(thread),
        })
    }

    /// Where lines are to be sent.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The lines so far.
    pub(super) fn lines(&self) -> u64 {
        self.shared.lines.load(Ordering::Relaxed)
    }

    /// The lines once there are as many as `expected`, or once they should be there.
    pub(super) async fn settled(&self, expected: u64) -> u64 {
        let deadline = Instant::now() + PATIENCE;
        while self.lines() < expected && Instant::now() < deadline {
            sleep(Duration::from_millis(1)).await;
        }
        self.lines()
    }
}

impl Shared {
    fn receive(&self, socket: &UdpSocket, request: &[u8]) {
        // Longer than any line of the case.
        let mut datagram = [0; 2048];
        while !self.ends.load(Ordering::Relaxed) {
            // An error is the time-out's.
            let Ok(length) = socket.recv(&mut datagram) else {
                continue;
            };
            let found = datagram[..length]
                .windows(request.len())
                .any(|at| at == request);
            self.lines.fetch_add(u64::from(found), Ordering::Relaxed);
        }
    }
}

impl Drop for Syslog {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_lines_of_the_request_count() {
        let syslog = Syslog::start(0, "/hello").unwrap();
        let proxy = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        for line in [
            "<150>a \"GET /hello HTTP/1.1\"\n",
            "<150>Server b/s1 is UP\n",
            "<150>b \"GET /seen HTTP/1.1\"\n",
            "<150>c \"GET /hello HTTP/1.1\"\n",
        ] {
            proxy.send_to(line.as_bytes(), syslog.address()).unwrap();
        }
        assert_eq!(syslog.settled(2).await, 2);
    }
}
