//! A rate as a line of the ledger keeps it.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::billing::exchange_rate::ExchangeRate;
use crate::billing::wire;

/// Which rate was applied, of which day's publication, and who says so. It never changes once it stands in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FxQuote {
    /// Of publication: on a holiday it is the last one before.
    #[serde(with = "wire::day")]
    pub date: Date,
    /// Tenge for a dollar.
    pub rate: ExchangeRate,
    /// `nbk`, `file:rates.csv` or `fixed`.
    pub source: String,
}

/// ISO 4217's three letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a currency is three capital letters like USD")]
pub struct NoCurrency;

impl Currency {
    pub const USD: Self = Self(*b"USD");
}

impl FromStr for Currency {
    type Err = NoCurrency;

    fn from_str(text: &str) -> Result<Self, NoCurrency> {
        let letters: [u8; 3] = text.as_bytes().try_into().map_err(|_| NoCurrency)?;
        if letters.iter().all(u8::is_ascii_uppercase) { Ok(Self(letters)) } else { Err(NoCurrency) }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(std::str::from_utf8(&self.0).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_is_written_exactly_and_read_again() {
        let quote =
            FxQuote { date: "2026-12-01".parse().unwrap(), rate: "512.34".parse().unwrap(), source: "nbk".to_owned() };
        let json = serde_json::to_string(&quote).unwrap();
        assert_eq!(json, r#"{"date":"2026-12-01","rate":"512.34","source":"nbk"}"#);
        assert_eq!(serde_json::from_str::<FxQuote>(&json).unwrap(), quote);
        for wrong in
            [r#"{"date":"2026-12-01","rate":512.34,"source":"nbk"}"#, r#"{"date":"01.12.2026","rate":"1","source":""}"#]
        {
            assert!(serde_json::from_str::<FxQuote>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn currencies_are_three_capital_letters() {
        assert_eq!("USD".parse(), Ok(Currency::USD));
        assert_eq!(Currency::USD.to_string(), "USD");
        for wrong in ["", "usd", "US", "USDT", "US1", "ЗЛТ"] {
            assert_eq!(wrong.parse::<Currency>(), Err(NoCurrency), "{wrong}");
        }
    }
}
