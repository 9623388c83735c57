//! Invoices of the ledger: what a month comes to, its close, and credits.
//!
//! A month that is open has a draft without a number, made anew each time. Closing one issues its invoice; from then on its
//! papers are made of what was issued, and rows that come late are a line of the next invoice. Sums come from the database:
//! no row is ever read.

mod bill;
mod close;
mod credit;
mod error;
mod names;
mod paper;
mod terms;
#[cfg(test)]
mod tests;

pub use close::{Closed, close_month, close_months, wait_until_carried_over};
pub use credit::credit;
pub use error::InvoiceError;
pub use paper::{Form, Paper, issued, of_month};
pub use terms::Terms;
