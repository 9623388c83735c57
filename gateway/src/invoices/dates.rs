//! Days and months as papers in Kazakhstan have them, in both languages.

use jiff::civil::Date;

use super::error::Problem;

const MONTHS_RU: [&str; 12] = [
    "января",
    "февраля",
    "марта",
    "апреля",
    "мая",
    "июня",
    "июля",
    "августа",
    "сентября",
    "октября",
    "ноября",
    "декабря",
];
/// With the ending that says that something is of that month.
const MONTHS_KK: [(&str, &str); 12] = [
    ("қаңтар", "дағы"),
    ("ақпан", "дағы"),
    ("наурыз", "дағы"),
    ("сәуір", "дегі"),
    ("мамыр", "дағы"),
    ("маусым", "дағы"),
    ("шілде", "дегі"),
    ("тамыз", "дағы"),
    ("қыркүйек", "тегі"),
    ("қазан", "дағы"),
    ("қараша", "дағы"),
    ("желтоқсан", "дағы"),
];

/// The days of a month or of another time, both counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    from: Date,
    to: Date,
}

impl Period {
    /// # Errors
    /// It ends before it begins.
    pub fn new(from: Date, to: Date) -> Result<Self, Problem> {
        if to < from { Err(Problem::TooEarly { earliest: from }) } else { Ok(Self { from, to }) }
    }

    /// From the first to the last day of the month that `day` lies in.
    pub fn month_of(day: Date) -> Self {
        Self { from: day.first_of_month(), to: day.last_of_month() }
    }

    pub const fn from(self) -> Date {
        self.from
    }

    pub const fn to(self) -> Date {
        self.to
    }

    /// `01.10.2026–31.10.2026`
    pub(super) fn numeric(self) -> String {
        format!("{}–{}", numeric(self.from), numeric(self.to))
    }
}

/// `31.10.2026`
pub(super) fn numeric(date: Date) -> String {
    format!("{:02}.{:02}.{:04}", date.day(), date.month(), date.year())
}

/// `31 октября 2026 г.`
pub(super) fn russian(date: Date) -> String {
    let month = MONTHS_RU.get(month_index(date)).copied().unwrap_or_default();
    format!("{} {month} {} г.", date.day(), date.year())
}

/// `2026 жылғы 31 қазан`
pub(super) fn kazakh(date: Date) -> String {
    let (month, _) = MONTHS_KK.get(month_index(date)).copied().unwrap_or_default();
    format!("{} жылғы {} {month}", date.year(), date.day())
}

/// `2026 жылғы 31 қазандағы`, before what is of that day.
pub(super) fn kazakh_of(date: Date) -> String {
    let (_, ending) = MONTHS_KK.get(month_index(date)).copied().unwrap_or_default();
    kazakh(date) + ending
}

fn month_index(date: Date) -> usize {
    usize::from(date.month().unsigned_abs()) - 1
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn days_are_written_in_both_languages() {
        let day = date(2026, 9, 1);
        assert_eq!(numeric(day), "01.09.2026");
        assert_eq!(russian(day), "1 сентября 2026 г.");
        assert_eq!(kazakh(day), "2026 жылғы 1 қыркүйек");
        assert_eq!(kazakh_of(day), "2026 жылғы 1 қыркүйектегі");
    }

    #[test]
    fn a_period_ends_after_it_began() {
        let (first, last) = (date(2026, 10, 1), date(2026, 10, 31));
        assert_eq!(Period::new(first, last).unwrap().numeric(), "01.10.2026–31.10.2026");
        assert!(Period::new(first, first).is_ok());
        assert_eq!(Period::new(last, first), Err(Problem::TooEarly { earliest: last }));
    }
}
