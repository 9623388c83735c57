//! The objects of a PDF file, all of them, found by reading the file from its first byte to its last and not by its
//! cross-reference table: nothing that the table leaves out stays unseen. What stands between objects is kept as text;
//! objects that replace others (incremental updates) and anything that is not as it should be make the file unclear.

use std::collections::BTreeMap;
use std::ops::Range;

use super::extraction::Extraction;
use super::pdf_filter::decode;
use super::pdf_object::{Dict, Lexer, Object, is_space};

/// Objects, those inside of others included.
const MAX_OBJECTS: usize = 1_000_000;
/// References to references.
const MAX_HOPS: usize = 8;

pub(super) struct PdfFile<'b> {
    bytes: &'b [u8],
    objects: BTreeMap<u32, Indirect>,
    /// Dictionaries that describe the file.
    pub(super) trailers: Vec<Dict>,
    /// Comments: text that no program shows.
    pub(super) comments: Vec<u8>,
    pub(super) is_unclear: bool,
}

/// A numbered object.
pub(super) struct Indirect {
    pub(super) object: Object,
    /// Where the data of a stream stands.
    data: Option<Range<usize>>,
}

impl<'b> PdfFile<'b> {
    pub(super) fn parse(bytes: &'b [u8], extraction: &mut Extraction) -> Self {
        let objects = BTreeMap::new();
        let mut file = Self { bytes, objects, trailers: Vec::new(), comments: Vec::new(), is_unclear: false };
        let mut lexer = Lexer::new(bytes, MAX_OBJECTS);
        file.is_unclear |= file.sections(&mut lexer).is_none() || lexer.has_duplicate_keys;
        file.comments.append(&mut lexer.comments);
        file.object_streams(lexer.objects_left(), extraction);
        file
    }

    /// The trailers say so, before anything is decoded.
    pub(super) fn is_encrypted(&self) -> bool {
        let structure = self.objects.values().filter_map(|indirect| indirect.object.as_dict());
        let is_xref = |dict: &&Dict| type_of(dict) == Some(b"XRef");
        self.trailers.iter().chain(structure.filter(is_xref)).any(|dict| dict.contains_key(&b"Encrypt"[..]))
    }

    /// Where a file that is read over the network says which of its parts to fetch first.
    pub(super) fn hints(&self) -> Range<usize> {
        let first = self.objects.values().filter_map(|indirect| indirect.object.as_dict());
        let mut linearized = first.filter(|dict| dict.contains_key(&b"Linearized"[..]));
        let place = linearized.next().and_then(|dict| {
            let place = dict.get(&b"H"[..])?.as_array()?;
            let start = place.first()?.as_count()?;
            Some(start..start.saturating_add(place.get(1)?.as_count()?))
        });
        place.unwrap_or_default()
    }

    pub(super) fn objects(&self) -> impl Iterator<Item = (u32, &Indirect)> {
        self.objects.iter().map(|(&number, indirect)| (number, indirect))
    }

    pub(super) fn is_stream(&self, number: u32) -> bool {
        self.objects.get(&number).is_some_and(Indirect::is_stream)
    }

    /// What stands behind a reference; the object itself if it is none.
    pub(super) fn resolve<'o>(&'o self, mut object: &'o Object) -> &'o Object {
        for _ in 0..MAX_HOPS {
            let Object::Reference(number) = object else { return object };
            let Some(indirect) = self.objects.get(number) else { return &Object::Null };
            object = &indirect.object;
        }
        &Object::Null
    }

    pub(super) fn entry<'o>(&'o self, dict: &'o Dict, key: &[u8]) -> Option<&'o Object> {
        dict.get(key).map(|value| self.resolve(value)).filter(|value| **value != Object::Null)
    }

    pub(super) fn dict<'o>(&'o self, dict: &'o Dict, key: &[u8]) -> Option<&'o Dict> {
        self.entry(dict, key)?.as_dict()
    }

    /// The dictionary and the decoded data of a stream.
    pub(super) fn stream(&self, number: u32, extraction: &mut Extraction) -> Option<(&Dict, Vec<u8>)> {
        let indirect = self.objects.get(&number)?;
        let dict = indirect.object.as_dict()?;
        let raw = self.bytes.get(indirect.data.clone()?)?;
        Some((dict, decode(self, dict, raw, extraction)?))
    }

    fn sections(&mut self, lexer: &mut Lexer<'b>) -> Option<()> {
        if !self.bytes.starts_with(b"%PDF-") {
            return None;
        }
        loop {
            lexer.skip_space();
            if lexer.rest().is_empty() {
                return Some(());
            }
            match lexer.object()? {
                Object::Number(number) => self.numbered(number, lexer)?,
                Object::Keyword(word) => match word.as_slice() {
                    b"xref" => cross_references(lexer)?,
                    b"trailer" => match lexer.object()? {
                        Object::Dict(dict) => self.trailers.push(dict),
                        _ => return None,
                    },
                    b"startxref" => {
                        lexer.object()?.as_count()?;
                    }
                    _ => return None,
                },
                _ => return None,
            }
        }
    }

