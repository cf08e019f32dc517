//! `lb explain`: what would become of a request, and why.
//!
//! It asks the parts that `lb serve` runs: the compiled conditions, the layer of
//! the cookie, the key and the policy of a pool. All servers are taken to be up
//! and idle; no name is looked up and nothing is connected to.

mod captures;
mod request;
mod response;
mod route;
mod rules;
mod server;
mod sheet;
mod stick;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use clap::Args;
use http::{Request, StatusCode};
use lb_http::{
    Client,
    fetch::{RequestView, View},
    transaction::Transaction,
};
use lb_tcp::Endpoint;

use self::{
    request::{Header, RequestLine, Source},
    response::Told,
    route::Way,
    sheet::Sheet,
};
use super::{Failed, Files, output};
use crate::{
    config::{BindAddress, Config, nearest},
    plan::{Frontend, Plan},
};

/// Says which backend and server a request would get, and why, and what becomes of the response
///
/// All servers are taken to be up and idle, and tables to be empty. Touches no network.
#[derive(Debug, Args)]
pub(super) struct Explain {
    #[command(flatten)]
    files: Files,

    /// The request: a method, a target, and HTTP/1.0 if it is that
    #[arg(long, value_name = "GET /x")]
    request: RequestLine,

    /// A header of the request; may be repeated
    #[arg(long = "header", value_name = "Host: a")]
    headers: Vec<Header>,

    /// The client's address
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    src: Source,

    /// The status that the server answers [default: 200]
    #[arg(long, value_name = "CODE")]
    status: Option<StatusCode>,

    /// A header of the server's response; may be repeated
    #[arg(long = "response-header", value_name = "Content-Type: text/html")]
    response_headers: Vec<Header>,

    /// The frontend it comes to [default: the first]
    #[arg(long, value_name = "NAME")]
    frontend: Option<String>,
}

/// A request, the connection it would come on, and what rules keep for it.
struct Case {
    request: Request<()>,
    source: SocketAddr,
    destination: Option<SocketAddr>,
    transaction: Transaction,
}

impl Case {
    fn head(&self) -> RequestView<'_> {
        RequestView::of(&self.request).connection(Some(self.source), self.destination)
    }

    /// Rules may have said where it comes from, and goes to.
    fn follow(&mut self) {
        if let Some(client) = self.request.extensions().get::<Client>() {
            self.source = client.peer().inet().unwrap_or(self.source);
            self.destination = client.local().inet();
        }
    }

    fn view(&self) -> View<'_> {
        View::from(self.head())
            .client(self.request.extensions().get())
            .transaction(&self.transaction)
    }
}

impl Explain {
    pub(super) fn run(self) -> Result<(), Failed> {
        let plan = Plan::compile_offline(Config::load_recoverable(&self.files.files))?;
        output::warn(&plan.warnings);
        let frontend = self.frontend(&plan)?;
        let bind = &frontend.model().bind;
        let destination = bind.iter().find_map(|bind| destination(&bind.address));
        let mut case = Case {
            request: self.request.with(&self.headers),
            source: self.src.0,
            destination,
            transaction: Transaction::new(),
        };
        case.transaction = Transaction::of(&case.request, true);
        let local = destination.map_or(Endpoint::Unnamed, Endpoint::from);
        let nowhere = (Ipv4Addr::UNSPECIFIED, 0).into();
        let client = Client::new(case.source, nowhere).stating(case.source.into(), local);
        case.request.extensions_mut().insert(client);
        for backend in &plan.backends {
            if let Ok(pool) = backend.pool(1) {
                backend.place().fill_offline(&pool);
            }
        }
        let mut sheet = Sheet::default();
        self.introduce(&plan, frontend, &case, &mut sheet);
        sheet.blank();
        let (backend, told) = match route::explain(&plan, frontend, &mut case, &mut sheet) {
            Way::Page => return output::print(&sheet.to_string()),
            Way::Answered(response, backend) => (backend, Told::own(response)),
            Way::To(backend) => {
                sheet.blank();
                let told = match server::explain(frontend, backend, &case, &mut sheet)? {
                    Some(response) => Told::own(response),
                    None => Told::of_server(self.status, &self.response_headers),
                };
                (Some(backend), told)
            }
        };
        response::explain(frontend, backend, told, &mut case, &mut sheet);
        output::print(&sheet.to_string())
    }

    fn frontend<'p>(&self, plan: &'p Plan) -> Result<&'p Frontend, Failed> {
        let Some(name) = &self.frontend else {
            let none = || Failed::Usage("there is no frontend that a request could come to".into());
            return plan.frontends.first().ok_or_else(none);
        };
        let found = plan.frontends.iter().find(|f| f.name() == name);
        found.ok_or_else(|| {
            let names = || plan.frontends.iter().map(Frontend::name);
            let known = match nearest(name, names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are {}", names().collect::<Vec<_>>().join(", ")),
            };
            Failed::Usage(format!("there is no frontend `{name}`; {known}"))
        })
    }

    fn introduce(&self, plan: &Plan, frontend: &Frontend, case: &Case, sheet: &mut Sheet) {
        let request = &case.request;
        let line = format!(
            "{} {} {:?}",
            request.method(),
            request.uri(),
            request.version()
        );
        sheet.row("request", line);
        for (name, value) in request.headers() {
            sheet.row("", format!("{name}: {}", value.as_bytes().escape_ascii()));
        }
        sheet.row("from", case.source.ip().to_string());
        let chosen = match (&self.frontend, plan.frontends.len()) {
            (None, 2..) => " (the first; choose another with --frontend)",
            _ => "",
        };
        sheet.row("frontend", format!("{}{chosen}", frontend.name()));
    }
}

/// The address that a client connects to.
fn destination(bind: &BindAddress) -> Option<SocketAddr> {
    match bind {
        BindAddress::Ip(address) => Some(*address),
        BindAddress::Any(port) => Some((IpAddr::V4(Ipv4Addr::UNSPECIFIED), *port).into()),
        _ => None,
    }
}
