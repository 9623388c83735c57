//! Money in JSON and TOML: dollars, rates and factors as decimal texts, tenge as a whole number of tiyn. Never a float,
//! written or read.

use std::fmt::Display;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};

use super::dollars::Usd;
use super::exchange_rate::ExchangeRate;
use super::factor::Factor;
use super::money::Tenge;

fn from_text<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

macro_rules! as_text {
    ($($amount:ty),*) => {$(
        impl Serialize for $amount {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $amount {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                from_text(deserializer)
            }
        }
    )*};
}

as_text!(Usd, ExchangeRate, Factor);

impl Serialize for Tenge {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.tiyn())
    }
}

impl<'de> Deserialize<'de> for Tenge {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i64::deserialize(deserializer).map(Self::from_tiyn)
    }
}

/// Days as `2026-12-01`.
pub(crate) mod day {
    use super::{Deserializer, Serializer, from_text};
    use jiff::civil::Date;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
    pub(crate) fn serialize<S: Serializer>(day: &Date, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(day)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
        from_text(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_text_or_whole_numbers_and_no_float() {
        let dollars: Usd = "0.000000075".parse().unwrap();
        assert_eq!(serde_json::to_string(&dollars).unwrap(), r#""0.000000075""#);
        assert_eq!(serde_json::from_str::<Usd>(r#""0.000000075""#).unwrap(), dollars);
        let rate: ExchangeRate = "512.34".parse().unwrap();
        assert_eq!(serde_json::to_string(&rate).unwrap(), r#""512.34""#);
        assert_eq!(serde_json::to_string(&Tenge::from_tiyn(-5)).unwrap(), "-5");
        assert_eq!(serde_json::from_str::<Tenge>("-5").unwrap(), Tenge::from_tiyn(-5));
        for float in ["0.5", "1e3", "5.0"] {
            assert!(serde_json::from_str::<Usd>(float).is_err(), "{float}");
            assert!(serde_json::from_str::<ExchangeRate>(float).is_err(), "{float}");
            assert!(serde_json::from_str::<Tenge>(float).is_err(), "{float}");
        }
    }
}
