//! What every handler can reach.

use std::sync::Arc;

use crate::catalog::Catalog;

use super::AdminAccess;

/// Enough for a million tokens of text, and no more than a process can hold many of.
const DEFAULT_BODY_LIMIT_BYTES: usize = 8 << 20;
/// OpenAI's 25 MB for a file, and the rest of its form.
const DEFAULT_UPLOAD_LIMIT_BYTES: usize = 26 << 20;

/// Shared by all requests; a copy is cheap.
#[derive(Clone)]
pub struct ServerState {
    pub(super) catalog: Arc<Catalog>,
    pub(super) body_limit_bytes: usize,
    pub(super) upload_limit_bytes: usize,
    pub(super) admin: AdminAccess,
}

impl ServerState {
    pub fn new(catalog: Arc<Catalog>) -> Self {
        Self {
            catalog,
            body_limit_bytes: DEFAULT_BODY_LIMIT_BYTES,
            upload_limit_bytes: DEFAULT_UPLOAD_LIMIT_BYTES,
            admin: AdminAccess::Closed,
        }
    }

    /// Who may use `/admin/v1`; nobody unless it is said.
    #[must_use]
    pub fn with_admin(mut self, admin: AdminAccess) -> Self {
        self.admin = admin;
        self
    }

    /// Largest request body that is taken; a larger one is a 413.
    #[must_use]
    pub fn with_body_limit(mut self, bytes: usize) -> Self {
        self.body_limit_bytes = bytes;
        self
    }

    /// Largest form with a sound that is taken; a larger one is a 413.
    #[must_use]
    pub fn with_upload_limit(mut self, bytes: usize) -> Self {
        self.upload_limit_bytes = bytes;
        self
    }
}
