//! People who log in at a provider of the operator's: who they are there, and what they may do here.
//!
//! An address is only what they are first found by. From the first login on they are who the provider says (issuer and
//! subject), so that whoever gets an address after them does not get what was theirs.

use super::names::check_name;
use super::{InvalidName, KeyRecord, Reach, Role};

const MAX_EMAIL_BYTES: usize = 254;
const ID_CHARS: usize = 16;
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub id: String,
    /// As [`email_of`] writes it; nobody else has it.
    pub email: String,
    pub name: Option<String>,
    /// Any but that of applications.
    pub role: Role,
    pub reach: Reach,
    /// For now: neither their logins nor their keys open anything.
    pub frozen: bool,
    /// Since the first login.
    pub identity: Option<Identity>,
    /// Role and reach are what the provider's claims give, at each login anew.
    pub is_granted: bool,
    /// Unix milliseconds, as all times here.
    pub created_at_ms: i64,
    pub changed_at_ms: i64,
    /// Counts its changes.
    pub version: i64,
}

/// Who somebody is at a provider. The pair never belongs to anybody else.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    pub issuer: String,
    pub subject: String,
}

impl Person {
    /// # Errors
    /// The name is empty, too long or has control characters.
    pub fn check(&self) -> Result<(), InvalidName> {
        self.name.iter().try_for_each(|name| check_name("name", name))
    }

    /// Whether all that a key opens is theirs to open.
    pub fn covers(&self, key: &KeyRecord) -> bool {
        self.role.covers(key.role) && self.reach.includes(&key.reach())
    }
}

/// An address as it is kept, or `None` for what is none. Only letters of ASCII become small: others that look alike or fold
/// to the same are other people's.
pub fn email_of(text: &str) -> Option<String> {
    let text = text.trim();
    let (local, domain) = text.split_once('@')?;
    let is_odd = |c: char| c.is_whitespace() || c.is_control() || "@<>(),;:\"\\".contains(c);
    let fits = !local.is_empty() && !domain.is_empty() && text.len() <= MAX_EMAIL_BYTES;
    let is_plain = !local.contains(is_odd) && !domain.contains(is_odd);
    (fits && is_plain).then(|| text.to_ascii_lowercase())
}

/// Names a person, of random bytes.
pub fn person_id(random: [u8; ID_CHARS]) -> String {
    let chars: String = random.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect();
    format!("person_{chars}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_one_spelling() {
        assert_eq!(email_of(" Aigul@Bank.KZ ").as_deref(), Some("aigul@bank.kz"));
        // The Kelvin sign is no k.
        assert_ne!(email_of("\u{212a}@bank.kz"), email_of("k@bank.kz"));
        let long = format!("{}@b", "a".repeat(254));
        for none in ["", "a", "@b", "a@", "a@b@c", "a b@c", "a@b\nc", "<a@b>", "a,b@c", &long] {
            assert_eq!(email_of(none), None, "{none}");
        }
    }
}
