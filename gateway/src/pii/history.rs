//! What a request says about the conversation that it belongs to: a name that the caller gave, and the history it
//! repeats. Only hashes of either are kept, and they are salted by tenant.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{LazyLock, OnceLock};

use bytes::Bytes;
use memchr::memmem::Finder;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// A conversation, or a beginning of one, of a tenant.
pub type HistoryHash = [u8; 32];

/// Longer histories are told apart by their last messages.
const MAX_PREFIXES: usize = 4_096;
const MAX_NAME_BYTES: usize = 512;

/// The conversation of one request. Its messages are read and hashed when somebody asks for them: most requests have no name,
/// hold nothing that must stay, and are the first of their conversation.
#[derive(Debug)]
pub struct History {
    /// The names that the caller gave it.
    names: Vec<String>,
    /// As hashes.
    named: Vec<HistoryHash>,
    salt: Sha256,
    /// Whose messages are its history.
    body: Bytes,
    /// All but the last message.
    earlier: OnceLock<Prefixes>,
    whole: OnceLock<Option<HistoryHash>>,
    masking_key: OnceLock<String>,
}

/// The beginnings of a history.
#[derive(Debug, Default)]
struct Prefixes {
    /// The messages up to each one but the last.
    hashes: VecDeque<HistoryHash>,
    /// Of those, the history up to the first message of the user.
    first_of_user: Option<HistoryHash>,
    /// That of all of them, or of none.
    chain: HistoryHash,
    /// The last message.
    last: Option<Bytes>,
}

#[derive(Deserialize)]
struct Names {
    #[serde(default)]
    metadata: Value,
    #[serde(default)]
    previous_response_id: Value,
    #[serde(default)]
    conversation: Value,
}

#[derive(Deserialize)]
struct Messages<'a> {
    #[serde(borrow, default)]
    messages: Option<&'a RawValue>,
    #[serde(borrow, default)]
    input: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Role<'a> {
    #[serde(borrow, default)]
    role: Option<Cow<'a, str>>,
}

impl History {
    /// Of a request that belongs to no conversation.
    #[must_use]
    pub fn none() -> Self {
        let known = Self::of(Vec::new(), Bytes::new(), "");
        Self { earlier: Prefixes::default().into(), whole: None.into(), masking_key: String::new().into(), ..known }
    }

    /// Reads a body that is known to be JSON; what it does not say is left out.
    #[must_use]
    pub fn read(body: &Bytes, tenant: &str) -> Self {
        Self::translated(body, body, tenant)
    }

    /// As [`Self::read`], with the names that the caller gave in its own body, and the messages as they were translated:
    /// those are written in one way, whatever marks and shapes the caller has for the same words from turn to turn.
    #[must_use]
    pub fn translated(origin: &Bytes, body: &Bytes, tenant: &str) -> Self {
        Self::of(names(origin), body.clone(), tenant)
    }

    fn of(names: Vec<String>, body: Bytes, tenant: &str) -> Self {
        let salt = Sha256::new().chain_update(b"history\0").chain_update(tenant.as_bytes()).chain_update([0]);
        let hash_name = |name: &String| salt.clone().chain_update(b"name\0").chain_update(name).finalize().into();
        let named = names.iter().map(hash_name).collect();
        let (earlier, whole, masking_key) = Default::default();
        Self { names, named, salt, body, earlier, whole, masking_key }
    }

    /// Reads all of it now: of a long history that takes its time.
    #[must_use]
    pub fn read_whole(self) -> Self {
        self.whole();
        self
    }

    fn prefixes(&self) -> &Prefixes {
        self.earlier.get_or_init(|| {
            let messages = serde_json::from_slice::<Messages<'_>>(&self.body).ok();
            let messages =
                messages.and_then(|body| body.messages.or(body.input)).map(RawValue::get).unwrap_or_default();
            // A text that is no list is one message.
            let listed = serde_json::from_str::<Vec<&RawValue>>(messages).ok();
            let messages = listed.or_else(|| serde_json::from_str(messages).ok().map(|one| vec![one]));
            self.earlier_of(&messages.unwrap_or_default())
        })
    }

