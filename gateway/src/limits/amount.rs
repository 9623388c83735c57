//! Tenge in JSON and TOML: written as a text (`"1234.50"`), read as a text or a number.

use std::fmt;
use std::str::FromStr;

use serde::de::{Error, Visitor};
use serde::{Deserializer, Serializer};

use crate::billing::Tenge;

/// Two digits behind the point and thirteen before it: so far a binary fraction still shows the decimal that was
/// written.
const MAX_FRACTION: f64 = 1e13;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
pub(super) fn serialize<S: Serializer>(tenge: &Tenge, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&tenge.plain())
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Tenge, D::Error> {
    deserializer.deserialize_any(Written)
}

struct Written;

impl Visitor<'_> for Written {
    type Value = Tenge;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an amount in tenge, like \"1234.50\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Tenge, E> {
        Tenge::from_str(text).map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, tenge: u64) -> Result<Tenge, E> {
        self.visit_str(&tenge.to_string())
    }

    fn visit_i64<E: Error>(self, tenge: i64) -> Result<Tenge, E> {
        self.visit_str(&tenge.to_string())
    }

    fn visit_f64<E: Error>(self, tenge: f64) -> Result<Tenge, E> {
        if tenge.abs() >= MAX_FRACTION {
            return Err(E::custom("write amounts as large as this as a text"));
        }
        self.visit_str(&tenge.to_string())
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Amount(#[serde(with = "super")] Tenge);

    #[test]
    fn texts_and_numbers_are_read_to_the_tiyn() {
        for (json, tiyn) in [
            ("\"1234.50\"", 123_450),
            ("\"1 234,5\"", 123_450),
            ("1234.5", 123_450),
            ("0.01", 1),
            ("9999999999999.99", 999_999_999_999_999),
            ("5", 500),
            ("-5", -500),
            ("\"92233720368547758.07\"", i64::MAX),
        ] {
            let amount: Amount = serde_json::from_str(json).unwrap();
            assert_eq!(amount.0.tiyn(), tiyn, "{json}");
            let again: Amount = serde_json::from_str(&serde_json::to_string(&amount).unwrap()).unwrap();
            assert_eq!(again.0.tiyn(), tiyn, "{json}");
        }
        for wrong in ["0.001", "\"0.001\"", "1e13", "18446744073709551615", "\"1e3\"", "true", "null", "\"\""] {
            assert!(serde_json::from_str::<Amount>(wrong).is_err(), "{wrong}");
        }
        assert_eq!(serde_json::to_string(&Amount(Tenge::from_tiyn(-5))).unwrap(), "\"-0.05\"");
    }
}
