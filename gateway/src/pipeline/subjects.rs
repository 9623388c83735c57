//! Whom a request is about, in its caller's words: what is kept of it can be found again for erasure.

use serde::Deserialize;
use serde_json::Value;

use crate::content::Subjects;

#[derive(Default, Deserialize)]
struct Named {
    #[serde(default)]
    user: Value,
    #[serde(default)]
    safety_identifier: Value,
    #[serde(default)]
    metadata: Value,
}

/// `user` (or `safety_identifier`, or Anthropic's `metadata.user_id`) and `metadata.conversation_id` of a body.
pub(super) fn subjects_of(body: &[u8]) -> Subjects {
    let named = serde_json::from_slice::<Named>(body).unwrap_or_default();
    let text = |value: &Value| match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let users = [&named.user, &named.safety_identifier, &named.metadata["user_id"]];
    Subjects { user: users.into_iter().find_map(text), conversation: text(&named.metadata["conversation_id"]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_api_has_its_own_words() {
        let user = |body: &str| subjects_of(body.as_bytes()).user;
        assert_eq!(user(r#"{"user":"u1","metadata":{"user_id":"u2"}}"#).as_deref(), Some("u1"));
        assert_eq!(user(r#"{"metadata":{"user_id":"u2"}}"#).as_deref(), Some("u2"));
        assert_eq!(user(r#"{"safety_identifier":"u3","user":null}"#).as_deref(), Some("u3"));
        assert_eq!(user("[]"), None);
        let conversation = subjects_of(br#"{"metadata":{"conversation_id":7}}"#).conversation;
        assert_eq!(conversation.as_deref(), Some("7"));
    }
}
