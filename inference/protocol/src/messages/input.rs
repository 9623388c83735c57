//! Messages and their blocks as chat messages. Turns of one speaker that follow one another become one.

use std::collections::HashSet;

use serde_json::Value;

use super::request::{Block, InputMessage, MessagesRequest};
use crate::chat::{ChatMessage, Content, ContentPart, Role, ToolCall};
use crate::error::ApiError;
use crate::places::MessagePlace;
use crate::text_or_list::TextOrList;

/// Messages, and where each came from.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    pub messages: Vec<ChatMessage>,
    pub places: Vec<MessagePlace>,
    calls: HashSet<String>,
}

impl Conversation {
    pub fn of(request: &MessagesRequest) -> Result<Self, ApiError> {
        let mut conversation = Self::default();
        match &request.system {
            None => {}
            Some(TextOrList::Text(text)) => conversation.say(Role::System, text, "system"),
            Some(TextOrList::List(blocks)) => {
                for (index, block) in blocks.iter().enumerate() {
                    let text = text_of(block, &format!("system[{index}]"))?;
                    conversation.say(Role::System, text, "system");
                }
            }
        }
        for (index, message) in request.messages.iter().enumerate() {
            conversation.message(message, &format!("messages[{index}]"))?;
        }
        Ok(conversation)
    }

    fn message(&mut self, message: &InputMessage, place: &str) -> Result<(), ApiError> {
        if !matches!(message.role, Role::User | Role::Assistant | Role::System) {
            let param = format!("{place}.role");
            let text = format!("Invalid value for '{param}': expected user or assistant.");
            return Err(ApiError::invalid(&param, text));
        }
        match &message.content {
            TextOrList::Text(text) => self.say(message.role, text, place),
            TextOrList::List(blocks) if blocks.is_empty() => {
                return Err(ApiError::empty_array(&format!("{place}.content"), "block"));
            }
            TextOrList::List(blocks) => {
                for (index, block) in blocks.iter().enumerate() {
                    self.block(message.role, block, place, &format!("{place}.content[{index}]"))?;
                }
            }
        }
        Ok(())
    }

    fn block(&mut self, role: Role, block: &Block, message: &str, place: &str) -> Result<(), ApiError> {
        match (block.kind.as_str(), role) {
            ("text", _) => {
                let text = text_of(block, place)?;
                self.say(role, text, message);
                Ok(())
            }
            ("thinking", Role::Assistant) => {
                let thinking = field(block.thinking.as_ref(), place, "thinking")?;
                // Thoughts come before what is said after them: text or calls end the turn that they belong to.
                let fits = |last: &ChatMessage| last.content.is_none() && last.tool_calls.is_none();
                let last = self.last_of(Role::Assistant, message, fits);
                last.reasoning_content.get_or_insert_default().push_str(&thinking);
                Ok(())
            }
            // Only their maker can read these.
            ("redacted_thinking", Role::Assistant) => Ok(()),
            ("tool_use", Role::Assistant) => self.tool_use(block, message, place),
            ("tool_result", Role::User) => self.tool_result(block, place),
            ("thinking" | "redacted_thinking" | "tool_use" | "tool_result", _) => {
                let param = format!("{place}.type");
                let text = format!("Invalid value for '{param}': the role of its message has no such blocks.");
                Err(ApiError::invalid(&param, text))
            }
            _ => Err(unsupported(place)),
        }
    }

    fn tool_use(&mut self, block: &Block, message: &str, place: &str) -> Result<(), ApiError> {
        let (id, name) = (field(block.id.as_ref(), place, "id")?, field(block.name.as_ref(), place, "name")?);
        let input = field(block.input.as_ref(), place, "input")?;
        self.calls.insert(id.clone());
        let call = ToolCall::function(id, name, Value::Object(input).to_string());
        self.last_of(Role::Assistant, message, |_| true).tool_calls.get_or_insert_default().push(call);
        if let Some(last) = self.places.last_mut() {
            last.calls.push(place.to_owned());
        }
        Ok(())
    }

    fn tool_result(&mut self, block: &Block, place: &str) -> Result<(), ApiError> {
        let id = field(block.tool_use_id.as_ref(), place, "tool_use_id")?;
        if !self.calls.contains(&id) {
            let param = format!("{place}.tool_use_id");
            let text = format!("Invalid '{param}': no tool_use block before it has this id.");
            return Err(ApiError::invalid(&param, text));
        }
        let mut text = String::new();
        match &block.content {
            None => {}
            Some(TextOrList::Text(whole)) => text.push_str(whole),
            Some(TextOrList::List(blocks)) => {
                for (index, block) in blocks.iter().enumerate() {
                    text.push_str(text_of(block, &format!("{place}.content[{index}]"))?);
                }
            }
        }
        // Chat has no field for it, and the model must know that its call did not work.
        if block.is_error == Some(true) {
            text = format!("Error: {text}");
        }
        let content = Some(Content::Text(text));
        self.messages.push(ChatMessage { tool_call_id: Some(id), ..ChatMessage::new(Role::Tool, content) });
        self.places.push(MessagePlace::new(place));
        Ok(())
    }

    /// Adds text to the last message if it is this speaker's; behind calls of tools too, whose results must follow them.
    fn say(&mut self, role: Role, text: &str, place: &str) {
        let message = self.last_of(role, place, |_| true);
        message.content = Some(match message.content.take() {
            None => Content::Text(text.to_owned()),
            Some(Content::Text(first)) => Content::Parts(vec![ContentPart::text(first), ContentPart::text(text)]),
            Some(Content::Parts(mut parts)) => {
                parts.push(ContentPart::text(text));
                Content::Parts(parts)
            }
        });
    }

    /// The last message if it is this speaker's and `fits`, or a new one.
    fn last_of(&mut self, role: Role, place: &str, fits: impl Fn(&ChatMessage) -> bool) -> &mut ChatMessage {
        if !self.messages.last().is_some_and(|last| last.role == role && fits(last)) {
            self.messages.push(ChatMessage::new(role, None));
            self.places.push(MessagePlace::new(place));
        }
        let last = self.messages.len() - 1;
        &mut self.messages[last]
    }
}

fn text_of<'a>(block: &'a Block, place: &str) -> Result<&'a str, ApiError> {
    if block.kind != "text" {
        return Err(unsupported(place));
    }
    block.text.as_deref().ok_or_else(|| ApiError::missing(&format!("{place}.text")))
}

fn field<T: Clone>(value: Option<&T>, place: &str, name: &str) -> Result<T, ApiError> {
    value.cloned().ok_or_else(|| ApiError::missing(&format!("{place}.{name}")))
}

fn unsupported(place: &str) -> ApiError {
    ApiError::unsupported(&format!("{place}.type"), "This kind of block is")
}
