//! What the detector can find. The order of the variants is the order in which counts are reported.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A kind of value that identifies a person or an organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entity {
    /// Individual identification number of Kazakhstan (ИИН, ЖСН), 12 digits.
    Iin,
    /// Business identification number of Kazakhstan (БИН, БСН), 12 digits.
    Bin,
    /// Payment card number, 13–19 digits.
    Card,
    /// International bank account number.
    Iban,
    /// Telephone number.
    Phone,
    /// E-mail address.
    Email,
}

/// A name that is no entity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown entity {name:?}")]
pub struct UnknownEntity {
    /// The name as it was given.
    pub name: String,
}

impl Entity {
    /// Every entity, in the order of reports.
    pub const ALL: [Self; 6] = [Self::Iin, Self::Bin, Self::Card, Self::Iban, Self::Phone, Self::Email];

    /// The name used in configuration, headers and audit records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Iin => "iin",
            Self::Bin => "bin",
            Self::Card => "card",
            Self::Iban => "iban",
            Self::Phone => "phone",
            Self::Email => "email",
        }
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Entity {
    type Err = UnknownEntity;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|entity| entity.as_str() == name)
            .ok_or_else(|| UnknownEntity { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_through_from_str_and_serde() {
        for entity in Entity::ALL {
            assert_eq!(entity.as_str().parse(), Ok(entity));
            let json = serde_json::to_value(entity).ok();
            assert_eq!(json, Some(serde_json::json!(entity.as_str())));
        }
        assert!("IIN".parse::<Entity>().is_err());
    }
}
