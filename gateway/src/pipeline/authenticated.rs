//! A request whose key is believed.

use std::sync::Arc;

use super::Settlement;
use crate::auth::Bearer;

/// Who asks; travels with the request to its end.
#[derive(Debug, Clone)]
pub struct RequestContext {
    pub request_id: String,
    /// Tenant, project, key and environment.
    pub key: Arc<Bearer>,
    pub settlement: Arc<Settlement>,
    /// It stands in a batch: nobody waits for the answer.
    pub in_batch: bool,
}

/// Made by [`super::Gateway::authenticate`] alone.
#[derive(Debug, Clone)]
pub struct Authenticated {
    context: RequestContext,
}

impl Authenticated {
    pub(super) fn new(context: RequestContext) -> Self {
        Self { context }
    }

    pub fn context(&self) -> &RequestContext {
        &self.context
    }

    pub(super) fn into_context(self) -> RequestContext {
        self.context
    }
}
