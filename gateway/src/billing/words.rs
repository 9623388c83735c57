//! An amount in words, as it stands below the total of an invoice or an act in Kazakhstan: whole tenge in words, the first
//! letter large, tiyn as two digits. "Одна тысяча двести тенге 05 тиын", "Бір мың екі жүз теңге 05 тиын".
//!
//! "Тенге", "теңге" and "тиын" stand unchanged after every number, in Russian too.
//! `gateway/tests/fixtures/amounts_in_words.tsv` has what an independent library says (`scripts/golden_words.py`).

use super::money::Tenge;
use super::{words_kk, words_ru};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Russian,
    Kazakh,
}

/// Any amount; one below zero begins with "минус", which is the same word in both languages.
pub fn in_words(amount: Tenge, language: Language) -> String {
    let (tenge, tiyn) = amount.parts();
    let (number, unit) = match language {
        Language::Russian => (words_ru::cardinal(tenge), "тенге"),
        Language::Kazakh => (words_kk::cardinal(tenge), "теңге"),
    };
    let sign = if amount.is_negative() { "минус " } else { "" };
    capitalised(&format!("{sign}{number} {unit} {tiyn:02} тиын"))
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// What stands in each group of three digits, 0 to 999, the highest first. Six groups hold any [`Tenge`].
pub(super) fn groups(number: u64) -> [usize; 6] {
    [5, 4, 3, 2, 1, 0].map(|group| (number / 1_000_u64.pow(group) % 1_000) as usize)
}

#[cfg(test)]
#[path = "words_tests.rs"]
mod tests;
