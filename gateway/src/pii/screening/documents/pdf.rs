//! PDF files: every page and every drawing is read, and every stream of the file is accounted for.

use std::collections::HashSet;

use super::extraction::Extraction;
use super::markup;
use super::pdf_cmap;
use super::pdf_content::Painter;
use super::pdf_file::{PdfFile, type_of};
use super::pdf_layout::{self, Matrix};
use super::pdf_object::{Dict, Object};
use super::pdf_strings;

/// Resources may be named by a page's parents.
const MAX_PARENTS: usize = 32;
/// A map of a font that no string uses.
const CHARACTER_MAP: &[u8] = b"%!PS-Adobe-3.0 Resource-CMap";
/// Keys whose value is a stream that holds no text: programs of fonts, their maps, colour profiles.
const STRUCTURAL_KEYS: [&[u8]; 7] =
    [b"FontFile", b"FontFile2", b"FontFile3", b"ToUnicode", b"CIDToGIDMap", b"CIDSet", b"DestOutputProfile"];

/// Reads the whole file.
pub(super) fn read(bytes: &[u8], extraction: &mut Extraction) {
    let file = PdfFile::parse(bytes, extraction);
    if file.is_encrypted() {
        extraction.note_unread();
        return;
    }
    if file.is_unclear {
        extraction.note_unread();
    }
    pdf_strings::read(&file, extraction);
    let mut painter = Painter::new(&file, extraction);
    let pages = file.objects().filter_map(|(_, indirect)| indirect.object.as_dict());
    let pages: Vec<&Dict> = pages.filter(|dict| type_of(dict) == Some(b"Page")).collect();
    if pages.is_empty() {
        painter.extraction.note_unread();
    }
    for page in pages {
        if draw_page(&file, page, &mut painter).is_none() {
            painter.extraction.note_unread();
        }
        hand_out(&mut painter);
    }
    for (number, dict) in unseen_drawings(&file, &painter.drawn) {
        let is_drawn = painter.draw_form(number, file.dict(dict, b"Resources"), Matrix::IDENTITY, 0);
        if is_drawn.is_none() {
            painter.extraction.note_unread();
        }
        hand_out(&mut painter);
    }
    let drawn = painter.drawn;
    other_streams(&file, &drawn, extraction);
}

fn hand_out(painter: &mut Painter<'_, '_>) {
    let fragments = std::mem::take(&mut painter.fragments);
    for text in pdf_layout::texts(&fragments) {
        // A code page behind a Latin one shows as a row of accented letters.
        let mut row = 0;
        let is_mistaken = text.chars().any(|char| {
            row = if matches!(char, 'À'..='ÿ') { row + 1 } else { 0 };
            row >= 4
        });
        if is_mistaken {
            let bytes = text.chars().map(|char| u8::try_from(u32::from(char)).unwrap_or(b' '));
            painter.extraction.note_unread();
            painter.extraction.push(bytes.map(pdf_strings::windows_1251).collect());
        }
        painter.extraction.push(text);
    }
}

fn draw_page<'f>(file: &'f PdfFile<'f>, page: &'f Dict, painter: &mut Painter<'f, '_>) -> Option<()> {
    let mut content = Vec::new();
    let contents = match page.get(&b"Contents"[..]) {
        Some(reference @ Object::Reference(_)) => match file.resolve(reference) {
            Object::Array(parts) => parts.as_slice(),
            _ => std::slice::from_ref(reference),
        },
        Some(Object::Array(parts)) => parts,
        Some(_) => return None,
        None => &[],
    };
    for part in contents {
        let Object::Reference(number) = part else { return None };
        let (_, data) = file.stream(*number, painter.extraction)?;
        content.extend(data);
        content.push(b'\n');
        painter.drawn.insert(*number);
    }
    painter.draw(&content, resources(file, page), Matrix::IDENTITY, 0);
    let notes = file.entry(page, b"Annots").and_then(Object::as_array).unwrap_or_default();
    painter.extraction.spend(notes.len()).then_some(())?;
    for note in notes.iter().filter_map(|note| file.resolve(note).as_dict()) {
        draw_appearance(file, note, painter)?;
    }
    Some(())
}

