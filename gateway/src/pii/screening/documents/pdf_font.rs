//! Fonts: what the bytes of a string say, and how wide that is drawn (ISO 32000-1, 9.6 to 9.10).

use std::collections::HashMap;

use super::extraction::Extraction;
use super::pdf_cmap;
use super::pdf_encoding::BaseEncoding;
use super::pdf_file::PdfFile;
use super::pdf_glyphs::text_of;
use super::pdf_object::{Dict, Object};

/// Of the fonts that programs bring along, those that hold symbols.
const SYMBOL_FONTS: [&[u8]; 4] = [b"Symbol", b"ZapfDingbats", b"Wingdings", b"Webdings"];
/// Entries of a table of widths.
const MAX_WIDTHS: usize = 1 << 16;
/// Widths are thousandths of the font's size, except in fonts that bring their own measure.
const PER_THOUSAND: f64 = 0.001;

pub(super) struct Font {
    texts: HashMap<u32, String>,
    num_code_bytes: usize,
    widths: HashMap<u32, f64>,
    default_width: Option<f64>,
    unit: f64,
}

impl Font {
    /// `None` if the font has no usable map to characters.
    pub(super) fn load(file: &PdfFile<'_>, dict: &Dict, extraction: &mut Extraction) -> Option<Self> {
        let told = match dict.get(&b"ToUnicode"[..]) {
            Some(Object::Reference(number)) => {
                let (_, data) = file.stream(*number, extraction)?;
                Some(pdf_cmap::parse(&data, extraction)?)
            }
            _ => None,
        };
        match file.entry(dict, b"Subtype")?.as_name()? {
            b"Type0" => Self::composite(file, dict, told?, extraction),
            b"Type1" | b"MMType1" | b"TrueType" | b"Type3" => Self::simple(file, dict, told, extraction),
            _ => None,
        }
    }

    fn composite(
        file: &PdfFile<'_>,
        dict: &Dict,
        texts: HashMap<u32, String>,
        extraction: &mut Extraction,
    ) -> Option<Self> {
        // Other encodings have codes of other lengths.
        let encoding = file.entry(dict, b"Encoding")?.as_name()?;
        matches!(encoding, b"Identity-H" | b"Identity-V").then_some(())?;
        let descendant = file.resolve(file.entry(dict, b"DescendantFonts")?.as_array()?.first()?).as_dict()?;
        let default_width = file.entry(descendant, b"DW").and_then(Object::as_number).unwrap_or(1_000.0);
        let widths = match file.entry(descendant, b"W") {
            Some(Object::Array(items)) => composite_widths(file, items, extraction)?,
            _ => HashMap::new(),
        };
        Some(Self { texts, num_code_bytes: 2, widths, default_width: Some(default_width), unit: PER_THOUSAND })
    }

    fn simple(
        file: &PdfFile<'_>,
        dict: &Dict,
        told: Option<HashMap<u32, String>>,
        extraction: &mut Extraction,
    ) -> Option<Self> {
        let encoding = file.entry(dict, b"Encoding");
        let own = encoding.and_then(Object::as_dict);
        let named = encoding.and_then(Object::as_name).or_else(|| file.entry(own?, b"BaseEncoding")?.as_name());
        let base = named.and_then(BaseEncoding::named).unwrap_or_else(|| implicit_encoding(file, dict));
        let differences = own.and_then(|own| file.entry(own, b"Differences")).and_then(Object::as_array);
        let differences = differences.unwrap_or_default();
        extraction.spend(u8::MAX.into()).then_some(())?;
        extraction.spend(differences.len()).then_some(())?;
        let built_in = match base {
            BaseEncoding::BuiltIn => built_in_texts(file, dict, extraction).unwrap_or_default(),
            _ => Vec::new(),
        };
        let mut texts: HashMap<u32, String> = base.texts(built_in, differences).into_iter().collect();
        texts.extend(told.unwrap_or_default());
        let first = file.entry(dict, b"FirstChar").and_then(Object::as_count).unwrap_or_default();
        let listed = file.entry(dict, b"Widths").and_then(Object::as_array).unwrap_or_default();
        let width =
            |(code, width): (usize, &Object)| Some((u32::try_from(code).ok()?, file.resolve(width).as_number()?));
        let widths = (first..).zip(listed.iter().take(usize::from(u8::MAX) + 1)).filter_map(width).collect();
        let matrix = file.entry(dict, b"FontMatrix").and_then(Object::as_array);
        let unit = matrix.and_then(|matrix| matrix.first()?.as_number()).unwrap_or(PER_THOUSAND);
        Some(Self { texts, num_code_bytes: 1, widths, default_width: None, unit })
    }

