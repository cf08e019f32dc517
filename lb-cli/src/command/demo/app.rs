//! The servers of the demonstration: each says its name, counts its requests,
//! and can be killed.

use std::{
    cell::Cell,
    convert::Infallible,
    io,
    net::{Ipv4Addr, SocketAddr},
    rc::Rc,
    thread,
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::Full;
use hyper::service::service_fn;
use lb_http::server::{Incoming, Server, Settings, Shutdown};
use tokio::{net::TcpListener, sync::watch, task::LocalSet, time::sleep};

/// How long a server that was killed stays away: long enough to be found DOWN.
const AWAY: Duration = Duration::from_secs(5);

/// How soon a port that somebody else took meanwhile is tried again.
const TRY_AGAIN: Duration = Duration::from_millis(200);

/// Starts servers on ports that the kernel chooses, on one thread of their own.
pub(super) fn start<const N: usize>(names: [&'static str; N]) -> io::Result<[SocketAddr; N]> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut addresses = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)); N];
    let mut listeners = Vec::with_capacity(N);
    for (address, name) in addresses.iter_mut().zip(names) {
        let listener = runtime.block_on(TcpListener::bind(*address))?;
        *address = listener.local_addr()?;
        listeners.push((name, listener));
    }
    thread::Builder::new()
        .name("servers".into())
        .spawn(move || {
            let set = LocalSet::new();
            for (name, listener) in listeners {
                set.spawn_local(App::new(name).live(listener));
            }
            runtime.block_on(set);
        })?;
    Ok(addresses)
}

/// A server.
struct App {
    name: &'static str,
    requests: Cell<u32>,
    life: watch::Sender<Life>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Life {
    Alive,
    /// Has been told to close its port.
    Dying,
    /// Has closed it.
    Away,
}

impl App {
    fn new(name: &'static str) -> Rc<Self> {
        Rc::new(Self {
            name,
            requests: Cell::new(0),
            life: watch::Sender::new(Life::Alive),
        })
    }

    /// Serves, and comes back some time after each death.
    async fn live(self: Rc<Self>, mut listener: TcpListener) {
        let Ok(address) = listener.local_addr() else {
            return;
        };
        loop {
            self.serve(&listener, address).await;
            drop(listener);
            self.life.send_replace(Life::Away);
            sleep(AWAY).await;
            listener = loop {
                match TcpListener::bind(address).await {
                    Ok(listener) => break listener,
                    Err(_) => sleep(TRY_AGAIN).await,
                }
            };
            self.life.send_replace(Life::Alive);
        }
    }

    /// Serves until it is killed.
    async fn serve(self: &Rc<Self>, listener: &TcpListener, address: SocketAddr) {
        let shutdown = Shutdown::new();
        let mut life = self.life.subscribe();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = life.wait_for(|life| *life == Life::Dying) => break,
            };
            let Ok((stream, peer)) = accepted else {
                sleep(TRY_AGAIN).await;
                continue;
            };
            let (app, shutdown) = (Rc::clone(self), shutdown.clone());
            tokio::task::spawn_local(async move {
                let service = service_fn(|request| Rc::clone(&app).answer(request));
                Server::new(service, Settings::default())
                    .serve(
                        stream,
                        BytesMut::new(),
                        peer.into(),
                        address.into(),
                        &shutdown,
                    )
                    .await;
            });
        }
        shutdown.begin();
    }

    async fn answer(
        self: Rc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let name = self.name;
        Ok(match request.uri().path() {
            "/" => {
                let number = self.requests.get() + 1;
                self.requests.set(number);
                let client = forwarded_for(request.headers());
                page(format!("{name}: request {number}, from {client}\n"))
            }
            "/health" => page("fine\n".to_owned()),
            "/kill" => {
                self.die().await;
                let seconds = AWAY.as_secs();
                page(format!("{name}: gone for {seconds} seconds\n"))
            }
            _ => {
                let mut nothing = page(format!("{name}: there are / and /kill\n"));
                *nothing.status_mut() = StatusCode::NOT_FOUND;
                nothing
            }
        })
    }

    /// Waits until the port is closed: who reads the answer finds it so.
    async fn die(&self) {
        self.life.send_if_modified(|life| {
            let alive = *life == Life::Alive;
            if alive {
                *life = Life::Dying;
            }
            alive
        });
        let mut life = self.life.subscribe();
        // Fails only with the sender, which is at hand.
        let _ = life.wait_for(|life| *life == Life::Away).await;
    }
}

fn forwarded_for(headers: &HeaderMap) -> String {
    let mut fields = headers.get_all("x-forwarded-for").iter();
    match fields.next_back() {
        Some(client) => String::from_utf8_lossy(client.as_bytes()).into_owned(),
        None => "an unknown client".to_owned(),
    }
}

fn page(text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, text);
    response
}
