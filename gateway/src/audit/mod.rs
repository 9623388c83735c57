//! What is kept of a request: who, when, which key, route, reason, model, outcome, counts. Never the prompt.

mod record;

pub use record::{AuditRecord, Outcome, Try, TryResult};
