//! What a document refuses, and in which of its fields. Nothing in it is wrong by accident only: an invoice with a bad
//! account number is paid to nobody.

use std::str::FromStr;

use jiff::civil::Date;

use crate::billing::{BadAmount, Tenge, TooLarge};

/// `supplier.bank.iik: …`: what a reader of the message has to mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct BadField {
    /// A path of names and positions from zero, `lines[3].quantity`.
    pub field: String,
    pub problem: Problem,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("it is empty")]
    Empty,
    #[error("it has more than {max_chars} characters")]
    TooLong { max_chars: usize },
    #[error("it has a control character")]
    ControlCharacter,
    #[error("it must be {count} digits")]
    NotDigits { count: usize },
    #[error("its first digits are no date or kind of a taxpayer")]
    NoTaxpayer,
    #[error("its check digits are wrong")]
    Checksum,
    #[error("it must be KZ, two digits, three digits of the bank and 13 letters or digits")]
    NotKazakhIban,
    #[error("it must be 8 or 11 letters and digits, with KZ as the fifth and sixth")]
    NotKazakhBic,
    #[error("it must be 1 or 2 and a digit from 1 to 9")]
    NotBeneficiaryCode,
    #[error("{0}")]
    Amount(#[from] BadAmount),
    #[error("the amount is too large")]
    TooLarge,
    #[error("it must not be zero")]
    Zero,
    #[error("it must not be below zero")]
    BelowZero,
    #[error("a credit note must be below zero")]
    NotBelowZero,
    #[error("it has not the sign of the quantity")]
    OtherSign,
    #[error("quantity times price is {product}, and the sum stands as {sum}")]
    OtherProduct { product: Tenge, sum: Tenge },
    #[error("the lines add up to {lines}, and the total stands as {total}")]
    OtherTotal { lines: Tenge, total: Tenge },
    #[error("there are no lines")]
    NoLines,
    #[error("there are more than {max_lines} lines")]
    TooManyLines { max_lines: usize },
    #[error("it must not be before {earliest}")]
    TooEarly { earliest: Date },
    #[error("no rate of the value added tax is known for {turnover_date}")]
    UnknownVatRate { turnover_date: Date },
    #[error("it must be a day like 2026-01-15")]
    NotADay,
    #[error("it is missing")]
    Missing,
}

impl From<TooLarge> for Problem {
    fn from(TooLarge: TooLarge) -> Self {
        Self::TooLarge
    }
}

impl Problem {
    pub(super) fn of(self, field: &str) -> BadField {
        BadField { field: field.to_owned(), problem: self }
    }
}

impl BadField {
    /// The same, seen from whoever holds the field's owner.
    #[must_use]
    pub fn under(self, owner: &str) -> Self {
        Self { field: format!("{owner}.{}", self.field), problem: self.problem }
    }
}

/// What `text` means, or the field it stood in.
pub(super) fn read<T: FromStr<Err = Problem>>(field: &str, text: &str) -> Result<T, BadField> {
    text.parse().map_err(|problem: Problem| problem.of(field))
}
