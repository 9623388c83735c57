//! The ledger: one immutable row for each call of a provider that used anything.
//!
//! Rows are made of a request's record, and of nothing else: what is in the journal is in the ledger, once, whatever happens
//! between the two.

mod comparison;
mod comparison_report;
mod correction;
mod forecast;
mod report;
mod row;
mod rows;
mod spread;
pub mod statement;
mod usage_report;

pub use comparison::{Asked, Class, Comparison, ComparisonLine, Metric, ModelNames, Tolerance, compare};
pub use correction::{Correction, CorrectionAct, CorrectionKind, CorrectionLine, ProviderDay, StandingRow};
pub use forecast::{Forecast, forecast, jump, quarter_of};
pub use report::{Dimension, Group, LedgerFilter, Totals};
pub use row::{AttemptKind, LedgerRow};
pub use rows::rows_of;
pub use spread::{Shares, Unspreadable, spread};
pub use usage_report::UsageReport;
