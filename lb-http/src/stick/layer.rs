//! [`Stick`]: the rules, and the layer.

use std::sync::Arc;

use tower_layer::Layer;

use super::{StickService, rule::Rule};

/// Keeps clients on their server by tables: a [`Layer`] for a proxy that understands
/// [`StickTo`](crate::exchange::StickTo).
#[derive(Clone, Debug)]
pub struct Stick {
    pub(super) rules: Arc<[Rule]>,
    pub(super) even_if_down: bool,
}

impl Stick {
    /// Persistence by these rules. The first that knows a server which can be used decides; all that store do.
    pub fn by(rules: impl IntoIterator<Item = Rule>) -> Self {
        Self {
            rules: rules.into_iter().collect(),
            even_if_down: false,
        }
    }

    /// The rules, in their order.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Sends clients to their server even when it is DOWN (`option persist`).
    #[must_use]
    pub fn persist_even_if_down(mut self) -> Self {
        self.even_if_down = true;
        self
    }
}

impl<S> Layer<S> for Stick {
    type Service = StickService<S>;

    fn layer(&self, inner: S) -> StickService<S> {
        StickService::new(inner, self.clone())
    }
}
