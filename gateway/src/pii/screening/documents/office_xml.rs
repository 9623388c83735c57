//! The text of one XML part: paragraphs whole, however many runs they are cut into; the rows of tables; the values of
//! attributes and whatever else stands in elements.

use std::collections::BTreeSet;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::extraction::Extraction;
use super::markup;

const MAX_DEPTH: usize = 256;
/// Elements that are a paragraph, or a cell's text.
const PARAGRAPHS: [&str; 5] = ["p", "h", "si", "is", "text"];
/// Elements whose text is a part of the paragraph around them.
const RUNS: [&str; 9] = ["t", "delText", "p", "h", "span", "a", "r", "s", "text"];
/// Attributes that number things.
const NUMBERING: [&str; 8] = ["r", "s", "spans", "id", "paraId", "textId", "uid", "ht"];
/// How the names of parts begin that say what a document looks like.
const STYLE_PARTS: [&str; 7] =
    ["styles", "theme", "fontTable", "numbering", "webSettings", "tableStyles", "[Content_Types]"];
/// The ten numbers that describe how a font looks, in hexadecimal.
const PANOSE_DIGITS: usize = 20;
/// A number with fewer digits is a measure.
const MIN_DIGITS: usize = 10;
/// What a shape that is drawn point by point consists of.
const DRAWN: [&str; 3] = ["custGeom", "ink", "enhanced-geometry"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Text,
    /// Its cells are read elsewhere.
    Sheet,
    /// Styles, fonts, colours: of what its attributes say, few could be anybody's.
    Style,
}

impl Part {
    pub(super) fn of(name: &str) -> Self {
        let file = name.rsplit('/').next().unwrap_or(name);
        if name.starts_with("xl/worksheets/sheet") {
            Self::Sheet
        } else if STYLE_PARTS.iter().any(|style| file.starts_with(style)) {
            Self::Style
        } else {
            Self::Text
        }
    }
}

