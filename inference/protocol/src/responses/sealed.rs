//! What a thought's maker signed it with, or what it sealed, as an item's `encrypted_content`: a word that tells which, and
//! the very text. Others' are none of these.

use crate::chat::{SegmentEvent, SegmentKind, ThinkingBlock};

const SIGNED: &str = "thinking:";
const SEALED: &str = "redacted_thinking:";

pub(super) fn of_signature(signature: &str) -> String {
    format!("{SIGNED}{signature}")
}

pub(super) fn of_data(data: &str) -> String {
    format!("{SEALED}{data}")
}

/// The events without what was not asked for. A sealed thought begins and ends in one go.
pub(super) fn shown(events: Vec<SegmentEvent>, shows_sealed: bool) -> impl Iterator<Item = SegmentEvent> {
    let mut is_inside = false;
    events.into_iter().filter(move |event| {
        let begins = matches!(event, SegmentEvent::Begin(SegmentKind::Sealed { .. }));
        let is_left_out = begins || is_inside || matches!(event, SegmentEvent::Signature(_));
        is_inside = begins;
        shows_sealed || !is_left_out
    })
}

/// The thought again; `text` is what the item shows of it.
pub(super) fn opened(encrypted_content: &str, text: &str) -> Option<ThinkingBlock> {
    if let Some(signature) = encrypted_content.strip_prefix(SIGNED) {
        return Some(ThinkingBlock::signed(text.to_owned(), signature.to_owned()));
    }
    let data = encrypted_content.strip_prefix(SEALED)?;
    Some(ThinkingBlock::sealed(data.to_owned()))
}
