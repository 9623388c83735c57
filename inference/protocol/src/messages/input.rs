//! Messages and their blocks as chat messages. Turns of one speaker that follow one another become one.

use std::collections::HashSet;

use serde_json::Value;

use super::content::{and, parts, text_of};
use super::request::{Block, InputMessage, MessagesRequest};
use crate::chat::{ChatMessage, Content, ContentPart, Role, ThinkingBlock, ToolCall};
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
            Some(TextOrList::Text(text)) => conversation.say(Role::System, vec![ContentPart::text(text)], "system"),
            Some(TextOrList::List(blocks)) => {
                for (index, block) in blocks.iter().enumerate() {
                    let place = format!("system[{index}]");
                    text_of(block, &place)?;
                    conversation.say(Role::System, parts(block, &place)?, "system");
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
            TextOrList::Text(text) => self.say(message.role, vec![ContentPart::text(text)], place),
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
            ("text", _) | ("image" | "document", Role::User) => {
                self.say(role, parts(block, place)?, message);
                Ok(())
            }
            ("thinking", Role::Assistant) => {
                let thinking = field(block.thinking.as_ref(), place, "thinking")?;
                let last = self.thinker(message);
                if !thinking.is_empty() {
                    last.reasoning_content.get_or_insert_default().push_str(&thinking);
                }
                if let Some(signature) = block.signature.clone().filter(|signature| !signature.is_empty()) {
                    let thought = ThinkingBlock::signed(thinking, signature);
                    last.thinking_blocks.get_or_insert_default().push(thought);
                }
                Ok(())
            }
            ("redacted_thinking", Role::Assistant) => {
                let thought = ThinkingBlock::sealed(field(block.data.as_ref(), place, "data")?);
                self.thinker(message).thinking_blocks.get_or_insert_default().push(thought);
                Ok(())
            }
            ("tool_use", Role::Assistant) => self.tool_use(block, message, place),
            ("tool_result", Role::User) => self.tool_result(block, place),
            ("thinking" | "redacted_thinking" | "tool_use" | "tool_result" | "image" | "document", _) => {
                let param = format!("{place}.type");
                let text = format!("Invalid value for '{param}': the role of its message has no such blocks.");
                Err(ApiError::invalid(&param, text))
            }
            _ => parts(block, place).map(|_| ()),
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
        let content = Some(result(block, place)?);
        self.messages.push(ChatMessage { tool_call_id: Some(id), ..ChatMessage::new(Role::Tool, content) });
        self.places.push(MessagePlace::new(place));
        Ok(())
    }

    /// Thoughts come before what is said after them: text or calls end the turn that they belong to.
    fn thinker(&mut self, place: &str) -> &mut ChatMessage {
        let fits = |last: &ChatMessage| last.content.is_none() && last.tool_calls.is_none();
        self.last_of(Role::Assistant, place, fits)
    }

    /// Adds to the last message if it is this speaker's; behind calls of tools too, whose results must follow them.
    fn say(&mut self, role: Role, parts: Vec<ContentPart>, place: &str) {
        let message = self.last_of(role, place, |_| true);
        message.content = Some(and(message.content.take(), parts));
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

/// What a tool gave back: texts as one, and what stands between them.
fn result(block: &Block, place: &str) -> Result<Content, ApiError> {
    let mut told: Vec<ContentPart> = Vec::new();
    match &block.content {
        None => {}
        Some(TextOrList::Text(whole)) => told.push(ContentPart::text(whole)),
        Some(TextOrList::List(blocks)) => {
            for (index, block) in blocks.iter().enumerate() {
                for part in parts(block, &format!("{place}.content[{index}]"))? {
                    match (told.last_mut(), part.text.as_deref()) {
                        (Some(ContentPart { text: Some(last), rest, .. }), Some(more)) if rest.is_empty() => {
                            last.push_str(more);
                            rest.extend(part.rest);
                        }
                        _ => told.push(part),
                    }
                }
            }
        }
    }
    // Chat has no field for it, and the model must know that its call did not work.
    if block.is_error == Some(true) {
        match told.first_mut().and_then(|first| first.text.as_mut()) {
            Some(text) => text.insert_str(0, "Error: "),
            None => told.insert(0, ContentPart::text("Error: ")),
        }
    }
    if let (Some(last), Some(cached)) = (told.last_mut(), &block.cache_control) {
        last.rest.insert("cache_control".to_owned(), Value::Object(cached.clone()));
    }
    Ok(and(None, told))
}

fn field<T: Clone>(value: Option<&T>, place: &str, name: &str) -> Result<T, ApiError> {
    value.cloned().ok_or_else(|| ApiError::missing(&format!("{place}.{name}")))
}
