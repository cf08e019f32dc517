//! The client's connection, and numbers made of a request's target.

use std::net::{IpAddr, SocketAddr, UdpSocket};

use lb_core::{
    condition::{Call, ConditionError, Sample, SampleType},
    hash::{avalanche, sdbm},
};
use smallvec::SmallVec;

use super::{
    expr::{HttpFetch, Needs, Other, with_host},
    values::address,
    view::{RequestView, View},
};

/// Gives a call its meaning, or `None` if its name is another's.
pub(super) fn resolve(call: &Call) -> Option<Result<HttpFetch, ConditionError>> {
    let fetch = match call.name.as_str() {
        "src_is_local" => Other::bool(|view| Some(is_local(view.source()?.ip()))),
        "dst_is_local" => Other::bool(|view| Some(is_local(view.destination()?.ip()))),
        "http_first_req" => Other::bool(|view| Some(view.client?.requests() <= 1)),
        // Connections are in clear.
        "ssl_fc" => Other::bool(|_| Some(false)),
        // Observed: of an absolute target its path and query.
        "url32" => number(|view, f| f(view.path_and_query().unwrap_or_default().as_bytes())),
        "base32" => number(|view, f| f(view.path().unwrap_or_default().as_bytes())),
        "url32+src" => {
            with_source(|view, f| f(view.path_and_query().unwrap_or_default().as_bytes()))
        }
        "base32+src" => with_source(|view, f| f(view.path().unwrap_or_default().as_bytes())),
        "url_ip" => Other::fetch(SampleType::Ip, Needs::Request, |view, visit| {
            authority(view).is_some_and(|(ip, _)| visit(Sample::Ip(ip)))
        }),
        "url_port" => Other::fetch(SampleType::Int, Needs::Request, |view, visit| {
            authority(view).is_some_and(|(_, port)| visit(Sample::Int(port)))
        }),
        _ => return None,
    };
    Some(call.at_most(0).map(|()| fetch))
}

/// Whether this host has the address: a socket can be bound to it.
fn is_local(ip: IpAddr) -> bool {
    ip.is_loopback() || UdpSocket::bind(SocketAddr::new(ip, 0)).is_ok()
}

/// What of a request follows its host.
type Rest = fn(&RequestView<'_>, &mut dyn FnMut(&[u8]));

/// The first `Host` and `rest`, as 32 bits.
fn hashed(view: &RequestView<'_>, rest: Rest) -> u32 {
    let mut hash = 0;
    rest(view, &mut |rest| {
        hash = with_host(view, rest, |text| avalanche(sdbm(text)));
    });
    hash
}

fn number(rest: Rest) -> HttpFetch {
    Other::fetch(SampleType::Int, Needs::Request, move |view, visit| {
        view.request
            .is_some_and(|view| visit(Sample::Int(hashed(&view, rest).into())))
    })
}

/// The same and the client's address, as bytes.
fn with_source(rest: Rest) -> HttpFetch {
    Other::fetch(SampleType::Bin, Needs::Request, move |view, visit| {
        let (Some(request), Some(source)) = (view.request, view.source()) else {
            return false;
        };
        let mut bytes: SmallVec<[u8; 20]> = SmallVec::new();
        bytes.extend_from_slice(&hashed(&request, rest).to_be_bytes());
        match source.ip() {
            IpAddr::V4(ip) => bytes.extend_from_slice(&ip.octets()),
            IpAddr::V6(ip) => bytes.extend_from_slice(&ip.octets()),
        }
        visit(Sample::Bin(&bytes))
    })
}

/// The address and the port of an absolute target, 80 if it says none.
fn authority(view: &View<'_>) -> Option<(IpAddr, i64)> {
    let uri = view.request?.uri;
    let authority = uri.authority().filter(|_| uri.scheme().is_some())?;
    let host = authority.host().trim_matches(['[', ']']);
    let port = authority.port_u16().unwrap_or(80);
    Some((address(host.as_bytes())?, port.into()))
}