    fn earlier_of(&self, messages: &[&RawValue]) -> Prefixes {
        let chain = self.salt.clone().chain_update(b"messages\0").finalize().into();
        let mut prefixes = Prefixes { chain, ..Prefixes::default() };
        let Some((last, earlier)) = messages.split_last() else { return prefixes };
        prefixes.hashes.reserve(earlier.len().min(MAX_PREFIXES));
        for message in earlier {
            prefixes.chain = chained(prefixes.chain, message.get());
            if prefixes.hashes.len() == MAX_PREFIXES - 1 {
                prefixes.hashes.pop_front();
            }
            prefixes.hashes.push_back(prefixes.chain);
            if prefixes.first_of_user.is_none() && is_of_user(message.get()) {
                prefixes.first_of_user = Some(prefixes.chain);
            }
        }
        prefixes.last = Some(self.body.slice_ref(last.get().as_bytes()));
        prefixes
    }

    /// The whole history; `None` of a body without messages.
    fn whole(&self) -> Option<&HistoryHash> {
        let whole = || Some(chained(self.prefixes().chain, self.last_message()?));
        self.whole.get_or_init(whole).as_ref()
    }

    fn last_message(&self) -> Option<&str> {
        std::str::from_utf8(self.prefixes().last.as_deref()?).ok()
    }

    /// Everything under which an earlier request of this conversation may have been remembered. The history as a whole
    /// is not among it: another conversation may begin with the same words, and what they are is seen by the scan.
    pub fn earlier(&self) -> impl Iterator<Item = &HistoryHash> {
        self.named.iter().chain(&self.prefixes().hashes)
    }

    /// Under what this request is to be remembered: its names, or its whole history where it has none. A named
    /// conversation may send its last message alone, and "thank you" must not be remembered for all others.
    pub fn own(&self) -> impl Iterator<Item = &HistoryHash> {
        let history = if self.named.is_empty() { self.whole() } else { None };
        self.named.iter().chain(history)
    }

    /// What the tokens of this conversation are derived from: its first name, else the history up to the first message of
    /// the user.
    #[must_use]
    pub fn masking_key(&self) -> &str {
        self.masking_key.get_or_init(|| match self.names.first() {
            Some(name) => format!("named {name}"),
            None => hex(&self.start()),
        })
    }

    /// The history up to the first message of the user; up to the first message where the user has none.
    fn start(&self) -> HistoryHash {
        let prefixes = self.prefixes();
        let is_user_last = || self.last_message().is_some_and(is_of_user);
        let whole = || self.whole().copied();
        let first = prefixes.first_of_user.or_else(|| whole().filter(|_| is_user_last()));
        first.or(prefixes.hashes.front().copied()).or_else(whole).unwrap_or(prefixes.chain)
    }

    /// Whether the caller gave it a name, so that a request need not repeat the history.
    #[must_use]
    pub fn is_named(&self) -> bool {
        !self.named.is_empty()
    }
}

/// A history with one more message.
fn chained(chain: HistoryHash, message: &str) -> HistoryHash {
    Sha256::new().chain_update(chain).chain_update(&*plain(message)).finalize().into()
}

fn is_of_user(message: &str) -> bool {
    let role = serde_json::from_str::<Role<'_>>(message).ok().and_then(|message| message.role);
    role.as_deref() == Some("user")
}

fn hex(hash: &HistoryHash) -> String {
    let digits = hash.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

/// A message without what a client sets anew, or leaves out, from turn to turn: marks of a cache, and what a maker signed.
fn plain(message: &str) -> Cow<'_, str> {
    if is_plain(message) { Cow::Borrowed(message) } else { made_plain(message) }
}

/// Whether a message is written as [`made_plain`] would write it, told without reading it into a value: texts without
/// escapes, and between them nothing but marks and words of JSON. Most messages of most clients are.
fn is_plain(message: &str) -> bool {
    let bytes = message.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => {
                let rest = bytes.get(at..).unwrap_or_default();
                match memchr::memchr2(b'"', b'\\', rest) {
                    Some(end) if rest.get(end) == Some(&b'"') => at += end + 1,
                    _ => return false,
                }
            }
            b'{' | b'}' | b',' | b':' | b'a'..=b'z' => {}
            // Lists may hold what is left out, and numbers are written in many ways.
            _ => return false,
        }
    }
    memchr::memmem::find(bytes, b"thinking_blocks").is_none()
}

