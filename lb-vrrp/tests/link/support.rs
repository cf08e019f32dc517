//! Addresses that no other test has, and links that run by themselves.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use lb_vrrp::link::{LinkEvent, PeerLink, RouterState, RouterView};
use lb_vrrp::{Family, Priority, VirtualRouterId};
use tokio::sync::mpsc;

pub const KEY: &str = "the key of these tests";

/// Generous: the machine that runs this is busy.
const DEADLINE: Duration = Duration::from_secs(30);

/// An address of loopback that only this process uses, with a port that is never an ephemeral one.
pub fn address() -> SocketAddr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let host = NEXT.fetch_add(1, Ordering::Relaxed);
    let [_, port, high, low] = process::id().to_be_bytes();
    let ip = Ipv4Addr::new(127, high, low, host);
    SocketAddr::new(ip.into(), 20_000 + u16::from(port))
}

pub fn id() -> VirtualRouterId {
    VirtualRouterId::new(51).unwrap()
}

pub fn view(priority: u8, source: IpAddr) -> Vec<RouterView> {
    vec![RouterView {
        id: id(),
        family: Family::V4,
        interface: "eth0".into(),
        source: Some(source),
        priority: Priority(priority),
        state: RouterState::Master,
    }]
}

pub fn open(bind: SocketAddr, peers: &[SocketAddr], key: &str) -> PeerLink {
    let builder = PeerLink::builder().bind(bind).key(key);
    let builder = peers
        .iter()
        .fold(builder, |builder, &peer| builder.peer(peer));
    builder.build().unwrap().open().unwrap()
}

/// What [`Node::apply`] takes.
type Command = Box<dyn FnOnce(&mut PeerLink) + Send>;

/// A link in a task. Dropping it closes its sockets as a dying process's are: without a word.
pub struct Node {
    pub address: SocketAddr,
    commands: mpsc::UnboundedSender<Command>,
    events: mpsc::UnboundedReceiver<LinkEvent>,
    task: tokio::task::JoinHandle<PeerLink>,
}

impl Node {
    pub fn start(address: SocketAddr, peers: &[SocketAddr]) -> Self {
        Self::run(address, open(address, peers, KEY))
    }

    pub fn run(address: SocketAddr, mut link: PeerLink) -> Self {
        let (commands, mut orders) = mpsc::unbounded_channel::<Command>();
        let (told, events) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            loop {
                tokio::select! {
                    event = link.next() => drop(told.send(event)),
                    order = orders.recv() => match order {
                        Some(order) => order(&mut link),
                        None => return link,
                    },
                }
            }
        });
        Self {
            address,
            commands,
            events,
            task,
        }
    }

    pub fn apply(&self, order: impl FnOnce(&mut PeerLink) + Send + 'static) {
        assert!(self.commands.send(Box::new(order)).is_ok());
    }

    /// What `question` says of the link.
    pub async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut PeerLink) -> T + Send + 'static,
    ) -> T {
        let (answer, answered) = tokio::sync::oneshot::channel();
        self.apply(|link| drop(answer.send(question(link))));
        answered.await.unwrap()
    }

    pub async fn next(&mut self) -> LinkEvent {
        within(self.events.recv()).await.expect("the link runs")
    }

    /// Waits for `event`; whatever comes before is of no interest.
    pub async fn until(&mut self, event: LinkEvent) {
        let mut seen = Vec::new();
        let found = async {
            loop {
                let next = self.events.recv().await.expect("the link runs");
                if next == event {
                    return;
                }
                seen.push(next);
            }
        };
        if tokio::time::timeout(DEADLINE, found).await.is_err() {
            panic!("{event:?} did not come, but {seen:?}");
        }
    }

    /// What came until now and was not looked at.
    pub fn rest(&mut self) -> Vec<LinkEvent> {
        std::iter::from_fn(|| self.events.try_recv().ok()).collect()
    }

    /// The link, which runs no more.
    pub async fn stop(self) -> PeerLink {
        drop(self.commands);
        within(self.task).await.unwrap()
    }
}

pub async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(DEADLINE, future)
        .await
        .expect("it happens before the deadline")
}

pub fn up(peer: SocketAddr) -> LinkEvent {
    LinkEvent::Up { peer }
}
