//! Parts of a message that carry a file: `file` of chat, `input_file` of Responses, `document` of Messages. A part is known
//! when the walk has left it; until then its members wait here.

use super::data_url::{self, data_urls};
use super::documents::{Reading, read_document};

/// Files of one body.
const MAX_FILES: usize = 64;
const MAX_FILE_BYTES: usize = 32 << 20;
const MAX_TEXT_BYTES: usize = 16 << 20;
/// So far a text is looked at to tell whether it is encoded.
const ENCODED_HEAD_BYTES: usize = 64;
/// Lists of parts: `…/LIST/3/type`.
pub(super) const PART_LISTS: [&str; 4] = ["content", "system", "input", "parts"];

/// What a member of a part is for. The longer of two ends that fit comes first.
const MEMBERS: [(&str, Member); 9] = [
    ("/file/file_data", Member::Data(Shape::Chat)),
    ("/file/filename", Member::FileName),
    ("/file/format", Member::MediaType),
    ("/source/media_type", Member::MediaType),
    ("/source/type", Member::SourceType),
    ("/source/data", Member::Data(Shape::Messages)),
    ("/file_data", Member::Data(Shape::Responses)),
    ("/filename", Member::FileName),
    ("/type", Member::Type),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Member {
    Type,
    SourceType,
    MediaType,
    FileName,
    Data(Shape),
}

/// Whose wire format a part has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Chat,
    Responses,
    Messages,
}

/// How a member of a file part is to be treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// As any other text; whether it can be read is decided with its part.
    Text,
    /// Not at all before its part is known.
    Data,
}

/// What a part turned out to hold.
pub(super) struct FilePart {
    pub(super) reading: Reading,
    /// The leaf that was kept back, how much of it stands before the file itself, and its place.
    pub(super) data: Option<(usize, usize, String)>,
    pub(super) text: String,
}

/// The files of one body.
#[derive(Debug)]
pub(super) struct Files {
    open: Option<OpenPart>,
    count_left: usize,
    bytes_left: usize,
    text_left: usize,
}

#[derive(Default)]
struct OpenPart {
    place: String,
    shape: Option<Shape>,
    source_type: Option<String>,
    media_type: Option<String>,
    file_name: Option<String>,
    data: Option<(Shape, Data)>,
    /// Only a part that counts as unreadable by itself needs to be read.
    is_doubtful: bool,
}

/// The file stays out of logs.
impl std::fmt::Debug for OpenPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenPart").field("shape", &self.shape).finish_non_exhaustive()
    }
}

enum Data {
    /// Scanned where it stands.
    Plain,
    Encoded {
        leaf: usize,
        pointer: String,
        text: String,
    },
}

impl Default for Files {
    fn default() -> Self {
        Self { open: None, count_left: MAX_FILES, bytes_left: MAX_FILE_BYTES, text_left: MAX_TEXT_BYTES }
    }
}

impl Files {
    /// The part that the walk has left when it comes to `pointer`.
    pub(super) fn left_by(&mut self, pointer: &str) -> Option<FilePart> {
        let is_inside =
            |part: &mut OpenPart| pointer.strip_prefix(part.place.as_str()).is_some_and(|rest| rest.starts_with('/'));
        let part = self.open.take_if(|part| !is_inside(part))?;
        self.read(part)
    }

    /// The part at the end of the body.
    pub(super) fn finish(&mut self) -> Option<FilePart> {
        let part = self.open.take()?;
        self.read(part)
    }

    /// Keeps a member of a file part; `number` is that of its leaf. What stands before must have been asked for with
    /// [`Self::left_by`].
    pub(super) fn take(&mut self, pointer: &str, text: &str, number: usize, is_doubtful: bool) -> Option<Taken> {
        let (place, member) = member_of(pointer)?;
        let shape = shape_of(text);
        if member == Member::Type && shape.is_none() {
            return None;
        }
        let part = self.open.get_or_insert_default();
        if part.place.is_empty() {
            place.clone_into(&mut part.place);
        } else if part.place != place {
            // A part inside a part.
            return None;
        }
        part.is_doubtful |= is_doubtful;
        let mut taken = Taken::Text;
        match member {
            Member::Type => part.shape = shape,
            Member::SourceType => part.source_type = Some(text.to_owned()),
            Member::MediaType => part.media_type = Some(text.to_owned()),
            Member::FileName => part.file_name = Some(text.to_owned()),
            Member::Data(shape) if is_encoded(text) => {
                taken = Taken::Data;
                let data = Data::Encoded { leaf: number, pointer: pointer.to_owned(), text: text.to_owned() };
                part.data = Some((shape, data));
            }
            Member::Data(shape) => part.data = Some((shape, Data::Plain)),
        }
        Some(taken)
    }

