//! [`Compression`]: what is compressed and how, and the layer.

use std::sync::Arc;

use tower_layer::Layer;

use super::{Coding, CompressionService, Totals, meter::Counted};

/// Compresses responses: a [`Layer`], built option by option. Without a coding it compresses nothing.
#[derive(Debug, Clone)]
pub struct Compression {
    pub(super) settings: Arc<Settings>,
}

#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// In the order of preference.
    pub(super) codings: Vec<Coding>,
    /// Media types, `text/*` being all of one kind.
    pub(super) types: Vec<Box<str>>,
    pub(super) min_size: u64,
    pub(super) totals: Arc<Counted>,
}

/// What is worth the effort: text in its many forms. Pictures and the like are compressed already.
const TYPES: &[&str] = &[
    "text/*",
    "application/javascript",
    "application/json",
    "application/ld+json",
    "application/manifest+json",
    "application/problem+json",
    "application/rss+xml",
    "application/wasm",
    "application/xhtml+xml",
    "application/xml",
    "image/svg+xml",
];

/// Below this a coding costs more than it saves.
const MIN_SIZE: u64 = 256;

impl Default for Compression {
    fn default() -> Self {
        Self::new()
    }
}

impl Compression {
    /// No coding yet; texts of at least 256 octets.
    #[must_use]
    pub fn new() -> Self {
        Self {
            settings: Arc::new(Settings {
                codings: Vec::new(),
                types: TYPES.iter().map(|one| (*one).into()).collect(),
                min_size: MIN_SIZE,
                totals: Arc::default(),
            }),
        }
    }

    /// Adds a coding; of those that a client likes alike, the one added first is taken.
    #[must_use]
    pub fn coding(mut self, coding: Coding) -> Self {
        let codings = &mut Arc::make_mut(&mut self.settings).codings;
        if !codings.contains(&coding) {
            codings.push(coding);
        }
        self
    }

    /// Adds gzip.
    #[must_use]
    pub fn gzip(self) -> Self {
        self.coding(Coding::Gzip)
    }

    /// Adds brotli.
    #[must_use]
    pub fn brotli(self) -> Self {
        self.coding(Coding::Brotli)
    }

    /// Adds Zstandard.
    #[must_use]
    pub fn zstd(self) -> Self {
        self.coding(Coding::Zstd)
    }

    /// Only these media types, without parameters; `text/*` is every text, `*/*` everything (`compression type`).
    #[must_use]
    pub fn types<T: AsRef<str>>(mut self, types: &[T]) -> Self {
        let types = types.iter().map(|one| one.as_ref().to_ascii_lowercase());
        Arc::make_mut(&mut self.settings).types = types.map(String::into_boxed_str).collect();
        self
    }

    /// Only responses of at least so many octets, where their length is known.
    #[must_use]
    pub fn min_size(mut self, octets: u64) -> Self {
        Arc::make_mut(&mut self.settings).min_size = octets;
        self
    }

    /// What has been compressed so far, by this and all its clones.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.settings.totals.totals()
    }
}

impl<S> Layer<S> for Compression {
    type Service = CompressionService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CompressionService::new(inner, self.clone())
    }
}