    fn numbered(&mut self, number: f64, lexer: &mut Lexer<'b>) -> Option<()> {
        let number = u32::try_from(Object::Number(number).as_count()?).ok()?;
        lexer.object()?.as_count()?;
        is_keyword(&lexer.object()?, b"obj").then_some(())?;
        let object = lexer.object()?;
        let mut data = None;
        // An empty object.
        if is_keyword(&object, b"endobj") {
            return Some(());
        }
        let mut end = lexer.object()?;
        if is_keyword(&end, b"stream") {
            data = Some(self.stream_data(&object, lexer)?);
            end = lexer.object()?;
        }
        is_keyword(&end, b"endobj").then_some(())?;
        self.insert(number, Indirect { object, data });
        Some(())
    }

    fn insert(&mut self, number: u32, indirect: Indirect) {
        self.is_unclear |= self.objects.insert(number, indirect).is_some();
    }

    /// Leaves the lexer behind `endstream`.
    fn stream_data(&self, object: &Object, lexer: &mut Lexer<'b>) -> Option<Range<usize>> {
        let rest = lexer.rest();
        let line_break = if rest.starts_with(b"\r\n") { 2 } else { 1 };
        let start = lexer.at() + line_break;
        let told = object.as_dict()?.get(&b"Length"[..]).and_then(Object::as_count);
        if let Some(end) = told.map(|length| start.saturating_add(length)) {
            let behind = self.bytes.get(end..).unwrap_or_default();
            let space = behind.iter().take(2).take_while(|&&byte| is_space(byte)).count();
            if behind.get(space..).is_some_and(|behind| behind.starts_with(b"endstream")) {
                lexer.jump(end + space + b"endstream".len());
                return Some(start..end);
            }
        }
        let data = self.bytes.get(start..)?;
        let length = memchr::memmem::find(data, b"endstream")?;
        lexer.jump(start + length + b"endstream".len());
        let data = data.get(..length)?;
        let data = data.strip_suffix(b"\n").unwrap_or(data);
        Some(start..start + data.strip_suffix(b"\r").unwrap_or(data).len())
    }

    /// Opens the streams that hold further objects.
    fn object_streams(&mut self, mut objects_left: usize, extraction: &mut Extraction) {
        let is_holder = |indirect: &Indirect| indirect.object.as_dict().and_then(type_of) == Some(b"ObjStm");
        let holders: Vec<u32> =
            self.objects().filter(|(_, indirect)| is_holder(indirect)).map(|(number, _)| number).collect();
        for number in holders {
            let held = self.stream(number, extraction).and_then(|(dict, data)| {
                let mut lexer = Lexer::new(&data, objects_left);
                let held = held_objects(dict, &data, &mut lexer)?;
                objects_left = lexer.objects_left();
                Some((held, lexer.comments, lexer.has_duplicate_keys))
            });
            let Some((held, mut comments, is_unclear)) = held else {
                self.is_unclear = true;
                continue;
            };
            self.is_unclear |= is_unclear;
            self.comments.append(&mut comments);
            for (number, object) in held {
                self.insert(number, Indirect { object, data: None });
            }
        }
    }
}

impl Indirect {
    pub(super) fn is_stream(&self) -> bool {
        self.data.is_some()
    }

    pub(super) fn is_within(&self, place: &Range<usize>) -> bool {
        self.data.as_ref().is_some_and(|data| place.start <= data.start && data.end <= place.end)
    }
}

pub(super) fn type_of(dict: &Dict) -> Option<&[u8]> {
    dict.get(&b"Type"[..])?.as_name()
}

fn is_keyword(object: &Object, word: &[u8]) -> bool {
    matches!(object, Object::Keyword(found) if found == word)
}

/// Pairs of numbers, then as many objects, one behind the other.
fn held_objects(dict: &Dict, data: &[u8], lexer: &mut Lexer<'_>) -> Option<Vec<(u32, Object)>> {
    let count = dict.get(&b"N"[..])?.as_count()?;
    let first = dict.get(&b"First"[..])?.as_count()?;
    let mut numbers = Vec::new();
    for _ in 0..count {
        let number = u32::try_from(lexer.object()?.as_count()?).ok()?;
        let offset = lexer.object()?.as_count()?;
        numbers.push((number, first.checked_add(offset)?));
    }
    let mut held = Vec::new();
    for (number, offset) in numbers {
        lexer.skip_space();
        // Objects that overlap, or bytes between them, are no one's.
        if lexer.at() > offset.max(first) || data.get(lexer.at()..offset).is_some_and(|gap| !gap.is_empty()) {
            return None;
        }
        held.push((number, lexer.object()?));
    }
    lexer.skip_space();
    lexer.rest().is_empty().then_some(held)
}

/// `0 3`, then lines of offsets.
fn cross_references(lexer: &mut Lexer<'_>) -> Option<()> {
    loop {
        lexer.skip_space();
        if !lexer.rest().first().is_some_and(u8::is_ascii_digit) {
            return Some(());
        }
        lexer.object()?.as_count()?;
        let count = lexer.object()?.as_count()?;
        for _ in 0..count {
            lexer.object()?.as_count()?;
            lexer.object()?.as_count()?;
            let kind = lexer.object()?;
            (is_keyword(&kind, b"n") || is_keyword(&kind, b"f")).then_some(())?;
        }
    }
}
