//! A text with dictated numbers as digits: "семьсот один" is 701, "жеті жүз бір" too, "double five" is 55. Made only
//! where so many numerals follow each other that they may be somebody's number.

use std::ops::Range;

use super::escapes::Decoded;
use super::number_words::{Numeral, first_numeral, numeral};
use super::offset_map::OffsetMap;
use super::tokens::Token;

/// Fewer digits in a row are nobody's number.
const MIN_DIGITS: usize = 6;
/// Of them as many words must be numerals; else the numbers stand in digits anyway.
const MIN_NUMERALS: usize = 2;
/// Bytes that may stand between two parts of one number.
const MAX_GAP: usize = 6;
/// Words between parts of one number that mean nothing.
const MAX_FILLERS: usize = 2;

/// One part of a dictated number.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    /// Bytes of the view.
    range: Range<usize>,
    /// Digits, or a plus.
    text: String,
}

/// The text of a view with its dictated numbers as digits, and the way back to the view; `None` when there is none.
pub(crate) fn decode(view: &[u8], tokens: &[Token]) -> Option<Decoded> {
    let mut decoded = Decoded { text: String::new(), map: OffsetMap::default() };
    let mut source = "";
    let mut copied = 0;
    let mut next = 0;
    while let Some(first) = next_numeral(view, tokens, next) {
        let dictation = Dictation::read(view, tokens, first);
        next = dictation.next.max(first + 1);
        if !dictation.is_a_number() {
            continue;
        }
        let Some(start) = dictation.parts.first().map(|part| part.range.start) else { continue };
        if source.is_empty() {
            source = std::str::from_utf8(view).unwrap_or_default();
        }
        decoded.copy(source, copied..start);
        for (index, part) in dictation.parts.iter().enumerate() {
            if index > 0 {
                decoded.map.atomic(decoded.text.len(), part.range.start..part.range.start + 1);
                decoded.text.push(' ');
            }
            decoded.map.atomic(decoded.text.len(), part.range.clone());
            decoded.text.push_str(&part.text);
            copied = part.range.end;
        }
    }
    if copied == 0 {
        return None;
    }
    decoded.copy(source, copied..view.len());
    Some(decoded)
}

/// The first token from `from` on that is a numeral.
fn next_numeral(view: &[u8], tokens: &[Token], from: usize) -> Option<usize> {
    let words = tokens.get(from..)?.iter().map(|token| view.get(token.range.clone()).unwrap_or_default());
    Some(from + first_numeral(words)?)
}

/// A run of numerals, digits and fillers.
struct Dictation {
    parts: Vec<Part>,
    /// The first token behind it.
    next: usize,
    num_numerals: usize,
    /// The number being put together: its value, where it stands, what may still be added to it.
    open: Option<(u32, Range<usize>, Room)>,
    /// How often the next digit stands, and where that was said.
    times: Option<(u32, usize)>,
}

/// What a number that is being put together can still take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Room {
    Nothing,
    Unit,
    TensAndUnit,
    Hundreds,
}

impl Dictation {
    fn read(view: &[u8], tokens: &[Token], first: usize) -> Self {
        let mut dictation = Self { parts: Vec::new(), next: first, num_numerals: 0, open: None, times: None };
        let first_at = tokens.get(first).map_or(0, |token| token.range.start);
        let mut end = dictation.digits_before(view, first_at);
        let mut fillers = 0;
        for (index, token) in tokens.iter().enumerate().skip(first) {
            let Some(gap) = view.get(end..token.range.start) else { break };
            if !dictation.digits_between(gap, end) {
                break;
            }
            if gap.iter().any(|byte| matches!(byte, b',' | b';' | b'.' | b'\n')) {
                dictation.close();
            }
            let Some(meaning) = view.get(token.range.clone()).and_then(numeral) else { break };
            if meaning == Numeral::Filler {
                fillers += 1;
                if fillers > MAX_FILLERS {
                    break;
                }
            } else {
                fillers = 0;
                dictation.num_numerals += 1;
                dictation.add(meaning, token.range.clone());
            }
            end = token.range.end;
            dictation.next = index + 1;
        }
        dictation.close();
        // What follows in digits belongs to it: "восемь семьсот один 123 45 67".
        let rest = view.get(end..).unwrap_or_default();
        let reach = rest.iter().position(|&byte| !is_gap(byte) && !byte.is_ascii_digit()).unwrap_or(rest.len());
        dictation.digits_between(rest.get(..reach).unwrap_or_default(), end);
        dictation
    }

    /// Digits directly before the first word belong to the number; returns where the word begins.
    fn digits_before(&mut self, view: &[u8], at: usize) -> usize {
        const REACH: usize = 24;
        let from = at.saturating_sub(REACH);
        let before = view.get(from..at).unwrap_or_default();
        let len = before.iter().rev().take_while(|&&byte| is_gap(byte) || byte.is_ascii_digit()).count();
        self.digits_between(before.get(before.len() - len..).unwrap_or_default(), at - len);
        at
    }

    /// Takes the digits of a gap as parts. False when the gap parts two numbers.
    fn digits_between(&mut self, gap: &[u8], from: usize) -> bool {
        let mut silent = 0;
        let mut at = 0;
        while let Some(&byte) = gap.get(at) {
            if byte.is_ascii_digit() {
                let len = gap.get(at..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit()).count();
                self.close();
                let text = gap.get(at..at + len).and_then(|digits| std::str::from_utf8(digits).ok());
                self.parts.push(Part { range: from + at..from + at + len, text: text.unwrap_or_default().to_owned() });
                at += len;
                silent = 0;
            } else {
                silent += 1;
                if !is_gap(byte) || silent > MAX_GAP {
                    return false;
                }
                at += 1;
            }
        }
        true
    }

