//! What a stream's filters hide (ISO 32000-1, 7.4): those in use for text and structure. Others belong to images.

use super::extraction::Extraction;
use super::pdf_file::PdfFile;
use super::pdf_object::{Dict, Object, decode_hex, is_space};

const MAX_FILTERS: usize = 4;

/// The bytes of a stream, or `None` if they cannot be read.
pub(super) fn decode(file: &PdfFile<'_>, dict: &Dict, raw: &[u8], extraction: &mut Extraction) -> Option<Vec<u8>> {
    // Data in another file.
    if dict.contains_key(&b"F"[..]) || !extraction.spend(raw.len()) {
        return None;
    }
    let entry = |long: &[u8], short: &[u8]| dict.get(long).or_else(|| dict.get(short)).map(|it| file.resolve(it));
    if entry(b"DecodeParms", b"DP").is_some_and(|parameters| has_predictor(file, parameters)) {
        return None;
    }
    let filters: Vec<&[u8]> = match entry(b"Filter", b"") {
        None | Some(Object::Null) => Vec::new(),
        Some(Object::Name(name)) => vec![name],
        Some(Object::Array(names)) if names.len() <= MAX_FILTERS => {
            names.iter().map(|name| file.resolve(name).as_name()).collect::<Option<_>>()?
        }
        Some(_) => return None,
    };
    let mut data = None;
    for filter in filters {
        let source = data.as_deref().unwrap_or(raw);
        let decoded = match filter {
            b"FlateDecode" | b"Fl" => extraction.inflate(source)?,
            b"ASCII85Decode" | b"A85" => ascii_85(source)?,
            b"ASCIIHexDecode" | b"AHx" => ascii_hex(source)?,
            _ => return None,
        };
        extraction.spend(source.len()).then_some(())?;
        data = Some(decoded);
    }
    match data {
        Some(data) => Some(data),
        None => extraction.take_inflated(raw.len()).then(|| raw.to_vec()),
    }
}

fn has_predictor(file: &PdfFile<'_>, parameters: &Object) -> bool {
    match parameters {
        Object::Null => false,
        Object::Dict(dict) => {
            dict.get(&b"Predictor"[..]).is_some_and(|predictor| file.resolve(predictor) != &Object::Number(1.0))
        }
        Object::Array(all) => all.iter().any(|one| match file.resolve(one) {
            Object::Array(_) => true,
            other => has_predictor(file, other),
        }),
        _ => true,
    }
}

fn ascii_hex(source: &[u8]) -> Option<Vec<u8>> {
    let end = memchr::memchr(b'>', source)?;
    is_blank(source.get(end + 1..)?).then(|| decode_hex(source.get(..end).unwrap_or_default()))?
}

fn ascii_85(source: &[u8]) -> Option<Vec<u8>> {
    let source = source.strip_prefix(b"<~").unwrap_or(source);
    let end = memchr::memchr(b'~', source)?;
    let (body, tail) = source.split_at(end);
    if !tail.starts_with(b"~>") || !is_blank(tail.get(2..)?) {
        return None;
    }
    let mut out = Vec::with_capacity(body.len() / 5 * 4 + 4);
    let (mut word, mut num_digits) = (0_u64, 0_usize);
    for &byte in body.iter().filter(|&&byte| !is_space(byte)) {
        match byte {
            b'z' if num_digits == 0 => out.extend_from_slice(&[0; 4]),
            b'!'..=b'u' => {
                word = word * 85 + u64::from(byte - b'!');
                num_digits += 1;
            }
            _ => return None,
        }
        if num_digits == 5 {
            out.extend_from_slice(&u32::try_from(word).ok()?.to_be_bytes());
            (word, num_digits) = (0, 0);
        }
    }
    if num_digits == 1 {
        return None;
    }
    if num_digits > 1 {
        for _ in num_digits..5 {
            word = word * 85 + 84;
        }
        let last = u32::try_from(word).ok()?.to_be_bytes();
        out.extend_from_slice(last.get(..num_digits - 1)?);
    }
    Some(out)
}

fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| is_space(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_filters_are_undone() {
        assert_eq!(ascii_85(b"87cUR\nD]i,\"Ebo80~>\n").as_deref(), Some(&b"Hello World!"[..]));
        assert_eq!(ascii_85(b"z~>").as_deref(), Some(&[0; 4][..]));
        assert_eq!(ascii_85(b"87cUR"), None);
        assert_eq!(ascii_85(b"~> IIN"), None);
        assert_eq!(ascii_hex(b"48 656C 6C6F>").as_deref(), Some(&b"Hello"[..]));
        assert_eq!(ascii_hex(b"4X>"), None);
    }
}
