//! How sensitive the data of a request is: an order in which anyone may only raise.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DataClass {
    #[default]
    Public,
    Internal,
    Personal,
    Special,
}

impl DataClass {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Personal => "personal",
            Self::Special => "special",
        }
    }

    /// Data of this class may not leave the border.
    pub fn is_sensitive(self) -> bool {
        self >= Self::Personal
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the data class must be public, internal, personal or special")]
pub struct UnknownDataClass;

impl FromStr for DataClass {
    type Err = UnknownDataClass;

    fn from_str(text: &str) -> Result<Self, UnknownDataClass> {
        [Self::Public, Self::Internal, Self::Personal, Self::Special]
            .into_iter()
            .find(|class| class.as_str().eq_ignore_ascii_case(text.trim()))
            .ok_or(UnknownDataClass)
    }
}
