//! Input items as chat messages. What one answer of the model consisted of becomes one assistant message again.

use std::collections::HashSet;

use super::content;
use super::request::{InputItem, ResponsesRequest};
use super::sealed;
use crate::chat::{ChatMessage, Content, Role, ToolCall};
use crate::error::ApiError;
use crate::places::MessagePlace;
use crate::text_or_list::TextOrList;

/// Messages, and where each came from.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    pub messages: Vec<ChatMessage>,
    pub places: Vec<MessagePlace>,
    /// The last message is an assistant's that further items may add to.
    is_open: bool,
    calls: HashSet<String>,
}

impl Conversation {
    pub fn of(request: &ResponsesRequest) -> Result<Self, ApiError> {
        let mut conversation = Self::default();
        if let Some(instructions) = &request.instructions {
            conversation.say(Role::System, instructions, "instructions");
        }
        match &request.input {
            TextOrList::Text(text) => conversation.say(Role::User, text, "input"),
            TextOrList::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    conversation.item(item, &format!("input[{index}]"))?;
                }
            }
        }
        if conversation.messages.is_empty() {
            return Err(ApiError::invalid("input", "Invalid 'input': it has no message."));
        }
        Ok(conversation)
    }

    fn say(&mut self, role: Role, text: &str, place: &str) {
        let message = ChatMessage::new(role, Some(Content::Text(text.to_owned())));
        self.push(message, MessagePlace::new(place));
    }

    fn push(&mut self, message: ChatMessage, place: MessagePlace) {
        self.is_open = message.role == Role::Assistant;
        self.messages.push(message);
        self.places.push(place);
    }

    fn item(&mut self, item: &InputItem, place: &str) -> Result<(), ApiError> {
        match item.kind.as_deref() {
            Some("message") => self.message(item, place),
            None if item.role.is_some() => self.message(item, place),
            None if item.id.is_none() => Err(ApiError::missing(&format!("{place}.role"))),
            None | Some("item_reference") => {
                Err(ApiError::unsupported(&format!("{place}.type"), "References to stored items are"))
            }
            Some("reasoning") => self.reasoning(item, place),
            Some("function_call") => self.call(item, place),
            Some("function_call_output") => self.call_output(item, place),
            Some(_) => Err(ApiError::unsupported(&format!("{place}.type"), "This kind of item is")),
        }
    }

    fn message(&mut self, item: &InputItem, place: &str) -> Result<(), ApiError> {
        let role = item.role.ok_or_else(|| ApiError::missing(&format!("{place}.role")))?;
        if matches!(role, Role::Tool | Role::Function) {
            let param = format!("{place}.role");
            let message = format!("Invalid value for '{param}': expected user, assistant, system or developer.");
            return Err(ApiError::invalid(&param, message));
        }
        let param = format!("{place}.content");
        let given = item.content.as_ref().ok_or_else(|| ApiError::missing(&param))?;
        let content = content::content(given, &param)?;
        if role == Role::Assistant {
            // Behind calls of tools too, whose results must follow them.
            let message = self.assistant(place, |message| message.content.is_none());
            message.content = Some(content);
        } else {
            let place = MessagePlace { has_same_parts: true, ..MessagePlace::new(place) };
            self.push(ChatMessage::new(role, Some(content)), place);
        }
        Ok(())
    }

    /// Thoughts without their text (summaries, or those of other makers) say nothing to another model and are left out.
    fn reasoning(&mut self, item: &InputItem, place: &str) -> Result<(), ApiError> {
        let text = match &item.content {
            Some(content) => content::text(content, &["reasoning_text", "text"], &format!("{place}.content"))?,
            None => String::new(),
        };
        let thought = item.encrypted_content.as_ref().and_then(|sealed| sealed::opened(sealed, &text));
        if item.content.is_none() && thought.is_none() {
            return Ok(());
        }
        let message = self.assistant(place, |message| message.content.is_none() && message.tool_calls.is_none());
        if item.content.is_some() {
            message.reasoning_content.get_or_insert_default().push_str(&text);
        }
        if let Some(thought) = thought {
            message.thinking_blocks.get_or_insert_default().push(thought);
        }
        Ok(())
    }

    fn call(&mut self, item: &InputItem, place: &str) -> Result<(), ApiError> {
        let field = |value: &Option<String>, name: &str| {
            value.clone().ok_or_else(|| ApiError::missing(&format!("{place}.{name}")))
        };
        let id = field(&item.call_id, "call_id")?;
        let call = ToolCall::function(id.clone(), field(&item.name, "name")?, field(&item.arguments, "arguments")?);
        self.calls.insert(id);
        self.assistant(place, |_| true).tool_calls.get_or_insert_default().push(call);
        if let Some(last) = self.places.last_mut() {
            last.calls.push(place.to_owned());
        }
        Ok(())
    }

    fn call_output(&mut self, item: &InputItem, place: &str) -> Result<(), ApiError> {
        let param = format!("{place}.call_id");
        let id = item.call_id.clone().ok_or_else(|| ApiError::missing(&param))?;
        if !self.calls.contains(&id) {
            let message = format!("Invalid '{param}': no function call before it has this id.");
            return Err(ApiError::invalid(&param, message));
        }
        let param = format!("{place}.output");
        let output = item.output.as_ref().ok_or_else(|| ApiError::missing(&param))?;
        let text = content::text(output, &["input_text", "output_text", "text"], &param)?;
        let message = ChatMessage { tool_call_id: Some(id), ..ChatMessage::new(Role::Tool, Some(Content::Text(text))) };
        self.push(message, MessagePlace::new(place));
        Ok(())
    }

    /// The open assistant message if it `fits`, or a new one.
    fn assistant(&mut self, place: &str, fits: impl Fn(&ChatMessage) -> bool) -> &mut ChatMessage {
        let can_add = self.is_open && self.messages.last().is_some_and(fits);
        if !can_add {
            self.push(ChatMessage::new(Role::Assistant, None), MessagePlace::new(place));
        }
        let last = self.messages.len() - 1;
        &mut self.messages[last]
    }
}