/// Adds the text of a part.
pub(super) fn read(xml: &str, part: Part, extraction: &mut Extraction) {
    if markup::holds_something_else(xml) {
        extraction.note_unread();
    }
    let mut text = PartText { part, ..PartText::default() };
    if text.read(xml).is_none() {
        extraction.note_unread();
    }
    if text.has_deleted {
        extraction.push(text.kept);
    }
    extraction.push(text.all);
    extraction.push(text.others);
    extraction.push(text.attributes.into_iter().collect::<Vec<_>>().join("\n"));
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Shown {
    #[default]
    Kept,
    Deleted,
}

#[derive(Default)]
struct Paragraph {
    all: String,
    kept: String,
}

struct Element {
    name: String,
    /// What its attribute `name` says.
    label: Option<String>,
}

struct PartText {
    part: Part,
    open: Vec<Element>,
    /// Paragraphs that are not at their end: one may stand in a text box inside of another.
    paragraphs: Vec<Paragraph>,
    num_cells: usize,
    all: String,
    /// Without what was deleted under supervision.
    kept: String,
    has_deleted: bool,
    others: String,
    attributes: BTreeSet<String>,
    has_drawing: bool,
}

impl Default for PartText {
    fn default() -> Self {
        Self {
            part: Part::Text,
            open: Vec::new(),
            paragraphs: Vec::new(),
            num_cells: 0,
            all: String::new(),
            kept: String::new(),
            has_deleted: false,
            others: String::new(),
            attributes: BTreeSet::new(),
            has_drawing: false,
        }
    }
}

impl PartText {
    /// `None` if the XML is malformed, or shows something that is not in its text.
    fn read(&mut self, xml: &str) -> Option<()> {
        let mut reader = Reader::from_str(xml.strip_prefix('\u{FEFF}').unwrap_or(xml));
        loop {
            match reader.read_event().ok()? {
                Event::Start(start) => {
                    let element = self.attributes_of(&start)?;
                    self.begin(element)?;
                }
                Event::Empty(start) => {
                    let element = self.attributes_of(&start)?;
                    self.begin(element)?;
                    self.end();
                }
                Event::End(_) => self.end(),
                Event::Text(text) => self.text(&text),
                Event::CData(text) => self.text(&text),
                Event::GeneralRef(reference) => {
                    let char = match reference.resolve_char_ref().ok()? {
                        Some(char) => char.to_string(),
                        None => quick_xml::escape::resolve_xml_entity(&reference)?.to_owned(),
                    };
                    self.text(&char);
                }
                Event::Comment(text) => self.other("", &text),
                Event::PI(text) => self.other("", &text),
                Event::Decl(_) => {}
                Event::DocType(_) => return None,
                Event::Eof => return (self.open.is_empty() && !self.has_drawing).then_some(()),
            }
        }
    }

    fn attributes_of(&mut self, start: &BytesStart<'_>) -> Option<Element> {
        let name = start.local_name().into_inner().to_owned();
        let mut label = None;
        for attribute in start.attributes().with_checks(false) {
            let attribute = attribute.ok()?;
            let key = attribute.key.into_inner();
            let local = key.rsplit(':').next().unwrap_or(key);
            let value = quick_xml::escape::unescape(&attribute.value).ok()?;
            if key.starts_with("xmlns") || NUMBERING.contains(&local) || local.starts_with("rsid") {
                continue;
            }
            if local == "name" {
                label = Some(value.clone().into_owned());
            }
            if is_telling(&value, self.part) {
                self.attributes.insert(value.into_owned());
            }
        }
        Some(Element { name, label })
    }

    fn begin(&mut self, element: Element) -> Option<()> {
        let name = element.name.as_str();
        self.has_drawing |= DRAWN.contains(&name);
        match name {
            "tc" | "table-cell" => self.num_cells += 1,
            "tab" | "ptab" => self.push("\t"),
            "br" | "cr" | "line-break" => self.push("\n"),
            "noBreakHyphen" => self.push("-"),
            "s" => self.push(" "),
            _ if PARAGRAPHS.contains(&name) => self.paragraphs.push(Paragraph::default()),
            _ => {}
        }
        self.open.push(element);
        (self.open.len() <= MAX_DEPTH).then_some(())
    }

    fn end(&mut self) {
        let Some(Element { name, .. }) = self.open.pop() else { return };
        match name.as_str() {
            "tc" | "table-cell" => {
                self.num_cells = self.num_cells.saturating_sub(1);
                self.part_with("\t");
            }
            "tr" | "table-row" => self.part_with("\n"),
            name if PARAGRAPHS.contains(&name) => {
                let Some(paragraph) = self.paragraphs.pop() else { return };
                self.all.push_str(&paragraph.all);
                self.kept.push_str(&paragraph.kept);
                self.part_with(if self.num_cells > 0 { " " } else { "\n" });
            }
            _ => {}
        }
    }

    fn part_with(&mut self, gap: &str) {
        self.all.push_str(gap);
        self.kept.push_str(gap);
    }

    /// Adds to the paragraph, if one is open.
    fn push(&mut self, text: &str) {
        if let Some(paragraph) = self.paragraphs.last_mut() {
            paragraph.all.push_str(text);
            paragraph.kept.push_str(text);
        }
    }

    fn text(&mut self, text: &str) {
        let name = self.open.last().map(|element| element.name.clone()).unwrap_or_default();
        let shown = if name == "delText" { Shown::Deleted } else { Shown::Kept };
        match self.paragraphs.last_mut() {
            Some(paragraph) if RUNS.contains(&name.as_str()) => {
                paragraph.all.push_str(text);
                if shown == Shown::Kept {
                    paragraph.kept.push_str(text);
                }
                self.has_deleted |= shown == Shown::Deleted;
            }
            _ if self.part == Part::Sheet && name == "v" => {}
            _ => {
                let label = self.open.iter().rev().take(2).find_map(|element| element.label.clone());
                self.other(&label.unwrap_or(name), text);
            }
        }
    }

    fn other(&mut self, label: &str, text: &str) {
        if !text.trim().is_empty() {
            self.others.push_str(label);
            self.others.push_str(": ");
            self.others.push_str(text);
            self.others.push('\n');
        }
    }
}

/// Numbers of colours, measures and identifiers say nothing.
fn is_telling(value: &str, part: Part) -> bool {
    let num_digits = value.bytes().filter(u8::is_ascii_digit).count();
    if part == Part::Style {
        let is_number = num_digits >= MIN_DIGITS && value.len() != PANOSE_DIGITS;
        return is_number || value.contains(|char: char| char == '@' || matches!(char, '\u{400}'..='\u{52F}'));
    }
    let is_figure =
        |char: char| char.is_ascii_hexdigit() || matches!(char, '.' | ',' | ';' | '#' | '%' | '-' | '{' | '}');
    let is_uuid = value.len() == 38 && value.starts_with('{');
    let is_schema = value.starts_with("http://schemas.");
    !is_uuid && !is_schema && value.len() > 2 && (num_digits >= MIN_DIGITS || !value.chars().all(is_figure))
}

#[cfg(test)]
mod tests {
    use super::super::Reading;
    use super::*;

    fn pieces(xml: &str) -> Vec<String> {
        let mut extraction = Extraction::for_document(xml.len());
        read(xml, Part::Text, &mut extraction);
        match extraction.finish() {
            Reading::Text(pieces) => pieces,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn runs_of_a_paragraph_are_one_text() {
        let xml = "<w:p><w:r><w:t>ИИН 9011</w:t></w:r><w:r><w:rPr/><w:t>2330</w:t></w:r><w:r><w:t>0258</w:t></w:r></w:p>\
                   <w:tbl><w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc><w:tc><w:p/></w:tc></w:tr></w:tbl>";
        assert_eq!(pieces(&format!("<d>{xml}</d>"))[0], "ИИН 901123300258\na \t \t\n");
    }

    #[test]
    fn deleted_words_and_text_boxes_do_not_cut_a_value() {
        let xml = "<d><w:p><w:r><w:t>9011</w:t></w:r><w:del><w:r><w:delText>77</w:delText></w:r></w:del>\
                   <w:r><w:pict><w:p><w:r><w:t>box</w:t></w:r></w:p></w:pict></w:r><w:r><w:t>2330&#48;258</w:t></w:r></w:p></d>";
        assert_eq!(pieces(xml), ["box\n901123300258\n", "box\n901177 23300258\n".replace(' ', "").as_str()]);
    }

    #[test]
    fn notes_at_cells_are_one_text() {
        let xml = "<comment><text><r><t>9011</t></r><r><t>23300258</t></r></text></comment>";
        assert_eq!(pieces(xml), ["901123300258\n"]);
    }

    #[test]
    fn values_of_attributes_and_elements_are_read_with_their_names() {
        let xml = "<p0 author='Иван' rsidR='00A77427' w='1440'><property name='ИИН'><lpwstr>900</lpwstr></property>\
                   <phone>7&amp;</phone></p0>";
        assert_eq!(pieces(xml), ["ИИН: 900\nphone: 7\nphone: &\n", "ИИН\nИван"]);
    }

    #[test]
    fn what_is_malformed_or_drawn_is_not_read_whole() {
        for xml in ["<a>", "<a></b>", "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "<a>&x;</a>", "<a:custGeom/>"] {
            let mut extraction = Extraction::for_document(xml.len());
            read(xml, Part::Text, &mut extraction);
            assert!(!matches!(extraction.finish(), Reading::Text(_)), "{xml}");
        }
        let deep = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
        let mut extraction = Extraction::for_document(deep.len());
        read(&deep, Part::Text, &mut extraction);
        assert_eq!(extraction.finish(), Reading::Unreadable);
    }
}
