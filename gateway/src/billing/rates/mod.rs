//! Exchange rates by day: read from what the National Bank of Kazakhstan publishes or from a file, kept by the day of their
//! publication, and found for any day or refused. A rate is never guessed.

mod bank_xml;
mod csv;
mod file;
mod published;
mod quote;
mod table;

pub use bank_xml::{BadXml, read_bank_xml};
pub use csv::{BadCsv, BadLine, read_csv};
pub use file::{BadFile, read_file};
pub use published::{BadRate, Published};
pub use quote::{Currency, FxQuote, NoCurrency};
pub use table::{Contradiction, NoRate, RateTable, Rates};
