//! Corrections of the ledger: amounts that come later than their rows, and a provider's own account held against it.
//!
//! What is written is made of rows as they stood, and written only while they still do; whatever is asked twice, by one or by
//! two at once, is written once. A month that is closed stays: what its rows get is a line of the next invoice.

mod error;
mod price;
mod reconcile;
#[cfg(test)]
mod tests;

pub use error::CorrectionError;
pub use price::{PriceOrder, Priced, price_unpriced};
pub use reconcile::{Applied, Order, apply, reconcile};

use jiff::Timestamp;

use crate::billing::Rates;
use crate::pipeline::Tariffs;
use crate::store::{CorrectionStore, Store};

/// What corrections are made with.
#[derive(Clone, Copy)]
pub struct Desk<'d> {
    pub store: &'d dyn Store,
    pub tariffs: &'d Tariffs,
    pub rates: &'d Rates,
}

/// Who corrects, and when.
#[derive(Debug, Clone)]
pub struct Signature {
    pub made_by: String,
    pub now: Timestamp,
    /// A name of its own for what is done, where that has none.
    pub id: String,
}

impl Desk<'_> {
    fn corrections(&self) -> &dyn CorrectionStore {
        self.store.ledger().corrections()
    }
}
