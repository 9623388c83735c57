//! Groups one below the other, over as many pages as they need. A page that is full is compressed and done with; what stands
//! at its foot is written when the number of pages is known.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::{Content, Name, Settings, Str};

use super::PdfError;
use super::embedding::Embedded;
use super::group::{Area, Group, Item};
use super::typeface::{Style, Typefaces, Weight};
use super::wrap::{Align, Paragraph};

/// A4, in points.
const SHORT_SIDE: f32 = 595.28;
const LONG_SIDE: f32 = 841.89;
/// 14 mm where papers are bound, 10 mm elsewhere.
const LEFT: f32 = 40.0;
const RIGHT: f32 = 28.0;
const TOP: f32 = 28.0;
const BOTTOM: f32 = 38.0;
/// From the lower edge to the top of what stands at the foot.
const FOOT: f32 = 28.0;
const FOOT_STYLE: Style = Style::regular(7.0);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paper {
    Portrait,
    Landscape,
}

impl Paper {
    /// Width and height.
    pub(super) const fn size(self) -> [f32; 2] {
        match self {
            Self::Portrait => [SHORT_SIDE, LONG_SIDE],
            Self::Landscape => [LONG_SIDE, SHORT_SIDE],
        }
    }

    /// Between the margins.
    pub(super) const fn width(self) -> f32 {
        self.size()[0] - LEFT - RIGHT
    }

    pub(super) const fn height(self) -> f32 {
        self.size()[1] - TOP - BOTTOM
    }
}

/// Compressed content streams.
pub(super) struct Page {
    pub(super) paper: Paper,
    pub(super) body: Vec<u8>,
    pub(super) foot: Vec<u8>,
}

pub(super) struct Flow {
    typefaces: Typefaces,
    regular: Embedded,
    bold: Embedded,
    done: Vec<Page>,
    content: Content,
    paper: Paper,
    /// From the upper margin.
    y: f32,
}

impl Flow {
    pub(super) fn new(paper: Paper) -> Result<Self, PdfError> {
        Ok(Self {
            typefaces: Typefaces::load()?,
            regular: Embedded::default(),
            bold: Embedded::default(),
            done: Vec::new(),
            content: content(),
            paper,
            y: 0.0,
        })
    }

    pub(super) const fn typefaces(&self) -> &Typefaces {
        &self.typefaces
    }

    pub(super) const fn paper(&self) -> Paper {
        self.paper
    }

    pub(super) fn room(&self) -> f32 {
        self.paper.height() - self.y
    }

    pub(super) fn is_fresh(&self) -> bool {
        self.y == 0.0
    }

    /// Another page, on `paper`.
    pub(super) fn turn(&mut self, paper: Paper) -> Result<(), PdfError> {
        let content = std::mem::replace(&mut self.content, content());
        self.done.push(Page { paper: self.paper, body: compress(&content.finish())?, foot: Vec::new() });
        self.paper = paper;
        self.y = 0.0;
        Ok(())
    }

    /// Where there is room for it, on another page if need be.
    ///
    /// # Errors
    /// No page is high enough.
    pub(super) fn put(&mut self, group: &Group) -> Result<(), PdfError> {
        if group.height() > self.paper.height() {
            return Err(PdfError::TooTall);
        }
        if group.height() > self.room() && !self.is_fresh() {
            self.turn(self.paper)?;
        }
        self.place(group);
        Ok(())
    }

    /// Here.
    pub(super) fn place(&mut self, group: &Group) {
        let (left, top) = (LEFT, self.paper.size()[1] - TOP - self.y);
        for item in group.items() {
            self.draw(item, left, top);
        }
        self.y += group.height();
    }

    pub(super) fn space(&mut self, height: f32) {
        if !self.is_fresh() {
            self.y += height;
        }
    }

    /// All pages, each with `name` and its number at its foot.
    pub(super) fn finish(mut self, name: &str) -> Result<Set, PdfError> {
        self.turn(self.paper)?;
        let mut pages = std::mem::take(&mut self.done);
        let num_pages = pages.len();
        for (index, page) in pages.iter_mut().enumerate() {
            self.paper = page.paper;
            let mut foot = Group::default();
            let area = Area { left: 0.0, top: 0.0, width: page.paper.width() };
            foot.write(&self.typefaces, area, &Paragraph::new(FOOT_STYLE, name));
            let number = format!("{} из {num_pages}", index + 1);
            foot.write(&self.typefaces, area, &Paragraph::new(FOOT_STYLE, number).align(Align::Right));
            for item in foot.items() {
                self.draw(item, LEFT, FOOT);
            }
            page.foot = compress(&std::mem::replace(&mut self.content, content()).finish())?;
        }
        Ok(Set { pages, typefaces: self.typefaces, regular: self.regular, bold: self.bold })
    }

    fn draw(&mut self, item: &Item, left: f32, top: f32) {
        match item {
            Item::Text { left: x, baseline, style, text } => {
                let (name, embedded) = match style.weight {
                    Weight::Regular => (Name(b"R"), &mut self.regular),
                    Weight::Bold => (Name(b"B"), &mut self.bold),
                };
                let glyphs = embedded.encode(self.typefaces.of(style.weight), text);
                let place = [1.0, 0.0, 0.0, 1.0, rounded(left + x), rounded(top - baseline)];
                self.content.begin_text().set_font(name, rounded(style.size)).set_text_matrix(place);
                self.content.show(Str(&glyphs)).end_text();
            }
            Item::Rule { from, to, stroke } => {
                self.content.set_line_width(*stroke).move_to(rounded(left + from.x), rounded(top - from.y));
                self.content.line_to(rounded(left + to.x), rounded(top - to.y)).stroke();
            }
            Item::Frame { corner, width, height, stroke } => {
                let (x, y) = (rounded(left + corner.x), rounded(top - corner.y - height));
                self.content.set_line_width(*stroke).rect(x, y, rounded(*width), rounded(*height)).stroke();
            }
        }
    }
}

/// What a file is made of.
pub(super) struct Set {
    pub(super) pages: Vec<Page>,
    pub(super) typefaces: Typefaces,
    pub(super) regular: Embedded,
    pub(super) bold: Embedded,
}

fn content() -> Content {
    Content::with_settings(Settings { pretty: false })
}

/// Hundredths of a point are finer than any printer.
fn rounded(points: f32) -> f32 {
    (points * 100.0).round() / 100.0
}

pub(super) fn compress(bytes: &[u8]) -> Result<Vec<u8>, PdfError> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}
