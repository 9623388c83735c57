//! Rates by the day of their publication, and which of them holds for a day.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::published::Published;
use super::quote::{Currency, FxQuote};
use crate::billing::exchange_rate::ExchangeRate;

const FIXED: &str = "fixed";

/// Where rates come from.
#[derive(Debug, Clone)]
pub enum Rates {
    /// The operator's own, for trying things out.
    Fixed(ExchangeRate),
    Published(RateTable),
}

/// What was published for a day does not change. A day without rates of its own has the last before it.
#[derive(Debug, Clone)]
pub struct RateTable {
    max_age_days: u16,
    by_currency: BTreeMap<Currency, BTreeMap<Date, (ExchangeRate, String)>>,
}

/// A day that has a rate already got another one: one of the two is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the rate of {currency} on {date} is {known} by '{source_of_known}' and cannot become {other}")]
pub struct Contradiction {
    pub currency: Currency,
    pub date: Date,
    pub known: ExchangeRate,
    pub source_of_known: String,
    pub other: ExchangeRate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoRate {
    #[error("there is no rate of {currency} for {day} or any day before")]
    Never { currency: Currency, day: Date },
    #[error("the last rate of {currency} before {day} is of {last}, more than {max_age_days} days old")]
    TooOld { currency: Currency, day: Date, last: Date, max_age_days: u16 },
}

impl Rates {
    /// The rate of the dollar on the operator's day.
    ///
    /// # Errors
    /// None was published for that day, nor lately before it.
    pub fn of_dollar(&self, day: Date) -> Result<FxQuote, NoRate> {
        match self {
            Self::Fixed(rate) => Ok(FxQuote { date: day, rate: *rate, source: FIXED.to_owned() }),
            Self::Published(table) => table.quote(Currency::USD, day),
        }
    }
}

impl RateTable {
    /// Ten days, if nothing else is set: the bank's longest holidays are shorter.
    pub const USUAL_MAX_AGE_DAYS: u16 = 10;

    pub fn new(max_age_days: u16) -> Self {
        Self { max_age_days, by_currency: BTreeMap::new() }
    }

    /// Whether it was new. Who said it first stays its source.
    ///
    /// # Errors
    /// Another rate is known for that day.
    pub fn add(&mut self, published: Published, source: &str) -> Result<bool, Contradiction> {
        let Published { date, currency, rate } = published;
        let days = self.by_currency.entry(currency).or_default();
        match days.get(&date) {
            None => {
                days.insert(date, (rate, source.to_owned()));
                Ok(true)
            }
            Some((known, _)) if *known == rate => Ok(false),
            Some((known, source)) => {
                Err(Contradiction { currency, date, known: *known, source_of_known: source.clone(), other: rate })
            }
        }
    }

    /// That day's, or the last before it.
    ///
    /// # Errors
    /// There is none, or it is too old.
    pub fn quote(&self, currency: Currency, day: Date) -> Result<FxQuote, NoRate> {
        let days = self.by_currency.get(&currency);
        let last = days.and_then(|days| days.range(..=day).next_back());
        let (date, (rate, source)) = last.ok_or(NoRate::Never { currency, day })?;
        let age_days = day.duration_since(*date).as_hours() / 24;
        if age_days > i64::from(self.max_age_days) {
            let max_age_days = self.max_age_days;
            return Err(NoRate::TooOld { currency, day, last: *date, max_age_days });
        }
        Ok(FxQuote { date: *date, rate: *rate, source: source.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn dollar(date: &str, rate: &str) -> Published {
        Published { date: day(date), currency: Currency::USD, rate: rate.parse().unwrap() }
    }

    fn table(rates: &[(&str, &str)]) -> RateTable {
        let mut table = RateTable::new(RateTable::USUAL_MAX_AGE_DAYS);
        for (date, rate) in rates {
            assert_eq!(table.add(dollar(date, rate), "nbk"), Ok(true));
        }
        table
    }

    #[test]
    fn a_day_has_its_own_rate_or_the_last_before_it() {
        let table = table(&[("2026-12-04", "510"), ("2026-12-07", "512.34"), ("2026-12-08", "513")]);
        for (asked, published, rate) in [
            ("2026-12-04", "2026-12-04", "510.00"),
            // Saturday and Sunday.
            ("2026-12-05", "2026-12-04", "510.00"),
            ("2026-12-06", "2026-12-04", "510.00"),
            ("2026-12-07", "2026-12-07", "512.34"),
            ("2026-12-18", "2026-12-08", "513.00"),
        ] {
            let quote = table.quote(Currency::USD, day(asked)).unwrap();
            assert_eq!((quote.date, quote.rate.to_string().as_str()), (day(published), rate), "{asked}");
            assert_eq!(quote.source, "nbk");
        }
    }

    #[test]
    fn a_rate_is_refused_rather_than_guessed() {
        let table = table(&[("2026-12-08", "513")]);
        let (currency, max_age_days) = (Currency::USD, 10);
        let before = day("2026-12-07");
        assert_eq!(table.quote(currency, before), Err(NoRate::Never { currency, day: before }));
        let (late, last) = (day("2026-12-19"), day("2026-12-08"));
        assert_eq!(table.quote(currency, late), Err(NoRate::TooOld { currency, day: late, last, max_age_days }));
        let euro: Currency = "EUR".parse().unwrap();
        assert_eq!(table.quote(euro, last), Err(NoRate::Never { currency: euro, day: last }));
        let none = Rates::Published(RateTable::new(0)).of_dollar(last).unwrap_err();
        assert_eq!(none.to_string(), "there is no rate of USD for 2026-12-08 or any day before");
    }

    #[test]
    fn what_was_published_does_not_change() {
        let mut table = table(&[("2026-12-08", "513")]);
        assert_eq!(table.add(dollar("2026-12-08", "513.0"), "file:rates.csv"), Ok(false));
        let error = table.add(dollar("2026-12-08", "5.13"), "file:rates.csv").unwrap_err();
        let told = "the rate of USD on 2026-12-08 is 513.00 by 'nbk' and cannot become 5.13";
        assert_eq!(error.to_string(), told);
        assert_eq!(table.quote(Currency::USD, day("2026-12-08")).unwrap().source, "nbk");
    }

    #[test]
    fn a_fixed_rate_holds_on_any_day() {
        let rates = Rates::Fixed("500".parse().unwrap());
        let quote = rates.of_dollar(day("2031-01-01")).unwrap();
        assert_eq!((quote.date, quote.source.as_str()), (day("2031-01-01"), "fixed"));
    }
}
