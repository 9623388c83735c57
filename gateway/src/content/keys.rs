//! The secrets under which content is kept. Everything is derived from a master secret by HKDF-SHA256, for one tenant and
//! one purpose. Several masters may be known: the current one seals, all of them open.

use std::fmt;

use ring::hkdf::{HKDF_SHA256, Salt};

use super::item::{Address, Kind};

/// Tells masters apart; stands before what one has sealed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyId([u8; KeyId::BYTES]);

impl KeyId {
    pub const BYTES: usize = 8;

    pub(super) fn new(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    pub(super) fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }
}

/// One master secret.
#[derive(Clone)]
pub struct MasterKey {
    secret: [u8; 32],
    id: KeyId,
}

impl MasterKey {
    pub fn new(secret: [u8; 32]) -> Self {
        let mut id = [0; KeyId::BYTES];
        id.copy_from_slice(&derive(&secret, "key id", &[])[..KeyId::BYTES]);
        Self { secret, id: KeyId(id) }
    }

    /// From a secret that people keep: 64 hexadecimal digits are taken as they are, as in the file that is made where no key
    /// is configured; else at least 32 characters of any kind. `None` for less.
    pub fn from_text(text: &str) -> Option<Self> {
        const MIN_CHARACTERS: usize = 32;
        let text = text.trim();
        if let Some(secret) = from_hex(text) {
            return Some(Self::new(secret));
        }
        let enough = text.chars().count() >= MIN_CHARACTERS;
        enough.then(|| Self::new(derive(text.as_bytes(), "text", &[])))
    }

    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Where an item lies.
    pub(super) fn address(&self, tenant: &str, kind: Kind, name: &[&[u8]]) -> Address {
        self.of_tenant(tenant, "address", &[&[kind.as_str().as_bytes()], name].concat())
    }

    /// Stands for a person or conversation of a tenant.
    pub(super) fn subject(&self, tenant: &str, what: &str, name: &str) -> [u8; 32] {
        self.of_tenant(tenant, "subject", &[what.as_bytes(), name.as_bytes()])
    }

    /// The key of one sealing: `salt` is random, so that no nonce can come twice under one key.
    pub(super) fn sealing_key(&self, tenant: &str, salt: &[u8]) -> [u8; 32] {
        self.of_tenant(tenant, "sealing", &[salt])
    }

    fn of_tenant(&self, tenant: &str, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        derive(&derive(&self.secret, "tenant", &[tenant.as_bytes()]), purpose, parts)
    }
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let mut secret = [0; 32];
    if text.len() != 2 * secret.len() || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, at) in secret.iter_mut().zip((0..text.len()).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(secret)
}

/// HKDF over parts, each with its length in front.
fn derive(secret: &[u8], purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut info = Vec::new();
    for part in [&[purpose.as_bytes()], parts].concat() {
        info.extend_from_slice(&(part.len() as u64).to_le_bytes());
        info.extend_from_slice(part);
    }
    let mut derived = [0; 32];
    let extracted = Salt::new(HKDF_SHA256, b"shekara content").extract(secret);
    let filled = extracted.expand(&[&info], HKDF_SHA256).and_then(|expanded| expanded.fill(&mut derived));
    #[expect(clippy::expect_used, reason = "HKDF-SHA256 gives up to 8,160 bytes, and 32 are asked for")]
    filled.expect("HKDF gives 32 bytes");
    derived
}

/// The master that seals, and those that only open what they sealed before.
#[derive(Clone, Debug)]
pub struct ContentKeys {
    current: MasterKey,
    old: Vec<MasterKey>,
}

impl ContentKeys {
    pub fn new(current: MasterKey, old: Vec<MasterKey>) -> Self {
        Self { current, old }
    }

    pub(super) fn current(&self) -> &MasterKey {
        &self.current
    }

    pub(super) fn by_id(&self, id: KeyId) -> Option<&MasterKey> {
        self.all().find(|key| key.id == id)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &MasterKey> {
        [&self.current].into_iter().chain(&self.old)
    }

    /// Where an item may lie, first where a new one is put.
    pub fn addresses(&self, tenant: &str, kind: Kind, name: &[&[u8]]) -> Vec<Address> {
        self.all().map(|key| key.address(tenant, kind, name)).collect()
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyId(..)")
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_depend_on_all_of_master_tenant_kind_and_name() {
        let key = MasterKey::new([7; 32]);
        let own = key.address("bank", Kind::Replay, &[b"k1", b"a"]);
        assert_eq!(own, MasterKey::new([7; 32]).address("bank", Kind::Replay, &[b"k1", b"a"]));
        for other in [
            MasterKey::new([8; 32]).address("bank", Kind::Replay, &[b"k1", b"a"]),
            key.address("clinic", Kind::Replay, &[b"k1", b"a"]),
            key.address("bank", Kind::Cache, &[b"k1", b"a"]),
            key.address("bank", Kind::Replay, &[b"k1a", b""]),
            key.address("bank", Kind::Replay, &[b"k1", b"b"]),
            key.subject("bank", "replay", "k1a"),
        ] {
            assert_ne!(own, other);
        }
    }

    #[test]
    fn a_short_text_is_no_secret() {
        assert!(MasterKey::from_text("short").is_none());
        let text = "0123456789abcdef0123456789abcdef";
        assert_eq!(MasterKey::from_text(text).unwrap().id(), MasterKey::from_text(&format!("{text}\n")).unwrap().id());
        assert_eq!(MasterKey::from_text(&"0a".repeat(32)).unwrap().id(), MasterKey::new([10; 32]).id());
        assert!(!format!("{:?}", MasterKey::new([7; 32])).contains('7'));
    }
}
