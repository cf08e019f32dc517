//! The immutable set of servers that picks read.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use crate::{
    policy::{Interest, Policy},
    server::{Server, ServerUid},
};

/// The servers of a pool at one moment, and the policy's index over those of
/// them that take new clients.
///
/// An index into it says nothing about the next snapshot: keep the
/// `Arc<Server>` across an await, never a position.
pub struct Snapshot<T, P: Policy> {
    /// What its index was made by.
    shape: Arc<Shape<P>>,
    all: Box<[Arc<Server<T>>]>,
    usable: Box<[Arc<Server<T>>]>,
    index: Option<P::Index>,
    by_affinity: HashMap<Box<str>, usize, ahash::RandomState>,
    by_uid: HashMap<ServerUid, usize, ahash::RandomState>,
    by_number: HashMap<u32, usize, ahash::RandomState>,
}

/// What a pool is beside its servers.
#[derive(Debug)]
pub(super) struct Shape<P> {
    pub(super) policy: P,
    pub(super) interest: Interest,
    pub(super) all_backups: bool,
    pub(super) queue_timeout: Duration,
}

impl<P: Policy> Shape<P> {
    pub(super) fn new(policy: P, all_backups: bool, queue_timeout: Duration) -> Self {
        Self {
            interest: policy.interest(),
            policy,
            all_backups,
            queue_timeout,
        }
    }
}

impl<T, P: Policy> fmt::Debug for Snapshot<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("all", &self.all)
            .field("usable", &self.usable)
            .finish_non_exhaustive()
    }
}

impl<T, P: Policy> Snapshot<T, P> {
    /// Chooses the usable servers by HAProxy's rule: those that are no backups;
    /// if there are none, the first backup, or with `all_backups` every one.
    pub(super) fn build(
        shape: &Arc<Shape<P>>,
        members: &[Arc<Server<T>>],
        previous: Option<&Self>,
    ) -> Self {
        let of_kind = |backup: bool| {
            members
                .iter()
                .filter(move |server| server.is_backup() == backup && server.is_usable())
                .cloned()
        };
        let mut usable: Box<[_]> = of_kind(false).collect();
        if usable.is_empty() {
            usable = of_kind(true)
                .take(if shape.all_backups { usize::MAX } else { 1 })
                .collect();
        }
        for (position, server) in usable.iter().enumerate() {
            server.load().set_position(position);
        }
        // Another policy begins anew.
        let previous = previous.filter(|previous| Arc::ptr_eq(&previous.shape, shape));
        let before = previous.and_then(|previous| previous.index.as_ref());
        let index = (!usable.is_empty()).then(|| shape.policy.index(&usable, before));
        let by_affinity = members
            .iter()
            .enumerate()
            .rev() // the first of several servers of one value wins, as in HAProxy
            .filter_map(|(position, server)| Some((server.affinity_value()?.into(), position)))
            .collect();
        let by_number = members.iter().map(|server| server.number()).zip(0..);
        let by_uid = members.iter().map(|server| server.uid()).zip(0..).collect();
        Self {
            shape: Arc::clone(shape),
            all: members.into(),
            usable,
            index,
            by_affinity,
            by_uid,
            by_number: by_number.collect(),
        }
    }

    /// Every server, in order of declaration.
    pub fn all(&self) -> &[Arc<Server<T>>] {
        &self.all
    }

    /// Those that take new clients now.
    pub fn usable(&self) -> &[Arc<Server<T>>] {
        &self.usable
    }

    /// The server of this name.
    pub fn by_name(&self, name: &str) -> Option<&Arc<Server<T>>> {
        self.all.iter().find(|server| server.name() == name)
    }

    /// The first server of this persistence value.
    pub fn by_affinity(&self, value: &str) -> Option<&Arc<Server<T>>> {
        self.by_affinity.get(value).map(|&at| &self.all[at])
    }

    /// The server of this identity, if it is (still) a member.
    pub fn by_uid(&self, uid: ServerUid) -> Option<&Arc<Server<T>>> {
        self.by_uid.get(&uid).map(|&at| &self.all[at])
    }

    /// The server of this number (`id`).
    pub fn by_number(&self, number: u32) -> Option<&Arc<Server<T>>> {
        Some(&self.all[*self.by_number.get(&number)?])
    }

    /// UP and ready servers that are no backups, and those that are, as they
    /// are counted in HAProxy's messages and on its page.
    pub fn active_and_backup(&self) -> (usize, usize) {
        let up = self.all.iter().filter(|server| server.is_usable());
        let (backup, active): (Vec<_>, Vec<_>) = up.partition(|server| server.is_backup());
        (active.len(), backup.len())
    }

    pub(super) fn shape(&self) -> &Arc<Shape<P>> {
        &self.shape
    }

    pub(super) fn index(&self) -> Option<&P::Index> {
        self.index.as_ref()
    }

    pub(super) fn position(&self, server: &Arc<Server<T>>) -> Option<usize> {
        let position = server.load().position();
        let at = self.usable.get(position)?;
        // Not by pointer: it may have been declared anew since.
        (at.uid() == server.uid()).then_some(position)
    }

    /// The declaration of `server` that holds now, if it is usable.
    pub(super) fn usable_now(&self, server: &Arc<Server<T>>) -> Option<&Arc<Server<T>>> {
        self.position(server).map(|at| &self.usable[at])
    }
}
