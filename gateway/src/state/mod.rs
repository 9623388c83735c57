//! What the store owns (tenants, departments, projects, keys without their secrets, kill switches) as one document, and
//! the plan that leads from what there is to what a document says. Pure: the store reads and writes, and others ask.
//!
//! Always so: the same state has the same text, to the byte; what a document does not name is left alone unless it is to be
//! pruned; what it names has all that it says and, where it is silent, the default. People are a table of their own to be.

mod document;
mod entries;
mod fields;
mod permits;
mod plan;
mod planner;
mod problem;
mod records;
mod text;

pub use document::{Document, Scope};
pub use permits::Importer;
pub use plan::{Action, Change, Kind, Plan};
pub use planner::{Intent, Minting, plan};
pub use problem::{PlanError, Problem};
pub use records::{StateRecords, StateWrite};
pub use text::{TextError, read, version_of, write};

#[cfg(test)]
mod tests;
