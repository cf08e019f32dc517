//! How busy backends, frontends and servers are: `nbsrv`, `be_conn`, `fe_req_rate`, `srv_is_up`.

use std::sync::Arc;

use lb_core::condition::{Arg, Call, ConditionError};

use super::{
    expr::{HttpFetch, Other},
    facts::{BackendFacts, FrontendFacts, ServerFacts},
    registry::Registry,
};

/// Gives a call its meaning, or `None` if its name is another's.
pub(super) fn resolve(
    call: &Call,
    registry: &Registry,
) -> Option<Result<HttpFetch, ConditionError>> {
    Some(match call.name.as_str() {
        "nbsrv" => backend(call, registry, |facts| Some(facts.usable() as i64)),
        "be_conn" => backend(call, registry, |facts| Some(facts.in_flight().into())),
        // Observed: -1 where there is no limit.
        "be_conn_free" | "connslots" => backend(call, registry, |facts| {
            Some(facts.free().map_or(-1, i64::from))
        }),
        "be_sess_rate" => backend(call, registry, |facts| facts.rate().map(i64::from)),
        "queue" => backend(call, registry, |facts| Some(facts.queued().into())),
        "avg_queue" => backend(call, registry, |facts| {
            let (queued, servers) = (i64::from(facts.queued()), facts.usable() as i64);
            // Observed: rounded up; without a server it is all of them.
            Some(if servers > 0 {
                (queued + servers - 1) / servers
            } else {
                queued
            })
        }),
        "fe_conn" => frontend(call, registry, |facts| facts.connections()),
        "fe_req_rate" => frontend(call, registry, |facts| facts.request_rate()),
        "fe_sess_rate" => frontend(call, registry, |facts| facts.session_rate()),
        "srv_is_up" => server(call, registry)
            .map(|server| Other::bool(move |_| Some(server.now().is_some_and(|facts| facts.up)))),
        "srv_conn" => counted(call, registry, |facts| facts.in_flight.into()),
        "srv_conn_free" => counted(call, registry, |facts| facts.free.map_or(-1, i64::from)),
        "srv_queue" => counted(call, registry, |facts| facts.queued.into()),
        "srv_weight" => counted(call, registry, |facts| facts.weight.into()),
        _ => return None,
    })
}

/// The name that must be there.
fn name<'c>(call: &'c Call, what: &str) -> Result<&'c Arg, ConditionError> {
    call.at_most(1)?;
    call.arg(0).ok_or_else(|| {
        ConditionError::new(
            call.span,
            format!("`{}` needs the name of a {what}", call.name),
        )
    })
}

fn backend(
    call: &Call,
    registry: &Registry,
    f: impl Fn(&dyn BackendFacts) -> Option<i64> + Send + Sync + 'static,
) -> Result<HttpFetch, ConditionError> {
    let facts = find_backend(name(call, "backend")?, registry)?;
    Ok(Other::int(move |_| f(&*facts)))
}

fn find_backend(arg: &Arg, registry: &Registry) -> Result<Arc<dyn BackendFacts>, ConditionError> {
    registry.find_backend(&arg.text).cloned().ok_or_else(|| {
        ConditionError::new(arg.span, format!("there is no backend `{}`", arg.text))
            .suggest(&arg.text, registry.backend_names())
    })
}

fn frontend(
    call: &Call,
    registry: &Registry,
    f: impl Fn(&dyn FrontendFacts) -> u32 + Send + Sync + 'static,
) -> Result<HttpFetch, ConditionError> {
    let arg = name(call, "frontend")?;
    let facts = registry.find_frontend(&arg.text).cloned().ok_or_else(|| {
        ConditionError::new(arg.span, format!("there is no frontend `{}`", arg.text))
            .suggest(&arg.text, registry.frontend_names())
    })?;
    Ok(Other::int(move |_| Some(f(&*facts).into())))
}

/// A server of a backend. Servers come and go while a configuration runs, so it is looked up by name each time.
struct Named {
    backend: Arc<dyn BackendFacts>,
    server: Box<str>,
}

impl Named {
    fn now(&self) -> Option<ServerFacts> {
        self.backend.server(&self.server)
    }
}

/// `BACKEND/SERVER`.
fn server(call: &Call, registry: &Registry) -> Result<Named, ConditionError> {
    let arg = name(call, "server, as `backend/server`")?;
    let Some((of, server)) = arg.text.split_once('/') else {
        let message = format!("`{}` is not `backend/server`", arg.text);
        return Err(ConditionError::new(arg.span, message));
    };
    let of = Arg {
        text: of.to_owned(),
        span: arg.span,
    };
    let backend = find_backend(&of, registry)?;
    if let Some(servers) = registry.servers_of(&of.text)
        && !servers.iter().any(|known| **known == *server)
    {
        let message = format!("there is no server `{server}` in the backend `{}`", of.text);
        let known = servers.iter().map(|name| &**name);
        return Err(ConditionError::new(arg.span, message).suggest(server, known));
    }
    Ok(Named {
        backend,
        server: server.into(),
    })
}

fn counted(
    call: &Call,
    registry: &Registry,
    f: impl Fn(ServerFacts) -> i64 + Send + Sync + 'static,
) -> Result<HttpFetch, ConditionError> {
    let server = server(call, registry)?;
    Ok(Other::int(move |_| server.now().map(&f)))
}
