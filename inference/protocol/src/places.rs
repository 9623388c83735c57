//! Where the parts of a translated request came from, so that an error found in the chat request names the caller's
//! field.

use crate::error::ApiError;

/// Made by a translation, beside its chat request.
#[derive(Debug, Clone)]
pub struct Places {
    pub(crate) messages: Vec<MessagePlace>,
    pub(crate) names: &'static Names,
}

/// What one chat message was made of.
#[derive(Debug, Clone)]
pub(crate) struct MessagePlace {
    pub param: String,
    /// The caller's list has the same content parts at the same indices.
    pub has_same_parts: bool,
    /// Of each of its tool calls.
    pub calls: Vec<String>,
}

impl MessagePlace {
    pub fn new(param: impl Into<String>) -> Self {
        Self { param: param.into(), has_same_parts: false, calls: Vec::new() }
    }
}

/// How an API calls what chat calls otherwise.
#[derive(Debug)]
pub(crate) struct Names {
    /// For `messages`.
    pub messages: &'static str,
    /// For a tool message's `tool_call_id` and a call's `id`.
    pub call_id: [&'static str; 2],
    /// For a call's arguments.
    pub arguments: &'static str,
    /// For a function's `parameters`.
    pub parameters: &'static str,
    /// Chat's path and the API's; the first that is a beginning of the whole counts.
    pub fields: &'static [(&'static str, &'static str)],
}

impl Places {
    /// The same error in the caller's words: in `param`, and where the message quotes it.
    #[must_use]
    pub fn restate(&self, mut error: ApiError) -> ApiError {
        if let Some(old) = error.param.take() {
            let new = self.restated(&old);
            error.message = error.message.replace(&format!("'{old}'"), &format!("'{new}'"));
            error.param = Some(new);
        }
        error
    }

    fn restated(&self, param: &str) -> String {
        if let Some(rest) = after(param, "messages") {
            return self.message(rest).unwrap_or_else(|| self.names.messages.to_owned());
        }
        if let Some((index, rest)) = after(param, "tools").and_then(indexed) {
            let rest = after(rest, ".function").unwrap_or(rest);
            return match after(rest, ".parameters") {
                Some(rest) => format!("tools[{index}].{}{rest}", self.names.parameters),
                None => format!("tools[{index}]{rest}"),
            };
        }
        let renamed = self.names.fields.iter().find_map(|(old, new)| Some(format!("{new}{}", after(param, old)?)));
        renamed.unwrap_or_else(|| param.to_owned())
    }

    fn message(&self, rest: &str) -> Option<String> {
        let (index, rest) = indexed(rest)?;
        let place = self.messages.get(index)?;
        if let Some((call, rest)) = after(rest, ".tool_calls").and_then(indexed) {
            let call = place.calls.get(call)?;
            return Some(match rest {
                ".id" => format!("{call}.{}", self.names.call_id[1]),
                ".function.name" => format!("{call}.name"),
                ".function.arguments" => format!("{call}.{}", self.names.arguments),
                _ => call.clone(),
            });
        }
        let own = match rest {
            ".tool_call_id" => format!(".{}", self.names.call_id[0]),
            ".role" if place.has_same_parts => rest.to_owned(),
            _ if place.has_same_parts && after(rest, ".content").is_some() => rest.to_owned(),
            _ => String::new(),
        };
        Some(format!("{}{own}", place.param))
    }
}

/// What follows `name` in a path, if the path is that name or goes on below it.
fn after<'a>(path: &'a str, name: &str) -> Option<&'a str> {
    path.strip_prefix(name).filter(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn indexed(rest: &str) -> Option<(usize, &str)> {
    let (index, rest) = rest.strip_prefix('[')?.split_once(']')?;
    Some((index.parse().ok()?, rest))
}