    fn add(&mut self, numeral: Numeral, range: Range<usize>) {
        let (value, room) = match numeral {
            Numeral::Unit(value) => (value, Room::Nothing),
            Numeral::Teen(value) => (value, Room::Nothing),
            Numeral::Tens(value) => (value, Room::Unit),
            Numeral::Hundreds(value) => (value, Room::TensAndUnit),
            Numeral::Hundred => return self.hundred(range),
            Numeral::Thousand => return self.thousand(range),
            Numeral::Times(times) => {
                self.close();
                self.times = Some((times, range.start));
                return;
            }
            Numeral::Plural(value) => return self.plural(value, range),
            Numeral::Plus => {
                self.close();
                self.parts.push(Part { range, text: "+".to_owned() });
                return;
            }
            Numeral::Filler => return,
        };
        match &mut self.open {
            Some((sum, at, open)) if fits(*open, numeral) => {
                *sum += value;
                at.end = range.end;
                *open = room;
            }
            _ => {
                self.close();
                self.open = Some((value, range, room));
            }
        }
    }

    /// "жеті жүз", "seven hundred".
    fn hundred(&mut self, range: Range<usize>) {
        match &mut self.open {
            // "төрт мың үш жүз": of four thousand and three only the three is hundreds.
            Some((sum, at, open)) if (1..=9).contains(&(*sum % 1_000)) => {
                *sum += *sum % 1_000 * 99;
                at.end = range.end;
                *open = Room::TensAndUnit;
            }
            _ => {
                self.close();
                self.open = Some((100, range, Room::TensAndUnit));
            }
        }
    }

    /// "четыре тысячи", "төрт мың".
    fn thousand(&mut self, range: Range<usize>) {
        if let Some((sum @ 1..=999, at, open)) = &mut self.open {
            *sum *= 1_000;
            at.end = range.end;
            *open = Room::Hundreds;
        } else {
            self.close();
            self.open = Some((1_000, range, Room::Hundreds));
        }
    }

    /// "три семёрки".
    fn plural(&mut self, value: u32, range: Range<usize>) {
        let times = match self.open.take() {
            Some((times @ 2..=6, at, Room::Nothing)) => {
                self.parts.push(Part { range: at.start..range.end, text: value.to_string().repeat(times as usize) });
                return;
            }
            other => other,
        };
        self.open = times;
        self.close();
        self.parts.push(Part { range, text: value.to_string() });
    }

    fn close(&mut self) {
        let Some((value, range, _)) = self.open.take() else { return };
        let (times, start) = self.times.take().filter(|_| value < 10).unwrap_or((1, range.start));
        self.parts.push(Part { range: start..range.end, text: value.to_string().repeat(times as usize) });
    }

    fn is_a_number(&self) -> bool {
        let digits: usize = self.parts.iter().map(|part| part.text.bytes().filter(u8::is_ascii_digit).count()).sum();
        self.num_numerals >= MIN_NUMERALS && digits >= MIN_DIGITS
    }
}

fn fits(room: Room, numeral: Numeral) -> bool {
    match numeral {
        Numeral::Unit(1..) => room >= Room::Unit,
        Numeral::Tens(_) | Numeral::Teen(_) => room >= Room::TensAndUnit,
        Numeral::Hundreds(_) => room == Room::Hundreds,
        _ => false,
    }
}

/// What may stand between the parts of one dictated number.
const fn is_gap(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b',' | b'.' | b'-' | b'(' | b')' | b';' | b'/' | b'+' | b':')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pii::detector::views::normalize::View;
    use crate::pii::detector::views::tokens::tokens;

    fn decoded(source: &str) -> Option<String> {
        let view = View::new(source);
        decode(view.bytes(), &tokens(&view)).map(|decoded| decoded.text)
    }

    #[test]
    fn dictated_numbers_become_digits() {
        for (source, expected) in [
            ("тел восемь семьсот один сто двадцать три сорок пять шестьдесят семь, да", "тел 8 701 123 45 67, да"),
            ("девять ноль один один два три три ноль ноль два пять восемь", "9 0 1 1 2 3 3 0 0 2 5 8"),
            ("сегіз жеті жүз бір жүз жиырма үш қырық бес алпыс жеті", "8 701 123 45 67"),
            ("plus seven seven oh one double five three one two three four", "+ 7 7 0 1 55 3 1 2 3 4"),
            ("seven hundred one, one hundred twenty three, forty five", "701 123 45"),
            ("8 семьсот один 123-45-67", "8 701 123 45 67"),
            ("восемь, семьсот семь, и потом три семёрки, два нуля", "8 707 777 00"),
            ("он бір отыз екі елу бес", "11 32 55"),
            ("төрт мың төрт жүз, төрт мың үш жүз бес, екі мың тоқсан, алты мың бір жүз он екі", "4400 4305 2090 6112"),
            ("четыре тысячи четыреста, пять тысяч один, семьсот", "4400 5001 700"),
            ("triple seven, one two three", "777 1 2 3"),
        ] {
            assert_eq!(decoded(source).as_deref(), Some(expected), "{source}");
        }
    }

    #[test]
    fn ordinary_counting_stays() {
        for source in
            ["один два три", "купил пять яблок и шесть груш, семь слив", "two or three of them", "он сказал два слова"]
        {
            assert_eq!(decoded(source), None, "{source}");
        }
    }

    #[test]
    fn offsets_lead_back() {
        let view = View::new("я: Семьсот Один один два три");
        let decoded = decode(view.bytes(), &tokens(&view));
        let range = decoded.map(|decoded| {
            let at = decoded.text.find("701").unwrap_or(0);
            view.source_range(decoded.map.source_range(at..at + 3))
        });
        assert_eq!(range, Some("я: ".len().."я: Семьсот Один".len()));
    }
}
