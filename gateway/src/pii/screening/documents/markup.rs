//! Texts with tags in them: HTML, XML, Markdown. They are read as they are written, attributes and comments included, and
//! once more without their tags, so that a value which tags are strewn into is whole.

use super::extraction::Extraction;

/// Elements that do not part a word.
const INLINE: [&str; 24] = [
    "a", "abbr", "b", "bdi", "bdo", "code", "del", "em", "font", "i", "ins", "kbd", "mark", "q", "s", "small", "span",
    "strike", "strong", "sub", "sup", "tt", "u", "wbr",
];
/// Marks, in lower case, of what shows or holds something that is not the text.
const EMBEDDED: [&str; 10] = [
    "<svg",
    "<path",
    "<canvas",
    "<!entity",
    "<pkg:binarydata",
    "content-transfer-encoding: base64",
    "<office:binary-data",
    "gfxdata=",
    "{\\rtf",
    "%!ps",
];
/// A row of characters of base64 that is as long is a file, not a word.
const MIN_BLOB_BYTES: usize = 1_024;

/// Adds a text with tags.
pub(super) fn read(text: String, extraction: &mut Extraction) {
    if holds_something_else(&text) {
        extraction.note_unread();
    }
    let stripped = without_tags(&text);
    extraction.push(text);
    if let Some(stripped) = stripped {
        extraction.push(stripped);
    }
}

/// Whether something stands in the text that reading it does not show.
pub(super) fn holds_something_else(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    EMBEDDED.iter().any(|mark| memchr::memmem::find(lower.as_bytes(), mark.as_bytes()).is_some()) || has_blob(text)
}

fn has_blob(text: &str) -> bool {
    let (mut length, mut has_upper, mut has_lower, mut has_digit) = (0, false, false, false);
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' => has_upper = true,
            b'a'..=b'z' => has_lower = true,
            b'0'..=b'9' => has_digit = true,
            b'+' | b'/' | b'-' | b'_' => {}
            b'\r' | b'\n' if length > 0 => continue,
            _ => {
                (length, has_upper, has_lower, has_digit) = (0, false, false, false);
                continue;
            }
        }
        length += 1;
        if length >= MIN_BLOB_BYTES && has_upper && has_lower && has_digit {
            return true;
        }
    }
    false
}

/// `None` if there are no tags.
fn without_tags(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len() / 2);
    // Behind the last end there are no tags.
    let (mut rest, tail) = text.split_at(text.rfind('>').map_or(0, |at| at + 1));
    let mut has_tags = false;
    while let Some(open) = rest.find('<') {
        let (before, tag) = rest.split_at(open);
        out.push_str(before);
        let (length, gap) = tag_of(tag);
        has_tags |= length > 1;
        if length == 1 {
            out.push('<');
        }
        out.push_str(gap);
        rest = tag.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    out.push_str(tail);
    has_tags.then_some(out)
}

/// How long the tag at the start of `text` is, and what it leaves behind; one byte if it is no tag.
fn tag_of(text: &str) -> (usize, &'static str) {
    let until = |end: &str| text.find(end).map(|at| at + end.len());
    if text.starts_with("<!--") {
        return (until("-->").unwrap_or(text.len()), "");
    }
    if text.starts_with("<![CDATA[") {
        // What follows is text.
        return ("<![CDATA[".len(), "");
    }
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'-' | b'_') || !byte.is_ascii();
    let inside = text.get(1..).unwrap_or_default().trim_start_matches(['/', '!', '?']);
    let name_len = inside.bytes().take_while(|byte| is_name(byte)).count();
    let Some(length) = until(">").filter(|_| name_len > 0) else { return (1, "") };
    let name = inside.get(..name_len).unwrap_or_default();
    let local = name.rsplit(':').next().unwrap_or(name).to_ascii_lowercase();
    let gap = match local.as_str() {
        "td" | "th" => "\t",
        inline if INLINE.contains(&inline) => "",
        _ => "\n",
    };
    (length, gap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_taken_out() {
        for (text, expected) in [
            ("ИИН 9011<b>2330</b>0258", Some("ИИН 901123300258")),
            ("<p>a</p><p>b", Some("\na\n\nb")),
            ("<tr><td>a</td>", Some("\n\ta\t")),
            ("1 < 2 and 3 > 2", None),
            ("a<!-- x > y -->b", Some("ab")),
            ("<x:span>9</x:span>0<![CDATA[1]]>", Some("901]]>")),
            ("no tags", None),
        ] {
            assert_eq!(without_tags(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn work_is_linear_in_tags_that_never_end() {
        let text = "<a".repeat(200_000);
        assert_eq!(without_tags(&text), None);
        let text = format!("{}>", "<!--".repeat(200_000));
        assert!(without_tags(&text).is_some());
    }

    #[test]
    fn what_is_no_text_is_seen() {
        assert!(holds_something_else("<p><SVG viewBox='0'>"));
        assert!(holds_something_else(&"iVBORw0KGgo9".repeat(100)));
        assert!(!holds_something_else(&"a word, another word 12345 Word. ".repeat(100)));
        assert!(!holds_something_else(&"=".repeat(5_000)));
    }
}
