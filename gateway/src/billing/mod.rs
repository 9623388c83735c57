//! What requests cost, and how that is written on an invoice.
//!
//! No float ever holds money. [`Tenge`] and [`Usd`] are whole numbers of their smallest unit, whatever does not fit is an
//! error and no panic, and a sum is rounded once: half to even, where a line of the ledger comes to be. From there on sums
//! are exact, and [`allocate`] splits one so that its parts add up to it.
//!
//! Pure: no clock, no network, no database.

mod allocation;
mod decimal;
mod dollars;
mod exchange_rate;
mod money;
mod words;
mod words_kk;
mod words_ru;

pub use allocation::{Indivisible, allocate};
pub use decimal::{BadAmount, TooLarge};
pub use dollars::Usd;
pub use exchange_rate::ExchangeRate;
pub use money::Tenge;
pub use words::{Language, in_words};
