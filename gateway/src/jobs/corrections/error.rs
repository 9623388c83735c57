//! Why the ledger was not corrected, in words that say what to do about it.

use jiff::civil::Date;

use crate::billing::TooLarge;
use crate::ledger::Unspreadable;
use crate::ledger::statement::BadStatement;
use crate::store::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum CorrectionError {
    #[error("the file cannot be read: {0}")]
    Statement(#[from] BadStatement),
    #[error("at most {max_days} days are compared at once")]
    TooManyDays { max_days: i64 },
    #[error("the first day lies behind the last")]
    Backwards,
    #[error(
        "nothing was corrected: {num} differences cannot be explained by estimated calls ({first}); leave models out with \
         --skip, name others with --model, or narrow the days"
    )]
    NotExplained { num: usize, first: String },
    #[error("'{model}' on {day}: {problem}")]
    Spread { day: Date, model: String, problem: Unspreadable },
    #[error("there is no exchange rate for {day}; import one ('shekara rates import') and try again")]
    NoRate { day: Date },
    #[error("calls of '{model}' on {day} have no price, and the file has no cost")]
    NoPrice { day: Date, model: String },
    #[error("more than {max_rows} calls of {day} were estimated")]
    TooManyRows { day: Date, max_rows: u32 },
    #[error("more than {max} rows would be corrected at once; take fewer days")]
    TooManyCorrections { max: usize },
    #[error("a decision to bill nothing needs a reason of at most 500 characters")]
    Reason,
    #[error("the ledger went on while it was compared; try again")]
    Busy,
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    #[error("the day is beyond the calendar")]
    Calendar(#[from] jiff::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
}
