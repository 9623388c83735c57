//! Character maps of fonts: from the codes of a string to Unicode (ISO 32000-1, 9.10.3).

use std::collections::HashMap;

use super::extraction::Extraction;
use super::pdf_object::{Lexer, Object};
use super::pdf_strings::utf_16;

/// Codes have at most two bytes here.
const MAX_CODE: u32 = 0xFFFF;
/// What an entry costs, compared with reading a byte.
const STEPS_PER_ENTRY: usize = 4;

/// The entries of a `ToUnicode` map, or `None` if it is malformed or larger than the document is worth.
pub(super) fn parse(data: &[u8], extraction: &mut Extraction) -> Option<HashMap<u32, String>> {
    let mut map = HashMap::new();
    let mut lexer = Lexer::of_operators(data, data.len());
    let mut operands: Vec<Object> = Vec::new();
    loop {
        lexer.skip_space();
        if lexer.rest().is_empty() {
            return Some(map);
        }
        match lexer.object()? {
            Object::Keyword(word) => {
                match word.as_slice() {
                    b"endbfchar" => characters(&operands, &mut map, extraction)?,
                    b"endbfrange" => ranges(&operands, &mut map, extraction)?,
                    b"usecmap" => return None,
                    _ => {}
                }
                operands.clear();
            }
            operand => operands.push(operand),
        }
    }
}

fn characters(operands: &[Object], map: &mut HashMap<u32, String>, extraction: &mut Extraction) -> Option<()> {
    extraction.spend(operands.len() * STEPS_PER_ENTRY).then_some(())?;
    for pair in operands.chunks(2) {
        let [code, text] = pair else { return None };
        // A glyph's name instead of its text is of no use.
        if let Some(text) = text.as_text() {
            map.insert(code_of(code)?, utf_16(text, u16::from_be_bytes));
        }
    }
    Some(())
}

fn ranges(operands: &[Object], map: &mut HashMap<u32, String>, extraction: &mut Extraction) -> Option<()> {
    for range in operands.chunks(3) {
        let [first, last, target] = range else { return None };
        let (first, last) = (code_of(first)?, code_of(last)?);
        let count = usize::try_from(last.checked_sub(first)?).ok()? + 1;
        extraction.spend(count * STEPS_PER_ENTRY).then_some(())?;
        match target {
            Object::Array(texts) => {
                for (code, text) in (first..=last).zip(texts) {
                    map.insert(code, utf_16(text.as_text()?, u16::from_be_bytes));
                }
            }
            Object::Text(text) => {
                let start = utf_16(text, u16::from_be_bytes);
                let mut prefix: Vec<char> = start.chars().collect();
                let last_char = prefix.pop()?;
                let prefix: String = prefix.into_iter().collect();
                for (step, code) in (first..=last).enumerate() {
                    let next = u32::try_from(step).ok().and_then(|step| char::from_u32(u32::from(last_char) + step));
                    map.insert(code, format!("{prefix}{}", next?));
                }
            }
            _ => return None,
        }
    }
    Some(())
}

fn code_of(object: &Object) -> Option<u32> {
    let code = object.as_text()?.iter().try_fold(0_u32, |code, &byte| {
        let code = code << 8 | u32::from(byte);
        (code <= MAX_CODE).then_some(code)
    });
    code.filter(|_| object.as_text().is_some_and(|bytes| !bytes.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(data: &str) -> Option<HashMap<u32, String>> {
        parse(data.as_bytes(), &mut Extraction::for_document(data.len()))
    }

    #[test]
    fn characters_and_ranges_are_mapped() {
        let map = parsed(
            "1 begincodespacerange <0000> <FFFF> endcodespacerange
             2 beginbfchar <0001> <0418> <0002> <0049004E> endbfchar
             2 beginbfrange <0010> <0012> <0030> <0020> <0021> [<0041> <0042>] endbfrange",
        )
        .unwrap();
        let at = |code: u32| map.get(&code).map(String::as_str);
        assert_eq!((at(1), at(2), at(0x11), at(0x21), at(9)), (Some("И"), Some("IN"), Some("1"), Some("B"), None));
    }

    #[test]
    fn ranges_without_end_are_refused() {
        let bomb = format!("1 beginbfrange {} endbfrange", "<0000> <FFFF> <0000> ".repeat(1_000));
        assert!(parsed(&bomb).is_none());
        assert!(parsed("beginbfrange <05> <01> <0000> endbfrange").is_none());
        assert!(parsed("beginbfchar <010203> <0000> endbfchar").is_none());
    }
}
