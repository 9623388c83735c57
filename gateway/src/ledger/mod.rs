//! The ledger: one immutable row for each call of a provider that used anything.
//!
//! Rows are made of a request's record, and of nothing else: what is in the journal is in the ledger, once, whatever happens
//! between the two.

mod forecast;
mod report;
mod row;
mod rows;
mod usage_report;

pub use forecast::{Forecast, forecast, jump, quarter_of};
pub use report::{Dimension, Group, LedgerFilter, Totals};
pub use row::{AttemptKind, LedgerRow};
pub use rows::rows_of;
pub use usage_report::UsageReport;