/// What a note or a form field shows stands at its place on the page.
fn draw_appearance<'f>(file: &'f PdfFile<'f>, note: &'f Dict, painter: &mut Painter<'f, '_>) -> Option<()> {
    if file.entry(note, b"Subtype").and_then(Object::as_name) == Some(b"Ink") {
        painter.extraction.note_unread();
    }
    let corner = |index: usize| {
        let rect = file.entry(note, b"Rect")?.as_array()?;
        file.resolve(rect.get(index)?).as_number()
    };
    let place = Matrix::shift(corner(0).unwrap_or_default(), corner(1).unwrap_or_default());
    let Some(appearance) = file.dict(note, b"AP").and_then(|all| all.get(&b"N"[..])) else { return Some(()) };
    let states: Vec<&Object> = match (appearance, file.resolve(appearance)) {
        (Object::Reference(number), Object::Dict(dict)) if !file.is_stream(*number) => dict.values().collect(),
        (Object::Dict(dict), _) => dict.values().collect(),
        (reference, _) => vec![reference],
    };
    for state in states {
        match state {
            Object::Reference(number) => painter.draw_form(*number, None, place, 0)?,
            Object::Null => {}
            _ => return None,
        }
    }
    Some(())
}

fn resources<'f>(file: &'f PdfFile<'f>, page: &'f Dict) -> Option<&'f Dict> {
    let mut node = page;
    for _ in 0..MAX_PARENTS {
        if let Some(found) = file.dict(node, b"Resources") {
            return Some(found);
        }
        node = file.dict(node, b"Parent")?;
    }
    None
}

/// Drawings that no page names: patterns, appearances of other states, and what an editor left behind.
fn unseen_drawings<'f>(file: &'f PdfFile<'f>, drawn: &HashSet<u32>) -> Vec<(u32, &'f Dict)> {
    let streams = file.objects().filter(|(number, indirect)| indirect.is_stream() && !drawn.contains(number));
    let dicts = streams.filter_map(|(number, indirect)| Some((number, indirect.object.as_dict()?)));
    let is_drawing = |dict: &Dict| {
        let is_form = file.entry(dict, b"Subtype").and_then(Object::as_name) == Some(b"Form");
        is_form || dict.contains_key(&b"PatternType"[..]) && !dict.contains_key(&b"ShadingType"[..])
    };
    dicts.filter(|(_, dict)| is_drawing(dict)).collect()
}

/// Streams that are no drawings. Those that hold no text are known by what names them or by what they say of themselves;
/// metadata are text; everything else is unread, even where it can be shown as text.
fn other_streams(file: &PdfFile<'_>, drawn: &HashSet<u32>, extraction: &mut Extraction) {
    let mut structural = HashSet::new();
    for (_, indirect) in file.objects() {
        if name_structural(file, &indirect.object, &mut structural, extraction).is_none() {
            return;
        }
    }
    let hints = file.hints();
    for (number, indirect) in file.objects() {
        let Some(dict) = indirect.object.as_dict().filter(|_| indirect.is_stream()) else {
            if indirect.is_stream() {
                extraction.note_unread();
            }
            continue;
        };
        let kind = type_of(dict).unwrap_or_default();
        let is_known = drawn.contains(&number) || structural.contains(&number) || indirect.is_within(&hints);
        if is_known || matches!(kind, b"XRef" | b"ObjStm" | b"CMap") || dict.contains_key(&b"FunctionType"[..]) {
            continue;
        }
        let is_image = file.entry(dict, b"Subtype").and_then(Object::as_name) == Some(b"Image");
        let data = if is_image { None } else { file.stream(number, extraction).map(|(_, data)| data) };
        let Some(data) = data else {
            extraction.note_unread();
            continue;
        };
        if data.starts_with(CHARACTER_MAP) && pdf_cmap::parse(&data, extraction).is_some() {
            continue;
        }
        if kind != b"Metadata" {
            extraction.note_unread();
        }
        match String::from_utf8(data) {
            Ok(text) => markup::read(text, extraction),
            Err(_) => extraction.note_unread(),
        }
    }
}

/// Notes the numbers of streams that hold no text, unless that is more work than the document is worth. Nesting is bounded
/// by the lexer.
fn name_structural(
    file: &PdfFile<'_>,
    object: &Object,
    found: &mut HashSet<u32>,
    extraction: &mut Extraction,
) -> Option<()> {
    match object {
        Object::Dict(dict) => {
            for key in STRUCTURAL_KEYS {
                found.extend(dict.get(key).and_then(reference));
            }
            // Glyphs that a font draws itself are read through its map to characters.
            if let Some(glyphs) = file.dict(dict, b"CharProcs") {
                extraction.spend(glyphs.len()).then_some(())?;
                found.extend(glyphs.values().filter_map(reference));
            }
            dict.values().try_for_each(|value| name_structural(file, value, found, extraction))
        }
        Object::Array(items) => {
            if items.first().and_then(Object::as_name) == Some(b"ICCBased") {
                found.extend(items.get(1).and_then(reference));
            }
            items.iter().try_for_each(|item| name_structural(file, item, found, extraction))
        }
        _ => Some(()),
    }
}

fn reference(object: &Object) -> Option<u32> {
    if let Object::Reference(number) = object { Some(*number) } else { None }
}
