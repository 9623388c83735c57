//! The two typefaces of all papers, cut to what they need (`scripts/subset_invoice_fonts.py`): Arimo has the measures of the
//! Arial in which 1С prints, every letter of Kazakh, ₸, and digits of one width, so that sums stand in columns.

use ttf_parser::{Face, GlyphId};

use super::PdfError;

pub(super) const REGULAR: &[u8] = include_bytes!("fonts/Arimo-Regular.ttf");
pub(super) const BOLD: &[u8] = include_bytes!("fonts/Arimo-Bold.ttf");

/// Of the size: from the line's top to its base, and from line to line.
pub(super) const ASCENT: f32 = 0.92;
pub(super) const LEADING: f32 = 1.17;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    Bold,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Style {
    pub(super) weight: Weight,
    /// In points.
    pub(super) size: f32,
}

impl Style {
    pub(super) const fn regular(size: f32) -> Self {
        Self { weight: Weight::Regular, size }
    }

    pub(super) const fn bold(size: f32) -> Self {
        Self { weight: Weight::Bold, size }
    }
}

#[derive(Debug)]
pub(super) struct Typeface {
    face: Face<'static>,
    data: &'static [u8],
}

impl Typeface {
    fn parse(data: &'static [u8]) -> Result<Self, PdfError> {
        Ok(Self { face: Face::parse(data, 0).map_err(|_| PdfError::Typeface)?, data })
    }

    pub(super) fn face(&self) -> &Face<'static> {
        &self.face
    }

    pub(super) const fn data(&self) -> &'static [u8] {
        self.data
    }

    pub(super) fn glyph(&self, character: char) -> Option<GlyphId> {
        self.face.glyph_index(character)
    }

    /// Thousandths of the size.
    pub(super) fn advance(&self, glyph: GlyphId) -> f32 {
        let units = f32::from(self.face.glyph_hor_advance(glyph).unwrap_or(0));
        units * 1_000.0 / f32::from(self.face.units_per_em())
    }
}

#[derive(Debug)]
pub(super) struct Typefaces {
    regular: Typeface,
    bold: Typeface,
}

impl Typefaces {
    pub(super) fn load() -> Result<Self, PdfError> {
        Ok(Self { regular: Typeface::parse(REGULAR)?, bold: Typeface::parse(BOLD)? })
    }

    pub(super) const fn of(&self, weight: Weight) -> &Typeface {
        match weight {
            Weight::Regular => &self.regular,
            Weight::Bold => &self.bold,
        }
    }

    /// In points. Glyphs stand beside each other by their advances alone: no kerning, no ligatures.
    pub(super) fn width(&self, style: Style, text: &str) -> f32 {
        let typeface = self.of(style.weight);
        let advances = text.chars().filter_map(|character| typeface.glyph(drawn(character)));
        advances.map(|glyph| typeface.advance(glyph)).sum::<f32>() * style.size / 1_000.0
    }

    /// Both have a glyph for it.
    pub(super) fn cover(&self, character: char) -> bool {
        self.regular.glyph(drawn(character)).is_some() && self.bold.glyph(drawn(character)).is_some()
    }
}

/// A no-break space looks like a space, and whoever searches for a sum types a space.
pub(super) const fn drawn(character: char) -> char {
    if character == '\u{a0}' { ' ' } else { character }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_of_kazakh_and_the_sign_of_tenge_are_there() {
        let typefaces = Typefaces::load().unwrap();
        let letters = "аәбвгғдеёжзийкқлмнңоөпрстуұүфхһцчшщъыіьэюя";
        for character in letters.chars().chain(letters.to_uppercase().chars()).chain("₸№«»—–…≈“”’•×±\u{a0}".chars())
        {
            assert!(typefaces.cover(character), "{character}");
        }
        for character in (' '..='~').chain('¡'..='ſ').filter(|character| *character != '\u{ad}') {
            assert!(typefaces.cover(character), "{character}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_not_covered() {
        let typefaces = Typefaces::load().unwrap();
        for character in ['\u{ad}', '\u{200b}', '\u{200e}', '\u{202e}', '\u{2066}', '\u{feff}', '\u{301}', '\t'] {
            assert!(!typefaces.cover(character), "{character:?}");
        }
    }

    #[test]
    fn digits_have_one_width() {
        let typefaces = Typefaces::load().unwrap();
        for style in [Style::regular(8.0), Style::bold(8.0)] {
            let widths = ('0'..='9').map(|digit| typefaces.width(style, &digit.to_string()));
            assert!(widths.clone().all(|width| Some(width) == widths.clone().next()));
        }
    }
}
