//! How things are called in Redis.

use crate::limits::Scope;

/// All names begin alike, with the prefix as their hash tag.
#[derive(Debug)]
pub(super) struct Names {
    base: String,
}

/// Before the names of deployments that rest.
pub(super) fn rests_base(prefix: &str) -> String {
    format!("{{{prefix}}}:rests:")
}

impl Names {
    pub(super) fn new(prefix: &str) -> Self {
        Self { base: format!("{{{prefix}}}:limits:") }
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }

    pub(super) fn leases(&self) -> String {
        format!("{}leases", self.base)
    }

    pub(super) fn lease(&self, id: &str) -> String {
        format!("{}lease:{id}", self.base)
    }

    /// Of a lease that ran out.
    pub(super) fn lost(&self, id: &str) -> String {
        format!("{}lost:{id}", self.base)
    }

    /// Of a list that was noted.
    pub(super) fn noted(&self, id: &str) -> String {
        format!("{}noted:{id}", self.base)
    }

    pub(super) fn minute(&self, scope: &Scope) -> String {
        format!("{}minute:{}:{}", self.base, scope.level.as_str(), scope.name)
    }

    pub(super) fn sums(&self, scope: &Scope) -> String {
        format!("{}sums:{}:{}", self.base, scope.level.as_str(), scope.name)
    }
}