    /// Visits every character of a string: its text if it has one, its width in parts of the font's size, and whether it
    /// counts as a space between words.
    pub(super) fn decode(&self, bytes: &[u8], mut visit: impl FnMut(Option<&str>, f64, bool)) {
        for code in bytes.chunks(self.num_code_bytes) {
            let is_space = code == b" ";
            let is_whole = code.len() == self.num_code_bytes;
            let code = code.iter().fold(0_u32, |code, &byte| code << 8 | u32::from(byte));
            let text = self.texts.get(&code).filter(|_| is_whole).map(String::as_str);
            let listed = self.widths.get(&code).copied().or(self.default_width).map(|width| width * self.unit);
            visit(text, listed.unwrap_or_else(|| text.map_or(0.5, usual_width)), is_space);
        }
    }
}

/// Of a font that names none.
fn implicit_encoding(file: &PdfFile<'_>, dict: &Dict) -> BaseEncoding {
    let name = file.entry(dict, b"BaseFont").and_then(Object::as_name).unwrap_or_default();
    let is_symbolic = SYMBOL_FONTS.iter().any(|symbols| name.starts_with(symbols));
    let is_embedded = file.dict(dict, b"FontDescriptor").is_some_and(|descriptor| {
        [&b"FontFile"[..], b"FontFile2", b"FontFile3"].iter().any(|file| descriptor.contains_key(*file))
    });
    let is_drawn = file.entry(dict, b"CharProcs").is_some();
    if is_symbolic || is_embedded || is_drawn { BaseEncoding::BuiltIn } else { BaseEncoding::Standard }
}

/// What a Type 1 font program says of its own codes, before its encrypted part: `dup 65 /A put`.
fn built_in_texts(file: &PdfFile<'_>, dict: &Dict, extraction: &mut Extraction) -> Option<Vec<(u8, String)>> {
    let Object::Reference(number) = file.dict(dict, b"FontDescriptor")?.get(&b"FontFile"[..])? else { return None };
    let (_, program) = file.stream(*number, extraction)?;
    let clear = program.get(..memchr::memmem::find(&program, b"eexec")?)?;
    let encoding = clear.get(memchr::memmem::find(clear, b"/Encoding")?..)?;
    extraction.spend(encoding.len()).then_some(())?;
    let words: Vec<&[u8]> = encoding.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect();
    let entries = words.windows(4).filter_map(|entry| match entry {
        [b"dup", code, [b'/', name @ ..], b"put"] => {
            Some((std::str::from_utf8(code).ok()?.parse().ok()?, text_of(name)?))
        }
        _ => None,
    });
    Some(entries.collect())
}

/// `code [width width …]` and `first last width`, one behind the other.
fn composite_widths(file: &PdfFile<'_>, items: &[Object], extraction: &mut Extraction) -> Option<HashMap<u32, f64>> {
    extraction.spend(items.len()).then_some(())?;
    let mut widths = HashMap::new();
    let mut items = items.iter().map(|item| file.resolve(item));
    while let Some(first) = items.next() {
        let first = first.as_count()?;
        let listed: Vec<(usize, f64)> = match items.next()? {
            Object::Array(listed) => {
                (first..).zip(listed.iter().filter_map(|width| file.resolve(width).as_number())).collect()
            }
            last => {
                let (last, width) = (last.as_count()?, items.next()?.as_number()?);
                (first..=last).take(MAX_WIDTHS).map(|code| (code, width)).collect()
            }
        };
        extraction.spend(listed.len()).then_some(())?;
        for (code, width) in listed {
            widths.insert(u32::try_from(code).ok()?, width);
        }
    }
    Some(widths)
}

/// About as wide as in Helvetica: fonts that every program has come without widths.
fn usual_width(text: &str) -> f64 {
    match text.chars().next() {
        Some('i' | 'j' | 'l' | 't' | 'f' | 'I' | ' ' | '.' | ',' | ':' | ';' | '!' | '\'' | '|' | '/') => 0.27,
        Some('m' | 'w' | 'M' | 'W' | '@' | '%') => 0.85,
        Some(char) if char.is_uppercase() => 0.68,
        _ => 0.55,
    }
}
