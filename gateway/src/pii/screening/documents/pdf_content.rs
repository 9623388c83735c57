//! What a page draws (ISO 32000-1, 8 and 9): strings with their places; images and shapes that cannot be read.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::extraction::Extraction;
use super::pdf_file::PdfFile;
use super::pdf_font::Font;
use super::pdf_layout::{Fragment, Matrix};
use super::pdf_object::{Dict, Lexer, Object};
use super::pdf_shapes::Shapes;
use super::pdf_strings;

/// Drawings inside drawings.
const MAX_DEPTH: usize = 8;
/// `q` inside `q`.
const MAX_SAVED: usize = 256;
/// Operands of one operator; longer lists are arrays.
const MAX_OPERANDS: usize = 64;
/// Strings of one page.
const MAX_FRAGMENTS: usize = 400_000;
/// Letters that a font keeps for itself: one may be a bullet, several are text.
const PRIVATE_USE: std::ops::RangeInclusive<char> = '\u{E000}'..='\u{F8FF}';

#[derive(Clone)]
struct State {
    ctm: Matrix,
    font: Option<Rc<Font>>,
    size: f64,
    char_space: f64,
    word_space: f64,
    scale: f64,
    leading: f64,
    rise: f64,
}

/// Draws pages; keeps fonts, and which streams were drawn.
pub(super) struct Painter<'f, 'e> {
    file: &'f PdfFile<'f>,
    pub(super) extraction: &'e mut Extraction,
    fonts: HashMap<u32, Option<Rc<Font>>>,
    pub(super) drawn: HashSet<u32>,
    pub(super) fragments: Vec<Fragment>,
}

/// One content stream being drawn.
struct Drawing<'p, 'f, 'e> {
    painter: &'p mut Painter<'f, 'e>,
    resources: Option<&'f Dict>,
    depth: usize,
    state: State,
    saved: Vec<State>,
    text: Matrix,
    line: Matrix,
    shapes: Shapes,
    fonts: HashMap<Vec<u8>, Option<Rc<Font>>>,
}

impl<'f, 'e> Painter<'f, 'e> {
    pub(super) fn new(file: &'f PdfFile<'f>, extraction: &'e mut Extraction) -> Self {
        Self { file, extraction, fonts: HashMap::new(), drawn: HashSet::new(), fragments: Vec::new() }
    }

    /// Draws `content`; what cannot be read is noted.
    pub(super) fn draw(&mut self, content: &[u8], resources: Option<&'f Dict>, ctm: Matrix, depth: usize) {
        let state =
            State { ctm, font: None, size: 0.0, char_space: 0.0, word_space: 0.0, scale: 1.0, leading: 0.0, rise: 0.0 };
        let mut drawing = Drawing {
            painter: self,
            resources,
            depth,
            state,
            saved: Vec::new(),
            text: Matrix::IDENTITY,
            line: Matrix::IDENTITY,
            shapes: Shapes::default(),
            fonts: HashMap::new(),
        };
        if drawing.run(content).is_none() || drawing.shapes.may_be_letters() {
            self.extraction.note_unread();
        }
    }

    /// Draws a stream that is a drawing of its own.
    pub(super) fn draw_form(&mut self, number: u32, around: Option<&'f Dict>, ctm: Matrix, depth: usize) -> Option<()> {
        (depth <= MAX_DEPTH).then_some(())?;
        self.drawn.insert(number);
        let file = self.file;
        let (dict, content) = file.stream(number, self.extraction)?;
        let own = file.entry(dict, b"Matrix").and_then(Object::as_array).and_then(Matrix::from_operands);
        let ctm = own.unwrap_or(Matrix::IDENTITY).then(ctm);
        self.draw(&content, file.dict(dict, b"Resources").or(around), ctm, depth);
        Some(())
    }

