//! Secrets of a data folder: without them keys are not known, kept content cannot be opened and tokens not be restored.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::BackupError;
use crate::signing::hex::hex;
use crate::store::DataDir;
use crate::store::data_dir::from_hex;

/// One of those that are made in the data folder unless the configuration names another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoredSecret {
    Keys,
    Masking,
    Labels,
    Audit,
    Content,
}

/// What a backup says of a secret: never what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretNote {
    pub secret: StoredSecret,
    /// It stands in the backup.
    pub is_included: bool,
    /// The configuration named another place than the data folder.
    pub is_configured: bool,
    /// Tells two secrets of data folders apart.
    pub fingerprint: Option<String>,
}

/// What there is of a secret after a restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretState {
    /// It came with the backup.
    Restored,
    /// The same one was there already.
    Present,
    /// The configuration names one; whether it is the same, nobody here can tell.
    Configured,
    Needed,
}

impl StoredSecret {
    pub const ALL: [Self; 5] = [Self::Keys, Self::Masking, Self::Labels, Self::Audit, Self::Content];

    /// In the data folder.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Keys => "keys.secret",
            Self::Masking => "masking.secret",
            Self::Labels => "labels.secret",
            Self::Audit => "audit.secret",
            Self::Content => "content.secret",
        }
    }

    /// In the configuration.
    pub fn setting(self) -> &'static str {
        match self {
            Self::Keys => "[store] key_secret",
            Self::Masking => "[privacy.conversations] vault_key",
            Self::Labels => "[labels] signing_key",
            Self::Audit => "[audit] signing_key",
            Self::Content => "[content] key",
        }
    }

    /// What does not work without it.
    pub fn purpose(self) -> &'static str {
        match self {
            Self::Keys => "no API key of the backup is known",
            Self::Masking => "tokens of masked values are not restored",
            Self::Labels => "labels that were given are not verified",
            Self::Audit => "the audit goes on under another key; name the old one in [audit] earlier_keys",
            Self::Content => "kept content (files, stored responses) cannot be opened",
        }
    }

    pub(super) fn by_file_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|secret| secret.file_name() == name)
    }

    /// `None` if the data folder has none.
    ///
    /// # Errors
    /// The file cannot be read, or holds no secret.
    pub fn read(self, data: &DataDir) -> Result<Option<[u8; 32]>, BackupError> {
        let path = data.root.join(self.file_name());
        match std::fs::read_to_string(&path) {
            Ok(text) => match from_hex(text.trim()) {
                Some(bytes) => Ok(Some(bytes)),
                None => Err(crate::store::StoreError::BadKeySecret { path }.into()),
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(BackupError::File { path, source }),
        }
    }

    /// The first bytes of a hash: what is hashed is 32 random bytes.
    pub(super) fn fingerprint(self, bytes: &[u8; 32]) -> String {
        let mut hash = Sha256::new_with_prefix(b"shekara backup secret ");
        hash.update(self.file_name());
        hash.update(bytes);
        hex(&hash.finalize()[..8])
    }

    /// What a backup says of it; `configured` are those that do not lie in the data folder.
    pub(super) fn note(
        self,
        data: &DataDir,
        (configured, is_asked): (&[Self], bool),
    ) -> Result<Option<SecretNote>, BackupError> {
        let is_configured = configured.contains(&self);
        let own = if is_configured { None } else { self.read(data)? };
        if own.is_none() && !is_configured {
            return Ok(None);
        }
        let fingerprint = own.map(|bytes| self.fingerprint(&bytes));
        Ok(Some(SecretNote { secret: self, is_included: is_asked && own.is_some(), is_configured, fingerprint }))
    }
}
