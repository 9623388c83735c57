//! What a scan cannot read: images, sounds, files. Anything in a message that is not known to be text counts as such.

/// `type` of parts and tool calls whose text the walk sees.
const READABLE_TYPES: [&str; 8] =
    ["text", "refusal", "input_text", "output_text", "thinking", "tool_result", "function", "custom"];
/// Members of a message or part whose value stands for something that is not text.
const UNREADABLE_MEMBERS: [&str; 13] = [
    "image",
    "images",
    "image_url",
    "audio",
    "input_audio",
    "video",
    "video_url",
    "file",
    "files",
    "file_id",
    "file_data",
    "source",
    "attachments",
];
/// No place of a message is named by a longer pointer that matters here.
const MAX_POINTER_BYTES: usize = 1_024;
const MAX_MEDIA_TYPE_BYTES: usize = 200;

/// Whether the value at `pointer`, whose text is `text`, stands for something that cannot be read.
pub(super) fn is_unreadable(pointer: &str, text: &str) -> bool {
    has_data_url(text) || names_unreadable_member(pointer) || is_unknown_type(pointer, text)
}

fn names_unreadable_member(pointer: &str) -> bool {
    let relevant = pointer.starts_with("/messages/") || pointer.starts_with("/attachments");
    relevant
        && pointer.len() <= MAX_POINTER_BYTES
        && pointer.split('/').any(|member| UNREADABLE_MEMBERS.contains(&member))
}

fn is_unknown_type(pointer: &str, text: &str) -> bool {
    pointer.starts_with("/messages/") && pointer.ends_with("/type") && !READABLE_TYPES.contains(&text)
}

/// `data:…;base64,` at any place and in any case.
fn has_data_url(text: &str) -> bool {
    const MARK: &[u8] = b";base64,";
    let bytes = text.as_bytes();
    memchr::memchr_iter(b';', bytes).any(|at| {
        bytes.get(at..at + MARK.len()).is_some_and(|found| found.eq_ignore_ascii_case(MARK)) && {
            let before = &bytes[at.saturating_sub(MAX_MEDIA_TYPE_BYTES)..at];
            before.windows(5).any(|window| window.eq_ignore_ascii_case(b"data:"))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_to_be_text_cannot_be_read() {
        for (pointer, text) in [
            ("/messages/0/content/0/type", "image_url"),
            ("/messages/0/content/0/content/0/type", "image"),
            ("/messages/0/content/0/image_url/url", "https://e.kz/passport.png"),
            ("/messages/0/images/0", "AAAA"),
            ("/messages/0/audio/id", "a1"),
            ("/attachments/0/file_id", "f1"),
            ("/messages/0/content", "see ![](DATA:image/png;BASE64,AAAA)"),
            ("/x", "data:text/plain;charset=utf-8;base64,AAAA"),
        ] {
            assert!(is_unreadable(pointer, text), "{pointer} {text}");
        }
        for (pointer, text) in [
            ("/messages/0/content/0/type", "text"),
            ("/messages/0/tool_calls/0/type", "function"),
            ("/messages/0/content", "the image; base64, data: all words"),
            ("/tools/0/function/parameters/properties/image/type", "string"),
            ("/response_format/type", "json_schema"),
        ] {
            assert!(!is_unreadable(pointer, text), "{pointer} {text}");
        }
    }
}