fn made_plain(message: &str) -> Cow<'_, str> {
    let Ok(mut fields) = serde_json::from_str::<Value>(message) else { return Cow::Borrowed(message) };
    fields.as_object_mut().into_iter().for_each(|fields| drop(fields.shift_remove("thinking_blocks")));
    if let Some(Value::Array(parts)) = fields.get_mut("content") {
        for part in parts.iter_mut().filter_map(Value::as_object_mut) {
            part.shift_remove("cache_control");
        }
        // One text alone is that text, as translations write it.
        if let [Value::Object(part)] = parts.as_mut_slice()
            && part.len() == 2
            && part.get("type").is_some_and(|kind| kind == "text")
            && let Some(text) = part.get_mut("text").map(Value::take)
        {
            fields["content"] = text;
        }
    }
    Cow::Owned(fields.to_string())
}

/// The names that a caller gives a conversation.
fn names(body: &[u8]) -> Vec<String> {
    if !may_name(body) {
        return Vec::new();
    }
    let Ok(body) = serde_json::from_slice::<Names>(body) else { return Vec::new() };
    let conversation = body.conversation.get("id").unwrap_or(&body.conversation);
    let from_metadata = body.metadata.get("conversation_id").unwrap_or(&Value::Null);
    let named = [("metadata", from_metadata), ("conversation", conversation), ("response", &body.previous_response_id)];
    let text = |value: &Value| match value {
        Value::String(text) if !text.is_empty() && text.len() <= MAX_NAME_BYTES => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    named.into_iter().filter_map(|(kind, value)| text(value).map(|name| format!("{kind} {name}"))).collect()
}

/// Whether one of the keys may stand in a body under which a conversation has a name, written as they are or with escapes.
fn may_name(body: &[u8]) -> bool {
    static KEYS: LazyLock<[Finder<'static>; 3]> =
        LazyLock::new(|| ["conversation", "previous_response_id", "\\u"].map(Finder::new));
    KEYS.iter().any(|key| key.find(body).is_some())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every prefix of a history at once, and what its tokens are derived from.
    fn plainly(messages: &[String], tenant: &str) -> (Vec<HistoryHash>, String) {
        let salt = Sha256::new().chain_update(b"history\0").chain_update(tenant).chain_update([0]);
        let mut chain: HistoryHash = salt.chain_update(b"messages\0").finalize().into();
        let mut prefixes = Vec::new();
        let mut start = None;
        for message in messages {
            chain = Sha256::new().chain_update(chain).chain_update(&*made_plain(message)).finalize().into();
            prefixes.push(chain);
            start = start.or(message.contains(r#""role":"user""#).then_some(chain));
        }
        let start = start.or(prefixes.first().copied()).unwrap_or(chain);
        (prefixes, hex(&start))
    }

    proptest! {
        #[test]
        fn what_is_read_late_is_what_a_plain_reading_gives(
            messages in prop::collection::vec(("(user|system|assistant)", "[a-zа-я \\p{Emoji}]{0,20}"), 0..6),
            is_own_first in any::<bool>(), is_key_first in any::<bool>(),
        ) {
            let messages: Vec<String> =
                messages.iter().map(|(role, text)| format!(r#"{{"role":"{role}","content":"{text}"}}"#)).collect();
            let read = history(&format!(r#"{{"messages":[{}]}}"#, messages.join(", ")), "t");
            let (prefixes, masking_key) = plainly(&messages, "t");
            let mut own = if is_own_first { read.own().copied().collect() } else { Vec::new() };
            if is_key_first {
                prop_assert_eq!(read.masking_key(), &masking_key);
            }
            let earlier: Vec<_> = read.earlier().copied().collect();
            prop_assert_eq!(&earlier, &prefixes[..prefixes.len().saturating_sub(1)]);
            own.extend(read.own().copied().filter(|_| !is_own_first));
            prop_assert_eq!(own.first(), prefixes.last());
            prop_assert_eq!(read.masking_key(), &masking_key);
        }
    }

    #[test]
    fn a_name_is_seen_however_its_key_is_written() {
        for body in [
            r#"{"conversation":"c1"}"#,
            r#"{"conversation":{"id":"c1"}}"#,
            r#"{"previous_response_id":"c1"}"#,
            r#"{"metadata":{"conversation_id":7}}"#,
            r#"{"\u0063onversation":"c1"}"#,
            r#"{"metadata":{"conversation\u005fid":"c1"}}"#,
            r#"{"\u006detadata":{"\u0063onversation_id":"c1"}}"#,
        ] {
            assert!(history(body, "t").is_named(), "{body}");
        }
        for body in [r#"{"messages":["conversation"]}"#, r#"{"user":"c1"}"#, r#"{"metadata":{"id":"c1"}}"#] {
            assert!(!history(body, "t").is_named(), "{body}");
        }
    }

    fn history(body: &str, tenant: &str) -> History {
        History::read(&Bytes::copy_from_slice(body.as_bytes()), tenant)
    }

    #[test]
    fn a_longer_history_begins_with_the_shorter_one() {
        let first = history(r#"{"messages":[{"role":"system","content":"s"},{"role":"user","content":"a"}]}"#, "t");
        let longer = r#"{"messages":[{"role":"system","content":"s"},{"role":"user","content":"a"},
            {"role":"assistant","content":"b"},{"role":"user","content":"c"}]}"#;
        let second = history(longer, "t");
        assert!(first.own().all(|own| second.earlier().any(|earlier| earlier == own)));
        assert_eq!(first.masking_key(), second.masking_key());
        let other = history(longer, "u");
        assert!(first.own().all(|own| other.earlier().all(|earlier| earlier != own)));
        assert_ne!(other.masking_key(), second.masking_key());
    }

    #[test]
    fn long_histories_are_read_in_linear_work_and_text_alone_is_a_message() {
        let messages = vec![r#"{"role":"user","content":"a"}"#; 3 * MAX_PREFIXES].join(",");
        let long = history(&format!(r#"{{"messages":[{messages}]}}"#), "t");
        assert_eq!(long.earlier().count(), MAX_PREFIXES - 1);
        let first = history(r#"{"input":"hello"}"#, "t");
        assert_ne!(first.masking_key(), history(r#"{"input":"good bye"}"#, "t").masking_key());
    }

    #[test]
    fn what_is_plain_is_what_would_be_made_of_it() {
        let plain = [
            r#"{"role":"user","content":"Сәлем, 👋"}"#,
            r#"{"role":"assistant","content":null,"refusal":"","x":{"a":true,"b":{}}}"#,
            r#""hello""#,
        ];
        for message in plain {
            assert!(is_plain(message) && made_plain(message) == message, "{message}");
        }
        for other in [
            r#"{"role":"user", "content":"a"}"#,
            r#"{"role":"user","content":"a\u0062"}"#,
            r#"{"role":"user","content":"a\nb"}"#,
            r#"{"role":"user","content":"a","n":1.0}"#,
            r#"{"role":"user","content":[{"type":"text","text":"a"}]}"#,
            r#"{"role":"user","content":"a","thinking_blocks":null}"#,
        ] {
            assert!(!is_plain(other), "{other}");
        }
    }

    #[test]
    fn names_count_before_history() {
        let named = history(r#"{"metadata":{"conversation_id":"c1"},"messages":[{"role":"user","content":"a"}]}"#, "t");
        let again = history(r#"{"metadata":{"conversation_id":"c1"},"messages":[{"role":"user","content":"z"}]}"#, "t");
        assert!(named.is_named() && named.masking_key() == again.masking_key());
        assert!(named.own().any(|own| again.earlier().any(|earlier| earlier == own)));
        let response = history(r#"{"previous_response_id":"c1","input":"hello"}"#, "t");
        assert!(response.own().all(|own| named.earlier().all(|earlier| earlier != own)));
        assert!(!history(r#"{"metadata":null,"messages":"?"}"#, "t").is_named());
    }
}