    fn read(&mut self, part: OpenPart) -> Option<FilePart> {
        let OpenPart { shape, source_type, media_type, file_name, data, is_doubtful, .. } = part;
        let known = |of: Shape| shape == Some(of);
        match data {
            None if is_doubtful => Some(FilePart { reading: Reading::Unreadable, data: None, text: String::new() }),
            None => None,
            Some((of, Data::Plain)) => {
                let is_text = known(of) && is_plain_source(of, source_type.as_deref(), media_type.as_deref());
                let reading = if is_text { Reading::Text(Vec::new()) } else { Reading::Unreadable };
                Some(FilePart { reading, data: None, text: String::new() })
            }
            Some((of, Data::Encoded { leaf, pointer, text })) => {
                let is_known = known(of) && (of != Shape::Messages || source_type.as_deref() == Some("base64"));
                let is_plain = known(of) && is_plain_source(of, source_type.as_deref(), media_type.as_deref());
                // A file inside a text is not looked for.
                let (reading, header) = if is_plain && !data_url::has_data_url(&text) {
                    (Reading::Text(Vec::new()), text.len())
                } else if is_known {
                    self.encoded(media_type.as_deref(), file_name.as_deref(), &text)
                } else {
                    (Reading::Unreadable, text.len())
                };
                Some(FilePart { reading, data: Some((leaf, header, pointer)), text })
            }
        }
    }

    /// The reading of a file in base64 or in a `data:` address, and how much of `text` stands before it: all of it, unless
    /// something was read.
    fn encoded(&mut self, media_type: Option<&str>, file_name: Option<&str>, text: &str) -> (Reading, usize) {
        let (told, at, data) = match data_urls(text).as_deref() {
            Some([]) => (None, 0, text),
            Some([url]) if text.len() == url.at + url.data.len() => (Some(url.media_type), url.at, url.data),
            _ => return (Reading::Unreadable, text.len()),
        };
        let reading = self.file(told.or(media_type), file_name, data);
        let before = if reading == Reading::Unreadable { text.len() } else { at };
        (reading, before)
    }

    /// Reads one file in base64, within what the body may hold.
    pub(super) fn file(&mut self, media_type: Option<&str>, file_name: Option<&str>, data: &str) -> Reading {
        let bytes_left = self.bytes_left.checked_sub(data.len() / 4 * 3);
        let (Some(count_left), Some(bytes_left)) = (self.count_left.checked_sub(1), bytes_left) else {
            return Reading::Unreadable;
        };
        (self.count_left, self.bytes_left) = (count_left, bytes_left);
        let Some(bytes) = data_url::decode(data) else { return Reading::Unreadable };
        let reading = read_document(media_type, file_name, &bytes);
        let (Reading::Text(pieces) | Reading::Partly(pieces)) = &reading else { return reading };
        let left = self.text_left.checked_sub(pieces.iter().map(String::len).sum());
        self.text_left = left.unwrap_or_default();
        if left.is_some() { reading } else { Reading::Unreadable }
    }
}

/// `{"type": "text", "media_type": "text/plain", "data": …}`
fn is_plain_source(shape: Shape, source_type: Option<&str>, media_type: Option<&str>) -> bool {
    shape == Shape::Messages && source_type == Some("text") && media_type.is_none_or(|told| told == "text/plain")
}

fn shape_of(part_type: &str) -> Option<Shape> {
    match part_type {
        "file" => Some(Shape::Chat),
        "input_file" => Some(Shape::Responses),
        "document" => Some(Shape::Messages),
        _ => None,
    }
}

/// The place of the part, and which of its members `pointer` leads to.
fn member_of(pointer: &str) -> Option<(&str, Member)> {
    MEMBERS.iter().find_map(|(end, member)| {
        let place = pointer.strip_suffix(end)?;
        let (list, index) = place.rsplit_once('/')?;
        let is_index = !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit());
        let is_part = is_index && PART_LISTS.contains(&list.rsplit('/').next().unwrap_or(list));
        is_part.then_some((place, *member))
    })
}

fn is_encoded(text: &str) -> bool {
    let head = text.as_bytes().get(..ENCODED_HEAD_BYTES).unwrap_or(text.as_bytes());
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    let is_url = head.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"data:"));
    is_url || head.len() == ENCODED_HEAD_BYTES && head.iter().all(is_base64)
}

#[cfg(test)]
#[path = "file_parts_tests.rs"]
mod tests;
