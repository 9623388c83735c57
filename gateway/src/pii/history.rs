//! What a request says about the conversation that it belongs to: a name that the caller gave, and the history it
//! repeats. Only hashes of either are kept, and they are salted by tenant.

use std::borrow::Cow;
use std::collections::VecDeque;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// A conversation, or a beginning of one, of a tenant.
pub type HistoryHash = [u8; 32];

/// Longer histories are told apart by their last messages.
const MAX_PREFIXES: usize = 4_096;
const MAX_NAME_BYTES: usize = 512;

/// The conversation of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// The names that the caller gave it.
    named: Vec<HistoryHash>,
    /// The messages up to each one, the whole history last.
    prefixes: VecDeque<HistoryHash>,
    /// What tokens are derived from: the first name, else the history up to the first message of the user.
    masking_key: String,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(default)]
    metadata: Value,
    #[serde(default)]
    previous_response_id: Value,
    #[serde(default)]
    conversation: Value,
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
        Self { named: Vec::new(), prefixes: VecDeque::new(), masking_key: String::new() }
    }

    /// Reads a body that is known to be JSON; what it does not say is left out.
    #[must_use]
    pub fn read(body: &[u8], tenant: &str) -> Self {
        serde_json::from_slice::<Body<'_>>(body)
            .map_or_else(|_| Self::none(), |body| Self::of(&body, &names(&body), tenant))
    }

    /// As [`Self::read`], with the names that the caller gave in its own body, and the messages as they were translated:
    /// those are written in one way, whatever marks and shapes the caller has for the same words from turn to turn.
    #[must_use]
    pub fn translated(origin: &[u8], body: &[u8], tenant: &str) -> Self {
        let read = |body| serde_json::from_slice::<Body<'_>>(body).ok();
        let (Some(origin), Some(body)) = (read(origin), read(body)) else { return Self::none() };
        Self::of(&body, &names(&origin), tenant)
    }

    fn of(body: &Body<'_>, names: &[String], tenant: &str) -> Self {
        let salt = Sha256::new().chain_update(b"history\0").chain_update(tenant.as_bytes()).chain_update([0]);
        let hash_name = |name: &String| salt.clone().chain_update(b"name\0").chain_update(name).finalize().into();
        let messages = body.messages.or(body.input).map(RawValue::get).unwrap_or_default();
        // A text that is no list is one message.
        let listed = serde_json::from_str::<Vec<&RawValue>>(messages).ok();
        let messages = listed.or_else(|| serde_json::from_str(messages).ok().map(|one| vec![one])).unwrap_or_default();
        let mut prefixes = VecDeque::with_capacity(messages.len().min(MAX_PREFIXES));
        let mut first_of_user = None;
        let mut chain: HistoryHash = salt.clone().chain_update(b"messages\0").finalize().into();
        for message in &messages {
            chain = Sha256::new().chain_update(chain).chain_update(&*plain(message.get())).finalize().into();
            if prefixes.len() == MAX_PREFIXES {
                prefixes.pop_front();
            }
            prefixes.push_back(chain);
            let is_of_user = || {
                let role = serde_json::from_str::<Role<'_>>(message.get()).ok().and_then(|message| message.role);
                role.as_deref() == Some("user")
            };
            if first_of_user.is_none() && is_of_user() {
                first_of_user = Some(chain);
            }
        }
        let from_history = || {
            let start = first_of_user.or(prefixes.front().copied()).unwrap_or(chain);
            let digits = start.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
            digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
        };
        let masking_key = names.first().map_or_else(from_history, |name| format!("named {name}"));
        Self { named: names.iter().map(hash_name).collect(), prefixes, masking_key }
    }

    /// Everything under which an earlier request of this conversation may have been remembered. The history as a whole
    /// is not among it: another conversation may begin with the same words, and what they are is seen by the scan.
    pub fn earlier(&self) -> impl Iterator<Item = &HistoryHash> {
        let before_last = self.prefixes.len().saturating_sub(1);
        self.named.iter().chain(self.prefixes.iter().take(before_last))
    }

    /// Under what this request is to be remembered: its names, or its whole history where it has none. A named
    /// conversation may send its last message alone, and "thank you" must not be remembered for all others.
    pub fn own(&self) -> impl Iterator<Item = &HistoryHash> {
        let history = self.prefixes.back().filter(|_| self.named.is_empty());
        self.named.iter().chain(history)
    }

    /// What the tokens of this conversation are derived from.
    #[must_use]
    pub fn masking_key(&self) -> &str {
        &self.masking_key
    }

    /// Whether the caller gave it a name, so that a request need not repeat the history.
    #[must_use]
    pub fn is_named(&self) -> bool {
        !self.named.is_empty()
    }
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

fn names(body: &Body<'_>) -> Vec<String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn history(body: &str, tenant: &str) -> History {
        History::read(body.as_bytes(), tenant)
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
