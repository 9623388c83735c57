//! A month that is billed, `2026-10`: of the operator's calendar, by which the ledger has its days.

use std::fmt;
use std::str::FromStr;

use jiff::ToSpan;
use jiff::civil::Date;

use super::dates::Period;

const MONTHS_RU: [&str; 12] = [
    "январь",
    "февраль",
    "март",
    "апрель",
    "май",
    "июнь",
    "июль",
    "август",
    "сентябрь",
    "октябрь",
    "ноябрь",
    "декабрь",
];
const MONTHS_KK: [&str; 12] = [
    "қаңтар",
    "ақпан",
    "наурыз",
    "сәуір",
    "мамыр",
    "маусым",
    "шілде",
    "тамыз",
    "қыркүйек",
    "қазан",
    "қараша",
    "желтоқсан",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    first: Date,
    next: Date,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a month is like 2026-10")]
pub struct BadMonth;

impl Month {
    /// The one that a day lies in; none at the end of the calendar.
    pub fn of(day: Date) -> Option<Self> {
        let first = day.first_of_month();
        Some(Self { first, next: first.checked_add(1.month()).ok()? })
    }

    pub const fn first(self) -> Date {
        self.first
    }

    pub fn last(self) -> Date {
        self.first.last_of_month()
    }

    /// The first day behind it.
    pub const fn next(self) -> Date {
        self.next
    }

    pub fn days(self) -> Period {
        Period::month_of(self.first)
    }

    /// `октябрь 2026 г.`
    pub fn russian(self) -> String {
        format!("{} {} г.", self.name(&MONTHS_RU), self.first.year())
    }

    /// `2026 жылғы қазан`
    pub fn kazakh(self) -> String {
        format!("{} жылғы {}", self.first.year(), self.name(&MONTHS_KK))
    }

    fn name(self, names: &[&'static str; 12]) -> &'static str {
        names.get(usize::from(self.first.month().unsigned_abs()) - 1).copied().unwrap_or_default()
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.first.year(), self.first.month())
    }
}

impl FromStr for Month {
    type Err = BadMonth;

    fn from_str(text: &str) -> Result<Self, BadMonth> {
        let day: Date = format!("{text}-01").parse().map_err(|_| BadMonth)?;
        Self::of(day).filter(|month| month.to_string() == text).ok_or(BadMonth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_read_and_named() {
        let month: Month = "2026-02".parse().unwrap();
        assert_eq!((month.first().to_string(), month.last().to_string()), ("2026-02-01".into(), "2026-02-28".into()));
        assert_eq!((month.next().to_string(), month.to_string()), ("2026-03-01".into(), "2026-02".into()));
        assert_eq!((month.russian().as_str(), month.kazakh().as_str()), ("февраль 2026 г.", "2026 жылғы ақпан"));
        for text in ["", "2026", "2026-2", "2026-13", "2026-00", "2026-02-01", "02-2026"] {
            assert_eq!(text.parse::<Month>(), Err(BadMonth), "{text}");
        }
    }
}