    fn font(&mut self, object: &'f Object) -> Option<Rc<Font>> {
        let load = |painter: &mut Self| {
            let dict = painter.file.resolve(object).as_dict()?;
            Font::load(painter.file, dict, painter.extraction).map(Rc::new)
        };
        let Object::Reference(number) = object else { return load(self) };
        if let Some(known) = self.fonts.get(number) {
            return known.clone();
        }
        let font = load(self);
        self.fonts.insert(*number, font.clone());
        font
    }
}

impl<'f> Drawing<'_, 'f, '_> {
    /// `None` if something is malformed, or the work is more than the document is worth.
    fn run(&mut self, content: &[u8]) -> Option<()> {
        let mut lexer = Lexer::of_operators(content, content.len());
        let mut operands: Vec<Object> = Vec::new();
        loop {
            lexer.skip_space();
            if lexer.rest().is_empty() {
                let comments = String::from_utf8_lossy(&lexer.comments).into_owned();
                self.painter.extraction.push(comments);
                return Some(());
            }
            match lexer.object()? {
                Object::Keyword(operator) => {
                    self.painter.extraction.spend(1 + operands.len()).then_some(())?;
                    if operator == b"BI" {
                        return None;
                    }
                    self.operate(&operator, &operands)?;
                    operands.clear();
                }
                operand => {
                    operands.push(operand);
                    (operands.len() <= MAX_OPERANDS).then_some(())?;
                }
            }
        }
    }

    fn operate(&mut self, operator: &[u8], operands: &[Object]) -> Option<()> {
        let number = |index: usize| operands.get(index).and_then(Object::as_number);
        match operator {
            b"q" => {
                (self.saved.len() < MAX_SAVED).then_some(())?;
                self.saved.push(self.state.clone());
            }
            // One too many ends nothing.
            b"Q" => {
                if let Some(state) = self.saved.pop() {
                    self.state = state;
                }
            }
            b"cm" => self.state.ctm = Matrix::from_operands(operands)?.then(self.state.ctm),
            b"BT" => (self.text, self.line) = (Matrix::IDENTITY, Matrix::IDENTITY),
            b"Tf" => self.set_font(operands)?,
            b"Tc" => self.state.char_space = number(0)?,
            b"Tw" => self.state.word_space = number(0)?,
            b"Tz" => self.state.scale = number(0)? / 100.0,
            b"TL" => self.state.leading = number(0)?,
            b"Ts" => self.state.rise = number(0)?,
            b"Td" => self.next_line(number(0)?, number(1)?),
            b"TD" => {
                self.state.leading = -number(1)?;
                self.next_line(number(0)?, number(1)?);
            }
            b"Tm" => {
                self.line = Matrix::from_operands(operands)?;
                self.text = self.line;
            }
            b"T*" => self.next_line(0.0, -self.state.leading),
            b"Tj" => self.show(operands.first()?.as_text()?)?,
            b"'" => {
                self.next_line(0.0, -self.state.leading);
                self.show(operands.first()?.as_text()?)?;
            }
            b"\"" => {
                self.state.word_space = number(0)?;
                self.state.char_space = number(1)?;
                self.next_line(0.0, -self.state.leading);
                self.show(operands.get(2)?.as_text()?)?;
            }
            b"TJ" => self.show_spaced(operands.first()?.as_array()?)?,
            b"Do" => self.draw_named(operands.first()?.as_name()?)?,
            b"gs" => self.set_graphics_state(operands.first()?.as_name()?),
            b"BDC" | b"DP" => self.marked(operands),
            _ => self.shapes.note(operator, operands),
        }
        Some(())
    }

