//! Why a document is not followed.

use std::fmt;

/// Problems that are told at once.
const MAX_TOLD: usize = 20;

/// Something that a document says and that cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// E.g. `project bank/chat`.
    pub item: String,
    pub message: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    #[error("{}", Told(.0))]
    Problems(Vec<Problem>),
    #[error("the importer's role or reach does not allow this: {item}")]
    NotPermitted { item: String },
    #[error("this would leave no key of an owner in force")]
    LastOwner,
}

struct Told<'p>(&'p [Problem]);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, Problem { item, message }) in self.0.iter().take(MAX_TOLD).enumerate() {
            write!(f, "{}{item}: {message}", if number == 0 { "" } else { "; " })?;
        }
        let rest = self.0.len().saturating_sub(MAX_TOLD);
        if rest > 0 { write!(f, "; and {rest} more") } else { Ok(()) }
    }
}
