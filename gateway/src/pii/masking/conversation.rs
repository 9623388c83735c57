//! One conversation being masked: it gives every value its token, the same whenever the value comes again.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use super::entries::{Entries, Entry, EntryError, Writing};
use super::error::MaskError;
use super::key::{ConversationId, MaskingSecret, TokenKey};
use super::restorer::Restorer;
use super::span::{Span, disjoint};
use super::token::{CoresInText, Token};
use super::tripwire::Tripwire;
use super::value::{self, Normal};
use crate::pii::Entity;

/// Longer values are not masked.
const MAX_VALUE_BYTES: usize = 1_024;

/// Key and values of one conversation of one tenant.
#[derive(Clone)]
pub struct Conversation {
    id: ConversationId,
    key: TokenKey,
    /// As they were in the vault when this began.
    base: Option<Arc<Entries>>,
    entries: Entries,
}

/// A text with tokens in place of values.
#[derive(Clone, PartialEq, Eq)]
pub struct MaskedText {
    pub text: String,
    /// The tokens in it by position, each with what it stands for.
    pub replaced: Vec<(Token, String)>,
}

impl Conversation {
    /// A conversation of which nothing is known yet.
    pub fn new(secret: &MaskingSecret, id: ConversationId) -> Self {
        Self { id, key: secret.token_key(&id), base: None, entries: Entries::default() }
    }

    /// A conversation with what the vault has of it.
    pub fn with_entries(secret: &MaskingSecret, id: ConversationId, entries: Arc<Entries>) -> Self {
        Self { id, key: secret.token_key(&id), entries: Entries::clone(&entries), base: Some(entries) }
    }

    pub fn id(&self) -> &ConversationId {
        &self.id
    }

    pub fn entries(&self) -> &Entries {
        &self.entries
    }

    pub(crate) fn base(&self) -> Option<&Arc<Entries>> {
        self.base.as_ref()
    }

    /// The same, standing on what another request has put into the vault meanwhile.
    pub(crate) fn rebase(&mut self, base: Option<Arc<Entries>>) -> Result<(), EntryError> {
        if let Some(base) = &base {
            let mut merged = Entries::clone(base);
            merged.merge(&self.entries)?;
            self.entries = merged;
        }
        self.base = base;
        Ok(())
    }

    pub(crate) fn set_base(&mut self, base: Arc<Entries>) {
        self.base = Some(base);
    }

    /// Puts values back in place of tokens.
    pub fn restorer(&self) -> Restorer {
        Restorer::new(&self.entries)
    }

    /// Looks for every value of the conversation in what is about to leave.
    pub fn tripwire(&self) -> Tripwire {
        Tripwire::new(self.values())
    }

    /// Every value in every writing that was seen, and its base form.
    fn values(&self) -> impl Iterator<Item = (Entity, &str)> {
        self.entries.all().flat_map(|entry| {
            let originals = entry.writings.iter().map(|writing| writing.original.as_str());
            originals.chain(entry.base.as_deref()).map(|original| (entry.entity, original))
        })
    }

    /// Puts a token in place of every span of `text`.
    ///
    /// # Errors
    /// The conversation holds too many values, or one is too long.
    pub fn mask_text(&mut self, text: &str, spans: &[Span]) -> Result<MaskedText, MaskError> {
        let spans = disjoint(text, spans.to_vec());
        let mut pass = Pass::new(self);
        pass.see_text(text);
        let values = spans.iter().filter_map(|span| text.get(span.range.clone()).map(|value| (span, value)));
        values.clone().for_each(|(span, value)| pass.see_value(span.entity, value));
        let mut masked = MaskedText { text: String::with_capacity(text.len()), replaced: Vec::new() };
        let mut copied = 0;
        for (span, value) in values {
            let token = pass.token(span.entity, value)?;
            masked.text.push_str(text.get(copied..span.range.start).unwrap_or_default());
            masked.text.push_str(token.as_str());
            masked.replaced.push((token, value.to_owned()));
            copied = span.range.end;
        }
        masked.text.push_str(text.get(copied..).unwrap_or_default());
        Ok(masked)
    }
}

/// One input being masked. Everything in it is shown to `see_text` and `see_value` before the first token is asked for.
pub(crate) struct Pass<'c> {
    conversation: &'c mut Conversation,
    cores: CoresInText,
    /// Keys of the names that the input holds in forms of theirs alone.
    names: HashSet<String>,
}

impl<'c> Pass<'c> {
    pub(crate) fn new(conversation: &'c mut Conversation) -> Self {
        Self { conversation, cores: CoresInText::default(), names: HashSet::new() }
    }

    /// The values of the conversation before this input.
    pub(crate) fn values(&self) -> impl Iterator<Item = (Entity, &str)> {
        self.conversation.values()
    }

    pub(crate) fn see_text(&mut self, text: &str) {
        self.cores.add(text);
    }

    pub(crate) fn see_value(&mut self, entity: Entity, text: &str) {
        if entity == Entity::Person && text.len() <= MAX_VALUE_BYTES {
            let normal = value::normal(entity, text);
            if normal.rival.is_none() {
                self.names.insert(normal.key);
            }
        }
    }

    /// The token of a value.
    pub(crate) fn token(&mut self, entity: Entity, text: &str) -> Result<Token, MaskError> {
        if text.len() > MAX_VALUE_BYTES {
            return Err(MaskError::NotMaskable);
        }
        let normal = value::normal(entity, text);
        let writing = Writing { original: text.to_owned(), folded: normal.writing.clone() };
        let entries = &self.conversation.entries;
        if let Some(index) = entries.by_writing(entity, &normal.writing) {
            return self.known(index, writing);
        }
        let (key, base) = self.resolve(entity, text, normal);
        if let Some(index) = self.conversation.entries.by_key(entity, &key) {
            return self.known(index, writing);
        }
        let (entries, cores) = (&self.conversation.entries, &self.cores);
        let is_free = |core| !entries.has_core(core) && !cores.contains(core);
        let token = self.conversation.key.mint(entity, &key, is_free).ok_or(MaskError::NoFreeToken)?;
        let entry = Entry { token: token.clone(), entity, key, writings: vec![writing], base };
        self.conversation.entries.insert(entry)?;
        Ok(token)
    }

    fn known(&mut self, index: usize, writing: Writing) -> Result<Token, MaskError> {
        self.conversation.entries.add_writing(index, writing)?;
        let entry = self.conversation.entries.get(index);
        entry.map(|entry| entry.token.clone()).ok_or(MaskError::NoFreeToken)
    }

    /// Key and base form. A form that may be another's, who is in the conversation, stands for itself.
    fn resolve(&self, entity: Entity, text: &str, normal: Normal) -> (String, Option<String>) {
        let has_rival = normal.rival.is_some_and(|rival| {
            self.names.contains(&rival) || self.conversation.entries.by_key(entity, &rival).is_some()
        });
        if has_rival { (normal.writing, Some(text.trim().to_owned())) } else { (normal.key, normal.base) }
    }
}

impl fmt::Debug for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conversation").field("entries", &self.entries).finish_non_exhaustive()
    }
}

/// The text itself stays out of logs.
impl fmt::Debug for MaskedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MaskedText").field("num_replaced", &self.replaced.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "conversation_tests.rs"]
mod tests;
