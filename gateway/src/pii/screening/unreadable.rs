//! What a scan cannot read: images, sounds, files that are not given. Anything in a message that is not known to be text
//! counts as such.

use std::cell::RefCell;

use super::file_parts::PART_LISTS;
use crate::pii::detector::memo::{Memo, remembered};

/// `type` of parts whose text the walk sees.
const READABLE_TYPES: [&str; 6] = ["text", "refusal", "input_text", "output_text", "thinking", "tool_result"];
/// Members, in lower case, whose value stands for something that is not text.
const UNREADABLE_MEMBERS: [&str; 22] = [
    "image",
    "images",
    "image_url",
    "input_image",
    "audio",
    "input_audio",
    "video",
    "video_url",
    "media",
    "document",
    "blob",
    "file",
    "files",
    "file_id",
    "file_ids",
    "file_data",
    "source",
    "inlinedata",
    "inline_data",
    "attachments",
    "multi_modal_data",
    "mm_data",
];
/// Top-level fields that describe an answer or a tool may use such words for other things.
const DESCRIPTIONS: [&str; 6] = ["tools", "functions", "response_format", "metadata", "tool_choice", "audio"];
/// No place of a message is named by a longer pointer: what stands there is not looked up and counts as unreadable.
const MAX_POINTER_BYTES: usize = 1_024;

thread_local! {
    /// Whether a pointer names something unreadable: those of an API come with every request.
    static NAMING: RefCell<Memo<8, bool>> = const { RefCell::new(Memo::new(7)) };
}

/// Whether the value at `pointer`, whose text is `text`, stands for something else than its text.
pub(crate) fn is_unreadable(pointer: &str, text: &str) -> bool {
    remembered(&NAMING, pointer.as_bytes(), || names_unreadable_member(pointer)) || is_unknown_type(pointer, text)
}

fn names_unreadable_member(pointer: &str) -> bool {
    let mut members = pointer.split('/').skip(1);
    let is_description = members.next().is_some_and(|first| DESCRIPTIONS.contains(&first));
    let names = |member: &str| UNREADABLE_MEMBERS.iter().any(|unreadable| unreadable.eq_ignore_ascii_case(member));
    !is_description && (pointer.len() > MAX_POINTER_BYTES || pointer.split('/').any(names))
}

fn is_unknown_type(pointer: &str, text: &str) -> bool {
    if !pointer.ends_with("/type") {
        return false;
    }
    let mut path = pointer.rsplit('/');
    let is_type = path.next() == Some("type");
    let is_item = path.next().is_some_and(|index| !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit()));
    let is_part = is_type && is_item && path.next().is_some_and(|list| PART_LISTS.contains(&list));
    is_part && !READABLE_TYPES.contains(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_to_be_text_cannot_be_read() {
        let long = "x".repeat(MAX_POINTER_BYTES);
        assert!(is_unreadable(&format!("/messages/0/{long}/image_url"), "https://x.kz/a.png"));
        assert!(!is_unreadable(&format!("/metadata/{long}"), "x"));
        for (pointer, text) in [
            ("/messages/0/content/0/type", "image_url"),
            ("/messages/0/content/0/content/0/type", "image"),
            ("/messages/0/content/0/image_url/url", "https://e.kz/passport.png"),
            ("/messages/0/images/0", "AAAA"),
            ("/messages/0/audio/id", "a1"),
            ("/attachments/0/file_id", "f1"),
            ("/images/0", "AAAA"),
            ("/messages/0/Images/0", "AAAA"),
            ("/messages/0/content/0/inlineData/data", "AAAA"),
            ("/system/0/type", "image"),
            ("/prediction/content/0/type", "image_url"),
        ] {
            assert!(is_unreadable(pointer, text), "{pointer} {text}");
        }
        for (pointer, text) in [
            ("/messages/0/content/0/type", "text"),
            ("/messages/0/tool_calls/0/type", "function"),
            ("/messages/0/content", "the image; base64, data: all words"),
            ("/tools/0/function/parameters/properties/image/type", "string"),
            ("/response_format/type", "json_schema"),
            ("/messages/0/content/0/cache_control/type", "ephemeral"),
            ("/messages/1/annotations/0/type", "url_citation"),
            ("/messages/1/reasoning_details/0/type", "reasoning.text"),
            ("/audio/voice", "alloy"),
        ] {
            assert!(!is_unreadable(pointer, text), "{pointer} {text}");
        }
    }
}
