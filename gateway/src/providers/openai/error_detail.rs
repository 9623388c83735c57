//! What an error's body says, in the shapes of all who have one, and which of it means more than the status does.

use serde_json::Value;

use super::retry_after;

const MAX_MESSAGE_CHARS: usize = 2_000;
const MAX_NAME_BYTES: usize = 64;
/// More digits than this are a number, not a name.
const MAX_NAME_DIGITS: usize = 6;
/// Places of a field that are told.
const MAX_PLACES: usize = 8;

/// The provider's words, as far as they are words. `code` and `kind` are names; anything else a provider puts there is
/// dropped, since the code goes into the audit.
#[derive(Debug, Default)]
pub(super) struct ErrorDetail {
    pub(super) message: Option<String>,
    pub(super) param: Option<String>,
    pub(super) code: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) retry_after_s: Option<u64>,
    limit: Option<Limit>,
    is_content_policy: bool,
    is_bad_key: bool,
}

/// Which of its limits a provider names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limit {
    Short,
    Daily,
}

impl ErrorDetail {
    /// Reads OpenAI's `{"error":{…}}`, and the shapes of those who differ: `{"error":"…"}`, `{"message":"…"}`,
    /// `{"detail":"…"}`, `{"detail":[{"loc":[…],"msg":"…"}]}`, any of them inside `message`, and a list of one error.
    pub(super) fn read(body: &[u8]) -> Self {
        let Ok(body) = serde_json::from_slice::<Value>(body) else { return Self::default() };
        let body = body.as_array().and_then(|list| list.first()).unwrap_or(&body);
        let inner = ["error", "message"].iter().find_map(|name| body.get(name).filter(|inner| inner.is_object()));
        let error = inner.unwrap_or(body);
        let text = |name: &str| error.get(name).and_then(Value::as_str);
        let first = &error["detail"][0];
        let bare = || body.get("error").and_then(Value::as_str);
        let message = text("message").or_else(bare).or_else(|| text("detail")).or_else(|| first["msg"].as_str());
        let name = |name: &str| text(name).or_else(|| body[name].as_str()).filter(|value| is_name(value));
        let param = text("param").map(str::to_owned).or_else(|| place(&first["loc"]));
        let mut detail = Self {
            message: message.map(|message| message.chars().take(MAX_MESSAGE_CHARS).collect()),
            param: param.filter(|param| param.len() <= MAX_NAME_BYTES),
            code: name("code").filter(|code| !code.bytes().all(|byte| byte.is_ascii_digit())).map(str::to_owned),
            kind: name("type").or_else(|| name("status")).map(str::to_owned),
            retry_after_s: retry_after::of_details(&error["details"]),
            limit: limit(&error["details"]),
            is_bad_key: error["details"].as_array().into_iter().flatten().any(|one| one["reason"] == "API_KEY_INVALID"),
            is_content_policy: error["innererror"]["code"] == "ResponsibleAIPolicyViolation"
                || error["metadata"]["reasons"].is_array(),
        };
        detail.conclude();
        detail
    }

    /// Codes that clients know, where a provider has only words.
    fn conclude(&mut self) {
        const TOO_LONG: [&str; 8] = [
            "maximum context length",
            "maximum number of tokens",
            "maximum prompt length",
            "too large for model with",
            "prompt is too long",
            "context window",
            "available context size",
            "context length exceeded",
        ];
        self.is_content_policy |= self.says(&["violates usage guidelines"]);
        // Of whom a key is refused so, its words repeat a piece of the key.
        self.is_bad_key |= self.message.as_ref().is_some_and(|message| message.starts_with("Incorrect API key"));
        if self.is_content_policy {
            self.code = Some("content_filter".to_owned());
        } else if self.says(&TOO_LONG) {
            self.code = Some("context_length_exceeded".to_owned());
        }
    }

    fn says(&self, words: &[&str]) -> bool {
        self.message.as_ref().is_some_and(|message| words.iter().any(|words| message.contains(words)))
    }

    /// What was asked for is what the provider's policy forbids.
    pub(super) fn is_content_policy(&self) -> bool {
        self.is_content_policy
    }

