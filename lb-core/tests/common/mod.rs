//! A policy over servers without a pool: what a pool does, in its order, on one
//! thread.
#![allow(dead_code, reason = "each test uses its part")]

use std::sync::Arc;

use lb_core::{
    Policy, Server,
    policy::{Choice, Query},
    server::{PoolLoad, ServerUid},
};
use rand::{SeedableRng, rngs::SmallRng};

/// Servers numbered from 1, named `s1` and so on.
pub(crate) fn servers(weights: &[u16]) -> Vec<Arc<Server<()>>> {
    let numbers = 1..;
    numbers
        .zip(weights)
        .map(|(number, weight)| {
            let server = Server::new(format!("s{number}"), ());
            Arc::new(server.id(number).weight(*weight))
        })
        .collect()
}

/// The same, with a limit each.
pub(crate) fn limited(limits: &[u32]) -> Vec<Arc<Server<()>>> {
    let numbers = 1..;
    numbers
        .zip(limits)
        .map(|(number, limit)| {
            let server = Server::new(format!("s{number}"), ());
            Arc::new(server.id(number).max_conn(*limit))
        })
        .collect()
}

pub(crate) struct Bench<P: Policy> {
    pub(crate) policy: P,
    pub(crate) servers: Vec<Arc<Server<()>>>,
    pub(crate) index: P::Index,
    pub(crate) load: PoolLoad,
    pub(crate) avoid: Option<ServerUid>,
    rng: std::cell::RefCell<SmallRng>,
}

impl<P: Policy> Bench<P> {
    pub(crate) fn new(policy: P, servers: Vec<Arc<Server<()>>>) -> Self {
        let index = policy.index(&servers, None);
        Self {
            policy,
            servers,
            index,
            load: PoolLoad::default(),
            avoid: None,
            rng: SmallRng::seed_from_u64(0x1b).into(),
        }
    }

    /// Another set of servers.
    pub(crate) fn change(&mut self, servers: Vec<Arc<Server<()>>>) {
        self.index = self.policy.index(&servers, Some(&self.index));
        self.servers = servers;
    }

    pub(crate) fn pick(&self, hash: Option<u32>) -> Choice {
        let rng = &mut *self.rng.borrow_mut();
        let mut query = Query {
            hash,
            avoid: self.avoid,
            load: self.load,
            rng,
        };
        self.policy.pick(&self.index, &self.servers, &mut query)
    }

    /// The position picked, if any.
    pub(crate) fn position(&self, hash: Option<u32>) -> Option<usize> {
        match self.pick(hash) {
            Choice::Any(position) | Choice::Only(position) => Some(position),
            Choice::Saturated => None,
        }
    }

    pub(crate) fn take(&self, position: usize) {
        assert!(self.servers[position].take_slot(self.load));
        self.changed(position);
    }

    pub(crate) fn give_back(&self, position: usize) {
        self.servers[position].return_slot();
        self.changed(position);
    }

    fn changed(&self, position: usize) {
        if self.policy.interest().load {
            self.policy
                .load_changed(&self.index, &self.servers, position);
        }
    }

    /// One request from beginning to end.
    pub(crate) fn serve(&self, hash: Option<u32>) -> Option<usize> {
        let position = self.position(hash)?;
        self.take(position);
        self.give_back(position);
        Some(position)
    }
}
