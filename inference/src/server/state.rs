//! What every handler can reach.

use std::sync::Arc;

use crate::catalog::Catalog;

/// Enough for a million tokens of text, and no more than a process can hold many of.
const DEFAULT_BODY_LIMIT_BYTES: usize = 8 << 20;

/// Shared by all requests; a copy is cheap.
#[derive(Clone)]
pub struct ServerState {
    pub(super) catalog: Arc<Catalog>,
    pub(super) body_limit_bytes: usize,
}

impl ServerState {
    pub fn new(catalog: Arc<Catalog>) -> Self {
        Self { catalog, body_limit_bytes: DEFAULT_BODY_LIMIT_BYTES }
    }

    /// Largest request body that is taken; a larger one is a 413.
    #[must_use]
    pub fn with_body_limit(mut self, bytes: usize) -> Self {
        self.body_limit_bytes = bytes;
        self
    }
}
