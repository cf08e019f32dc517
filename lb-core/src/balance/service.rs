//! The balancer as a tower service.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use tower_service::Service;

use super::{Aim, Balancer, Strategy, error::BalanceError, future::ResponseFuture, steer::Steer};
use crate::{policy::Policy, pool::Want, server::ServerUid};

impl<T, P, A, R, Req> Service<Req> for Balancer<T, P, A, R>
where
    T: Service<Req> + Clone,
    P: Policy,
    A: Aim<Req>,
    R: Strategy<Req, T::Response, T::Error>,
{
    type Response = T::Response;
    type Error = BalanceError<T::Error>;
    type Future = ResponseFuture<T, P, A, R, Req>;

    /// Always ready: which server a request gets is not known before it is
    /// there. Those that must wait do so in the pool's queue.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Req) -> Self::Future {
        self.send(request, None)
    }
}

impl<T, P, A, R, Req> Steer<Req> for Balancer<T, P, A, R>
where
    T: Service<Req> + Clone,
    P: Policy,
    A: Aim<Req>,
    R: Strategy<Req, T::Response, T::Error>,
{
    fn steer(&mut self, request: Req, server: ServerUid) -> Self::Future {
        self.send(request, Some(server))
    }
}

impl<T, P: Policy, A, R> Balancer<T, P, A, R> {
    fn send<Req>(&self, request: Req, server: Option<ServerUid>) -> ResponseFuture<T, P, A, R, Req>
    where
        T: Service<Req>,
        A: Aim<Req>,
        R: Strategy<Req, T::Response, T::Error>,
    {
        let shared = &self.shared;
        let aim = &shared.rules.aim;
        let want = Want {
            server: server
                .and_then(|uid| shared.pool.server(uid))
                .filter(|server| server.takes_bound_clients()),
            hash: shared.pool.digest(aim.key(&request)),
            priority: aim.priority(&request),
            ..Want::default()
        };
        ResponseFuture::new(Arc::clone(shared), want, request)
    }
}
