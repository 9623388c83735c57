//! What a key is: `sk-sh-` + 10 characters that name it + 32 that prove it (Crockford base 32, 160 bits).
//!
//! Only HMAC-SHA256 of the whole key under the installation's secret is kept, so that a stolen database opens nothing.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::names::check_name;
use super::{DataClass, InvalidName, KeySettings, Permission, Reach, ReachLevel, Role};

pub const KEY_PREFIX: &str = "sk-sh-";
const ID_CHARS: usize = 10;
const PROOF_CHARS: usize = 32;
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The installation's secret under which keys are hashed.
#[derive(Clone)]
pub struct KeySecret([u8; 32]);

impl KeySecret {
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Stands for what a caller wrote and tells nothing of it; `purpose` keeps uses apart.
    pub fn digest(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.mac();
        // A length comes first, so that no key's text begins like this.
        for part in [&[purpose.as_bytes()], parts].concat() {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    pub(super) fn hash(&self, key: &str) -> [u8; 32] {
        let mut mac = self.mac();
        mac.update(key.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// A secret for another purpose, which tells nothing of this one.
    #[must_use]
    pub fn derived(&self, purpose: &str) -> [u8; 32] {
        // No key begins so.
        self.hash(&format!("purpose:{purpose}"))
    }

    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    fn mac(&self) -> Hmac<Sha256> {
        Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length")
    }
}

impl fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySecret(…)")
    }
}

/// What is asked for when a key is made.
#[derive(Debug, Clone)]
pub struct NewKey {
    pub name: String,
    pub role: Role,
    pub tenant: String,
    pub project: String,
    pub environment: String,
    /// The least class that every request of this key has.
    pub data_class: DataClass,
    pub settings: KeySettings,
    /// Unix milliseconds.
    pub expires_at_ms: Option<i64>,
}

impl NewKey {
    /// # Errors
    /// A name is empty, too long or has control characters.
    pub fn check(&self) -> Result<(), InvalidName> {
        let names = [
            ("name", &self.name),
            ("tenant", &self.tenant),
            ("project", &self.project),
            ("environment", &self.environment),
        ];
        names.into_iter().try_for_each(|(field, name)| check_name(field, name))?;
        // Rules and permissions go by it: it has one spelling.
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        if !self.environment.bytes().all(is_plain) {
            return Err(InvalidName { field: "environment" });
        }
        self.settings.check()
    }
}

/// Whether real customers are served there: `prod` and what begins like it.
pub fn is_production(environment: &str) -> bool {
    environment.starts_with("prod")
}

/// What is kept of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// The part of the key that names it, without [`KEY_PREFIX`].
    pub id: String,
    pub name: String,
    pub role: Role,
    pub tenant: String,
    pub project: String,
    pub environment: String,
    pub data_class: DataClass,
    pub settings: KeySettings,
    /// HMAC-SHA256 of the whole key.
    pub hash: [u8; 32],
    /// Unix milliseconds, as all times here.
    pub created_at_ms: i64,
    /// In force until then.
    pub expires_at_ms: Option<i64>,
    /// For now.
    pub frozen: bool,
    /// For good.
    pub revoked: bool,
    /// Counts its changes.
    pub version: i64,
}

impl KeyRecord {
    /// Whether its role and reach allow this. What it may be done to, is for the reach to say.
    pub fn may(&self, permission: Permission) -> bool {
        self.role.may(permission)
            && (self.settings.reach == ReachLevel::Installation || !permission.is_of_installation())
    }

    /// Opens everything, now, and is not lost with a person.
    pub fn is_owner_in_force(&self, now_ms: i64) -> bool {
        let holds = !self.revoked && !self.frozen && self.expires_at_ms.is_none_or(|until_ms| until_ms > now_ms);
        let opens_all = self.role == Role::Owner && self.settings.reach == ReachLevel::Installation;
        opens_all && holds && self.settings.person.is_none()
    }

    /// Whose things it may see in `/admin/v1`.
    pub fn reach(&self) -> Reach {
        Reach::new(self.settings.reach, &self.tenant, &self.project)
    }
}

/// A new key: its record to keep, and its text to show once.
pub struct MintedKey {
    pub record: KeyRecord,
    pub plaintext: String,
}

impl fmt::Debug for MintedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MintedKey").field("record", &self.record).finish_non_exhaustive()
    }
}

/// What a part of a key's text says of its id: it may be searched for as it stands at its user's.
pub fn id_prefix(text: &str) -> &str {
    let rest = text.strip_prefix(KEY_PREFIX).unwrap_or(text);
    rest.get(..ID_CHARS).unwrap_or(rest)
}

/// Makes a key from 42 random bytes of the caller's source.
pub fn mint(new: NewKey, secret: &KeySecret, random: [u8; ID_CHARS + PROOF_CHARS], now_ms: i64) -> MintedKey {
    let chars: String = random.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect();
    let plaintext = format!("{KEY_PREFIX}{chars}");
    let record = KeyRecord {
        id: chars[..ID_CHARS].to_owned(),
        name: new.name,
        role: new.role,
        tenant: new.tenant,
        project: new.project,
        environment: new.environment,
        data_class: new.data_class,
        settings: new.settings,
        hash: secret.hash(&plaintext),
        created_at_ms: now_ms,
        expires_at_ms: new.expires_at_ms,
        frozen: false,
        revoked: false,
        version: 1,
    };
    MintedKey { record, plaintext }
}

/// The same under an id that was chosen before; `None` where it is none.
pub fn mint_named(
    id: &str,
    new: NewKey,
    secret: &KeySecret,
    mut random: [u8; ID_CHARS + PROOF_CHARS],
    now_ms: i64,
) -> Option<MintedKey> {
    if id.len() != ID_CHARS {
        return None;
    }
    for (byte, char) in random.iter_mut().zip(id.bytes()) {
        *byte = u8::try_from(ALPHABET.iter().position(|known| *known == char)?).ok()?;
    }
    Some(mint(new, secret, random, now_ms))
}

/// The naming part of a key's text, if it has the form of one.
pub(super) fn id_of(key: &str) -> Option<&str> {
    let rest = key.strip_prefix(KEY_PREFIX)?;
    let whole = rest.len() == ID_CHARS + PROOF_CHARS && rest.bytes().all(|byte| ALPHABET.contains(&byte));
    whole.then(|| &rest[..ID_CHARS])
}