    fn resource(&self, kind: &[u8], name: &[u8]) -> Option<&'f Object> {
        let file = self.painter.file;
        file.dict(self.resources?, kind)?.get(name)
    }

    fn set_font(&mut self, operands: &[Object]) -> Option<()> {
        let [Object::Name(name), Object::Number(size)] = operands else { return None };
        self.state.size = *size;
        if let Some(known) = self.fonts.get(name) {
            self.state.font.clone_from(known);
            return Some(());
        }
        let font = self.resource(b"Font", name).and_then(|font| self.painter.font(font));
        self.fonts.insert(name.clone(), font.clone());
        self.state.font = font;
        Some(())
    }

    fn set_graphics_state(&mut self, name: &[u8]) {
        let file = self.painter.file;
        let state = self.resource(b"ExtGState", name).and_then(|state| file.resolve(state).as_dict());
        let Some(font) = state.and_then(|state| file.entry(state, b"Font")).and_then(Object::as_array) else { return };
        self.state.font = font.first().and_then(|font| self.painter.font(font));
        self.state.size = font.get(1).and_then(Object::as_number).unwrap_or_default();
    }

    fn next_line(&mut self, x: f64, y: f64) {
        self.line = Matrix::shift(x, y).then(self.line);
        self.text = self.line;
    }

    fn show_spaced(&mut self, items: &[Object]) -> Option<()> {
        self.painter.extraction.spend(items.len()).then_some(())?;
        for item in items {
            match item {
                Object::Text(text) => self.show(text)?,
                Object::Number(back) => {
                    let shift = -back / 1000.0 * self.state.size * self.state.scale;
                    self.text = Matrix::shift(shift, 0.0).then(self.text);
                }
                _ => return None,
            }
        }
        Some(())
    }

    fn show(&mut self, bytes: &[u8]) -> Option<()> {
        self.painter.extraction.spend(bytes.len()).then_some(())?;
        (self.painter.fragments.len() < MAX_FRAGMENTS).then_some(())?;
        let Some(font) = self.state.font.clone() else {
            // Without a font the bytes may say anything; what is plain text in them still counts.
            self.painter.extraction.note_unread();
            self.painter.extraction.push(String::from_utf8_lossy(bytes).into_owned());
            return Some(());
        };
        let state = &self.state;
        let (mut shown, mut advance) = (String::new(), 0.0);
        let (mut has_unmapped, mut num_private) = (false, 0);
        font.decode(bytes, |text, width, is_space| {
            let space = state.char_space + if is_space { state.word_space } else { 0.0 };
            advance += (width * state.size + space) * state.scale;
            has_unmapped |= text.is_none_or(|text| text.is_empty() || text.contains(['\0', '\u{FFFD}']));
            num_private += text.map_or(0, |text| text.chars().filter(|char| PRIVATE_USE.contains(char)).count());
            shown.push_str(text.unwrap_or_default());
        });
        if has_unmapped || num_private > 1 {
            self.painter.extraction.note_unread();
        }
        let start =
            Matrix([state.size * state.scale, 0.0, 0.0, state.size, 0.0, state.rise]).then(self.text).then(state.ctm);
        self.text = Matrix::shift(advance, 0.0).then(self.text);
        let end = Matrix::shift(0.0, state.rise).then(self.text).then(state.ctm);
        self.painter.fragments.push(Fragment::new(shown, start, end));
        Some(())
    }

    fn draw_named(&mut self, name: &[u8]) -> Option<()> {
        let object = self.resource(b"XObject", name)?;
        let Object::Reference(number) = object else { return None };
        let file = self.painter.file;
        match file.entry(file.resolve(object).as_dict()?, b"Subtype")?.as_name()? {
            b"Form" => self.painter.draw_form(*number, self.resources, self.state.ctm, self.depth + 1),
            // Images are found by the walk over all streams.
            b"Image" => Some(()),
            _ => None,
        }
    }

    /// A mark may carry the text that a program is to read instead.
    fn marked(&mut self, operands: &[Object]) {
        let Some(Object::Dict(properties)) = operands.get(1) else { return };
        for text in properties.values().filter_map(Object::as_text) {
            self.painter.extraction.push(pdf_strings::decode(text));
        }
    }
}
