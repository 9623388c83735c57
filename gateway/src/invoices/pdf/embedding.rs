//! A typeface inside a PDF: only the glyphs that the document shows, numbered in the order in which they first stand in it,
//! with their widths and the characters they are, so that the text can be searched and copied (ISO 32000-1, 9.7 and 9.10.3).

use std::collections::BTreeMap;

use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Filter, Finish, Name, Pdf, Rect, Ref, Str};
use sha2::{Digest, Sha256};
use subsetter::GlyphRemapper;

use super::PdfError;
use super::flow::compress;
use super::typeface::{Typeface, drawn};

const SYSTEM_INFO: SystemInfo<'static> =
    SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };
/// Of letters in a tag before a subset's name.
const TAG_LETTERS: usize = 6;
/// Nothing reads it, but a descriptor must have it; the usual guesses for a regular and a bold typeface.
const STEM_V: [f32; 2] = [80.0, 140.0];

/// What a document shows of a typeface.
#[derive(Debug, Default)]
pub(super) struct Embedded {
    remapper: GlyphRemapper,
    glyphs: BTreeMap<u16, Glyph>,
}

#[derive(Debug, Clone, Copy)]
struct Glyph {
    character: char,
    /// In thousandths of the size.
    width: f32,
}

impl Embedded {
    /// Two bytes for each glyph. Characters without one were replaced before (`legible`).
    pub(super) fn encode(&mut self, typeface: &Typeface, text: &str) -> Vec<u8> {
        let mut codes = Vec::with_capacity(text.len());
        for character in text.chars().map(drawn) {
            let Some(glyph) = typeface.glyph(character) else { continue };
            let code = self.remapper.remap(glyph.0);
            self.glyphs.entry(code).or_insert_with(|| Glyph { character, width: typeface.advance(glyph) });
            codes.extend(code.to_be_bytes());
        }
        codes
    }

    /// Writes the font and what it needs under `ids`.
    pub(super) fn write(&self, pdf: &mut Pdf, ids: FontRefs, typeface: &Typeface) -> Result<(), PdfError> {
        let subset = subsetter::subset(typeface.data(), 0, &self.remapper).map_err(|_| PdfError::Typeface)?;
        let face = typeface.face();
        let kind = if face.is_bold() { "Bold" } else { "Regular" };
        let name = format!("{}+Arimo-{kind}", tag(&subset));
        let name = Name(name.as_bytes());

        let mut font = pdf.type0_font(ids.font);
        font.base_font(name).encoding_predefined(Name(b"Identity-H"));
        font.descendant_font(ids.descendant).to_unicode(ids.to_unicode);
        font.finish();

        let mut descendant = pdf.cid_font(ids.descendant);
        descendant.subtype(CidFontType::Type2).base_font(name).system_info(SYSTEM_INFO);
        descendant.font_descriptor(ids.descriptor).cid_to_gid_map_predefined(Name(b"Identity"));
        descendant.widths().consecutive(1, self.glyphs.values().map(|glyph| glyph.width));
        descendant.finish();

        let per_unit = 1_000.0 / f32::from(face.units_per_em());
        let scaled = |units: i16| f32::from(units) * per_unit;
        let bounds = face.global_bounding_box();
        let mut descriptor = pdf.font_descriptor(ids.descriptor);
        descriptor.name(name).flags(FontFlags::SYMBOLIC).italic_angle(0.0);
        descriptor.bbox(Rect::new(
            scaled(bounds.x_min),
            scaled(bounds.y_min),
            scaled(bounds.x_max),
            scaled(bounds.y_max),
        ));
        descriptor.ascent(scaled(face.ascender())).descent(scaled(face.descender()));
        descriptor.cap_height(scaled(face.capital_height().unwrap_or_default()));
        descriptor.stem_v(STEM_V[usize::from(face.is_bold())]).font_file2(ids.file);
        descriptor.finish();

        let length = i32::try_from(subset.len()).map_err(|_| PdfError::TooLarge)?;
        let file = compress(&subset)?;
        pdf.stream(ids.file, &file).filter(Filter::FlateDecode).pair(Name(b"Length1"), length);

        let mut characters = UnicodeCmap::new(Name(b"Custom"), SYSTEM_INFO);
        for (code, glyph) in &self.glyphs {
            characters.pair(*code, glyph.character);
        }
        let characters = compress(&characters.finish())?;
        pdf.cmap(ids.to_unicode, &characters).filter(Filter::FlateDecode);
        Ok(())
    }
}

/// Where the parts of a font stand in a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct FontRefs {
    pub(super) font: Ref,
    descendant: Ref,
    descriptor: Ref,
    file: Ref,
    to_unicode: Ref,
}

impl FontRefs {
    pub(super) fn new(next: &mut Ref) -> Self {
        let [font, descendant, descriptor, file, to_unicode] = std::array::from_fn(|_| next.bump());
        Self { font, descendant, descriptor, file, to_unicode }
    }
}

/// Six letters that tell two subsets of one typeface apart.
fn tag(subset: &[u8]) -> String {
    let digest = Sha256::digest(subset);
    digest.iter().take(TAG_LETTERS).map(|byte| char::from(b'A' + byte % 26)).collect()
}
