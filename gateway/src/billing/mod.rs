//! What requests cost, and how that is written on an invoice.
//!
//! No float ever holds money. [`Tenge`] and [`Usd`] are whole numbers of their smallest unit, whatever does not fit is an
//! error and no panic, and a sum is rounded once: half to even, where a line of the ledger comes to be. From there on sums
//! are exact, and [`allocate`] splits one so that its parts add up to it.
//!
//! A line: the [`Usage`] of one attempt, the [`Price`] of its model on that day, the rate of the dollar on that day; of
//! these [`charge()`] makes a [`Charge`]. What has no price or no rate is an error that names it, never zero.
//!
//! Pure: no clock, no network, no database.

mod allocation;
mod charge;
pub(crate) mod decimal;
mod dollars;
mod exchange_rate;
mod factor;
mod local_price;
mod measure;
mod money;
mod prices;
mod rates;
mod usage;
mod usage_read;
mod usage_source;
pub(crate) mod wire;
mod words;
mod words_kk;
mod words_ru;

pub use allocation::{Indivisible, allocate, allocate_units};
pub use charge::{Charge, NotCharged, Tariff, Used, charge};
pub use decimal::{BadAmount, TooLarge};
pub use dollars::Usd;
pub use exchange_rate::ExchangeRate;
pub use factor::Factor;
pub use local_price::{LocalPrice, LocalPrices, NoLocalCost, NotSpread, TengeRate, UnitPrice, spread};
pub use measure::Measure;
pub use money::Tenge;
pub use prices::{
    Asked, BadCatalogue, BadRow, Catalogue, Dollars, ImagePrice, ImagePriceFile, NoCost, NoPrice, Peak, PeakFile,
    Price, PriceBook, PriceFile, PriceList, Problem, Tier, read_overrides, without_day,
};
pub use rates::{
    BadCsv, BadFile, BadLine, BadRate, BadXml, Contradiction, Currency, FxQuote, NoCurrency, NoRate, Published,
    RateTable, Rates, read_bank_xml, read_csv, read_file,
};
pub use usage::Usage;
pub use usage_source::UsageSource;
pub use words::{Language, in_words};
