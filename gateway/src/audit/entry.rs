//! One entry of the trail: a record, its place in a chain, and the hashes that tie it to the entry before.
//!
//! The hash is over the canonical JSON of the entry without its hash. The line of an entry is its canonical JSON, and
//! since `hash` sorts first, the hashed text is the line without that member: no other text of an entry is read.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::canonical::{CanonicalObject, MAX_EXACT_INTEGER, push_string};
use super::record_text::push_digits;
use super::{Digest, LineError, Time, WriterId};

/// How an entry's line begins.
pub(super) const ENTRY_PREFIX: &str = "{\"hash\":";
/// Where the rest of a line begins behind its hash, the quotes and a comma.
const HASH_END: usize = ENTRY_PREFIX.len() + 64 + 3;
const VERSION: u64 = 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    /// A request is about to leave.
    Intent,
    /// A request ended.
    Request,
    /// Somebody changed or read something.
    Admin,
    /// The gateway did something by itself.
    System,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Any Unicode; names that look alike but are written with other characters are other tenants.
    pub tenant: String,
    pub writer: WriterId,
    /// From 1, without gaps.
    pub sequence: u64,
    pub kind: EntryKind,
    /// Entries are ordered by sequence, not by time: a clock may be set back.
    pub time: Time,
    pub record: CanonicalObject,
    /// Of the entry before, or [`Digest::NONE`].
    pub previous: Digest,
    pub hash: Digest,
}

/// An entry as its line has it; fields in the order of the line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire<'a> {
    hash: Digest,
    kind: EntryKind,
    previous: Digest,
    #[serde(borrow)]
    record: &'a RawValue,
    sequence: u64,
    #[serde(borrow)]
    tenant: Cow<'a, str>,
    time: Time,
    v: u64,
    writer: WriterId,
}

impl EntryKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::Request => "request",
            Self::Admin => "admin",
            Self::System => "system",
        }
    }
}

impl Entry {
    /// The hash that this entry must have.
    pub fn computed_hash(&self) -> Digest {
        hash_of(&self.rest())
    }

    /// The entry as canonical JSON, without a line feed.
    pub fn line(&self) -> String {
        line_of(self.hash, &self.rest())
    }

    /// Reads an entry. Its hash may be wrong.
    ///
    /// # Errors
    /// The text is not what [`Self::line`] writes of any entry.
    pub fn read(line: &str) -> Result<Self, LineError> {
        let wire: Wire<'_> = serde_json::from_str(line).map_err(|_| LineError::Shape)?;
        if wire.v != VERSION || !wire.record.get().starts_with('{') || !(1..=MAX_EXACT_INTEGER).contains(&wire.sequence)
        {
            return Err(LineError::Shape);
        }
        let entry = Self {
            tenant: wire.tenant.into_owned(),
            writer: wire.writer,
            sequence: wire.sequence,
            kind: wire.kind,
            time: wire.time,
            record: CanonicalObject::read(wire.record.get()).ok_or(LineError::NotCanonical)?,
            previous: wire.previous,
            hash: wire.hash,
        };
        if entry.line() != line {
            return Err(LineError::NotCanonical);
        }
        Ok(entry)
    }

    /// Also gives the hash that it must have.
    pub(super) fn read_with_hash(line: &str) -> Result<(Self, Digest), LineError> {
        Self::read(line).map(|entry| (entry, hash_of(line.get(HASH_END..).unwrap_or_default())))
    }

    /// Sets the right hash and gives the line.
    pub(super) fn close(&mut self) -> String {
        let rest = self.rest();
        self.hash = hash_of(&rest);
        line_of(self.hash, &rest)
    }

    /// The line behind its first member and the comma.
    fn rest(&self) -> String {
        let mut text = String::with_capacity(self.record.as_str().len() + self.tenant.len() + 256);
        text.push_str("\"kind\":\"");
        text.push_str(self.kind.as_str());
        text.push_str("\",\"previous\":\"");
        self.previous.push_to(&mut text);
        text.push_str("\",\"record\":");
        text.push_str(self.record.as_str());
        text.push_str(",\"sequence\":");
        push_digits(&mut text, self.sequence);
        text.push_str(",\"tenant\":");
        push_string(&mut text, &self.tenant);
        text.push_str(",\"time\":\"");
        self.time.push_to(&mut text);
        text.push_str("\",\"v\":1,\"writer\":\"");
        self.writer.push_to(&mut text);
        text.push_str("\"}");
        text
    }
}

fn hash_of(rest: &str) -> Digest {
    Digest::of_parts(&[b"{", rest.as_bytes()])
}

fn line_of(hash: Digest, rest: &str) -> String {
    let mut line = String::with_capacity(HASH_END + rest.len());
    line.push_str(ENTRY_PREFIX);
    line.push('"');
    hash.push_to(&mut line);
    line.push_str("\",");
    line.push_str(rest);
    line
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::canonical::canonical;
    use super::*;

    fn entry() -> Entry {
        let mut entry = Entry {
            tenant: "Тенант \"😀\" \u{fb33}\n".to_owned(),
            writer: WriterId::from_bytes([0xab; 8]),
            sequence: 7,
            kind: EntryKind::Request,
            time: "2026-01-18T09:30:00.1Z".parse().unwrap(),
            record: CanonicalObject::read(r#"{"a":0.1,"status":200}"#).unwrap(),
            previous: Digest::of(b"before"),
            hash: Digest::NONE,
        };
        entry.close();
        entry
    }

    #[test]
    fn a_line_is_canonical_and_its_hash_is_over_the_rest() {
        let line = entry().line();
        let mut value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(canonical(&value).unwrap(), line);
        value.as_object_mut().unwrap().remove("hash");
        assert_eq!(Digest::of(canonical(&value).unwrap().as_bytes()), entry().hash);
        assert_eq!(Entry::read_with_hash(&line).unwrap(), (entry(), entry().hash));
    }

    #[test]
    fn another_writing_of_the_same_entry_is_not_read() {
        let line = entry().line();
        for (from, to, error) in [
            ("\"v\":1", "\"v\":2", LineError::Shape),
            ("\"v\":1", "\"v\":1,\"w\":1", LineError::Shape),
            ("\"sequence\":7", "\"sequence\":0", LineError::Shape),
            ("\"sequence\":7", "\"sequence\":7.0", LineError::Shape),
            ("\"sequence\":7", "\"sequence\":9007199254740993", LineError::Shape),
            ("\"status\":200}", "\"status\":200]", LineError::Shape),
            ("\"v\":1", "\"v\": 1", LineError::NotCanonical),
            ("0.1,", "0.10,", LineError::NotCanonical),
            ("0.1,", "0.1,\"a\":0.2,", LineError::NotCanonical),
            ("00.100Z", "00.1Z", LineError::NotCanonical),
            ("abab\"", "abAB\"", LineError::NotCanonical),
            ("Тенант", "\\u0422енант", LineError::NotCanonical),
        ] {
            let changed = line.replacen(from, to, 1);
            assert_ne!(changed, line);
            assert_eq!(Entry::read(&changed), Err(error), "{changed}");
        }
    }
}
