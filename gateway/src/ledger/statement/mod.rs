//! A provider's own account of what was used, as it is exported: CSV, in one of the forms that providers give or in one that
//! the operator describes. Sums by the provider's day (UTC) and by its model's name.
//!
//! Nothing is rounded and nothing guessed: what cannot be read is refused with its line. Lines that are no use of a model
//! (totals, taxes, other services) are named, not counted.

mod items;
mod layout;
mod read;
mod value;

pub use layout::{Field, NoField};
pub use read::{BadLine, BadStatement, ColumnMap, MAX_BYTES, Skipped, Statement, Sums, read_statement};