    /// The gateway's own key was refused, whatever the status.
    pub(super) fn is_bad_key(&self) -> bool {
        self.is_bad_key
    }

    /// The key's account has no such model.
    pub(super) fn is_unknown_model(&self) -> bool {
        self.code.as_deref() == Some("model_not_found")
    }

    /// Money or a day's quota is spent, told with 429.
    pub(super) fn is_quota(&self) -> bool {
        let named = |name: &Option<String>| {
            name.as_ref()
                .is_some_and(|name| name.contains("quota") || name.contains("billing") || name.contains("credit"))
        };
        match self.limit {
            Some(limit) => limit == Limit::Daily,
            None if self.says(&["per minute", "per second", "per hour"]) => false,
            None => named(&self.code) || named(&self.kind) || self.is_unpaid(),
        }
    }

    /// The account has run out of money, told with another status.
    pub(super) fn is_unpaid(&self) -> bool {
        self.says(&["spending limit", "used all available credits", "Key limit exceeded", "nsufficient credits"])
    }

    /// The same with a 400, where the words could be the caller's own: only those that are known.
    pub(super) fn is_unpaid_request(&self) -> bool {
        let no_billing = self.kind.as_deref() == Some("FAILED_PRECONDITION") && self.says(&["billing"]);
        no_billing || self.says(&["credit balance"])
    }

    /// More was asked for at once than a limit over time allows.
    pub(super) fn is_over_rate(&self) -> bool {
        self.code.as_deref() == Some("rate_limit_exceeded")
    }
}

fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    (1..=MAX_NAME_BYTES).contains(&text.len())
        && text.bytes().all(plain)
        && text.bytes().filter(u8::is_ascii_digit).count() <= MAX_NAME_DIGITS
}

/// Google names the quotas that are spent: one of a day outlasts any other.
fn limit(details: &Value) -> Option<Limit> {
    let violations = details.as_array()?.iter().filter_map(|detail| detail["violations"].as_array()).flatten();
    let ids = violations.filter_map(|violation| violation["quotaId"].as_str());
    ids.map(|id| if id.contains("PerDay") { Limit::Daily } else { Limit::Short })
        .max_by_key(|limit| *limit == Limit::Daily)
}

/// `["body", "messages", 0, "content"]` as `messages[0].content`.
fn place(places: &Value) -> Option<String> {
    let mut path = String::new();
    for place in places.as_array()?.iter().filter(|place| *place != "body").take(MAX_PLACES) {
        match place {
            Value::String(name) if path.is_empty() => path.push_str(name),
            Value::String(name) => path.extend([".", name]),
            index => path.extend(["[", &index.to_string(), "]"]),
        }
    }
    (!path.is_empty()).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_every_shape_are_read_and_no_prompt_becomes_a_code() {
        for body in [
            r#"{"error":{"message":"why"}}"#,
            r#"{"error":"why"}"#,
            r#"{"message":"why","code":400}"#,
            r#"{"detail":"why"}"#,
            r#"[{"error":{"message":"why","code":400,"status":"INVALID_ARGUMENT"}}]"#,
            r#"{"detail":[{"loc":["body","x"],"msg":"why"}]}"#,
            r#"{"object":"error","message":{"detail":[{"loc":["body","x"],"msg":"why"}]},"code":"1500"}"#,
        ] {
            let detail = ErrorDetail::read(body.as_bytes());
            assert_eq!((detail.message.as_deref(), detail.code), (Some("why"), None), "{body}");
        }
        for code in ["my secret prompt", "901123300258", "", &"x".repeat(65)] {
            let body = serde_json::json!({ "error": { "code": code } }).to_string();
            assert_eq!(ErrorDetail::read(body.as_bytes()).code, None, "{code}");
        }
        assert!(ErrorDetail::read(b"<html>").message.is_none());
    }

    #[test]
    fn a_field_is_named_from_its_places() {
        let body = r#"{"detail":[{"loc":["body","messages",0,"user","content"],"msg":"m"}]}"#;
        assert_eq!(ErrorDetail::read(body.as_bytes()).param.as_deref(), Some("messages[0].user.content"));
    }
}
