//! What the detector can find. The order of the variants is the order in which counts are reported.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::custom_entity::CustomEntity;
use crate::auth::DataClass;

/// Declares the built-in entities once: variant and name.
macro_rules! entities {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// A kind of value that identifies a person or an organisation, or that opens doors.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Entity {
            $($(#[$doc])* $variant,)*
            /// Declared in the configuration.
            Custom(CustomEntity),
        }

        impl Entity {
            /// Every built-in entity, in the order of reports.
            pub const BUILT_IN: [Self; [$($name),*].len()] = [$(Self::$variant),*];

            /// The name used in configuration, headers and audit records.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Custom(entity) => entity.as_str(),
                }
            }
        }
    };
}

entities! {
    /// Individual identification number of Kazakhstan (ИИН, ЖСН), 12 digits.
    Iin = "iin",
    /// Business identification number of Kazakhstan (БИН, БСН), 12 digits.
    Bin = "bin",
    /// Payment card number, 13–19 digits.
    Card = "card",
    /// International bank account number.
    Iban = "iban",
    /// Telephone number.
    Phone = "phone",
    /// E-mail address.
    Email = "email",
    /// A person's name.
    Person = "person",
    /// Where somebody lives or is to be found.
    Address = "address",
    /// Date of birth.
    BirthDate = "birth_date",
    /// Identity card of Kazakhstan, 9 digits.
    IdCard = "id_card",
    /// Passport: N and 8 digits, or another country's.
    Passport = "passport",
    /// Driving licence.
    DriverLicence = "driver_licence",
    /// Registration plate of a vehicle.
    Plate = "plate",
    /// Number of a contract with a person.
    Contract = "contract",
    /// A customer's account with a provider of services.
    Account = "account",
    /// Number of a patient's record.
    MedicalRecord = "medical_record",
    /// A person's pay.
    Salary = "salary",
    /// A person's diagnosis, as ICD-10 code or in words.
    Diagnosis = "diagnosis",
    /// Taxpayer number of Russia, 10 or 12 digits.
    RuInn = "ru_inn",
    /// Pension insurance number of Russia, 11 digits.
    Snils = "snils",
    /// Internal passport of Russia, 10 digits.
    RuPassport = "ru_passport",
    /// Personal number of Uzbekistan, 14 digits.
    UzPinfl = "uz_pinfl",
    /// Personal number of Kyrgyzstan, 14 digits.
    KgPin = "kg_pin",
    /// Social security number of the United States, 9 digits.
    UsSsn = "us_ssn",
    /// Public IP address.
    Ip = "ip",
    /// Hardware address of a network interface.
    Mac = "mac",
    /// Coordinates on the map.
    Geo = "geo",
    /// Address of a cryptocurrency wallet.
    Crypto = "crypto",
    /// A person's name in a messenger or social network.
    Handle = "handle",
    /// Password, key or token.
    Secret = "secret",
    /// Bank identifier code (SWIFT), 8 or 11 characters.
    Swift = "swift",
}

/// A name that is no entity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown entity {name:?}")]
pub struct UnknownEntity {
    /// The name as it was given.
    pub name: String,
}

impl Entity {
    /// The least class of data that holds such a value. What the law calls special is the state of health.
    #[must_use]
    pub const fn data_class(self) -> DataClass {
        match self {
            Self::Diagnosis | Self::MedicalRecord => DataClass::Special,
            Self::Bin | Self::Swift => DataClass::Public,
            _ => DataClass::Personal,
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
        Self::BUILT_IN
            .into_iter()
            .find(|entity| entity.as_str() == name)
            .or_else(|| CustomEntity::declared(name).map(Self::Custom))
            .ok_or_else(|| UnknownEntity { name: name.to_owned() })
    }
}

impl Serialize for Entity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Entity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_through_from_str_and_serde() {
        for entity in Entity::BUILT_IN {
            assert_eq!(entity.as_str().parse(), Ok(entity));
            let json = serde_json::to_value(entity).ok();
            assert_eq!(json, Some(serde_json::json!(entity.as_str())));
        }
        assert!("IIN".parse::<Entity>().is_err());
    }

    #[test]
    fn declared_names_are_entities_too() {
        assert!("badge_number".parse::<Entity>().is_err());
        let declared = CustomEntity::declare("badge_number").map(Entity::Custom);
        assert_eq!("badge_number".parse::<Entity>().ok(), declared);
    }
}
