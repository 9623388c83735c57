//! Documents and records of a person: cards, passports, licences, plates, contracts, accounts, patients' records, dates
//! of birth, pay, diagnoses, and the numbers that neighbouring countries give their people.
//!
//! Most of them are digits like any others, and only a word says what they are. So each context word asks for its own
//! value (`asking`): the first that follows it, else, as Kazakh puts it, the one right before it. What has a check
//! digit or a shape of its own is also found without a word (`lone`, `plate`, `swift`).

mod asking;
mod birth;
mod check;
mod country;
mod date;
mod diagnosis;
mod document;
mod gap;
mod icd;
mod lone;
mod marks;
mod money;
mod month;
mod plate;
#[cfg(test)]
mod properties_tests;
mod record;
mod salary;
mod swift;
mod table;
#[cfg(test)]
mod tests;

use super::budget::Budget;
use super::candidate::Found;
use super::context::topics::CARD;
use super::text::Text;
use super::views::normalize::next_digit;

/// Every document and record of a text.
pub(crate) fn scan(text: &Text<'_>, budget: &mut Budget, found: &mut Found) {
    if !is_mute(text) {
        let marks = marks::Marks::new(text);
        asking::scan(text, &marks, budget, found);
        lone::scan(text, &marks, budget, found);
        plate::scan(text, &marks, budget, found);
    }
    swift::scan(text, budget, found);
}

/// A text without a digit and without a word that asks for a value, as most talk is: nothing in it is a record.
fn is_mute(text: &Text<'_>) -> bool {
    // A bank's card is a patient's beside words of medicine.
    let context = text.context();
    let asks = || context.given() & marks::ASKING != 0 || context.all(marks::ASKING | CARD).next().is_some();
    next_digit(text.bytes(), 0).is_none() && !asks()
}
