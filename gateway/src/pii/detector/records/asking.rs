//! Each context word asks for its value: in the column under it, behind it, right before it.

use std::ops::Range;

use super::gap::{Gap, Place, Reach, Walk};
use super::marks::{ASKING, FOREIGN, Mark, Marks};
use super::table::Tables;
use super::{birth, date, diagnosis, document, plate, record, salary};
use crate::pii::detector::budget::Budget;
use crate::pii::detector::candidate::{Candidate, Found};
use crate::pii::detector::context::topics::{BIRTH, CARD, DIAGNOSIS, INCOME, MEDICAL_RECORD, MEDICINE, PLATE, SALARY};
use crate::pii::detector::numbers::digit_run::DigitRun;
use crate::pii::detector::text::Text;
use crate::pii::detector::views::normalize::{View, is_continuation, is_letter};

const DOCUMENTS: Reach = Reach { bytes: 120, words: 8, sentences: 1 };
const RECORDS: Reach = Reach { bytes: 96, words: 5, sentences: 0 };
/// What stands behind one key is seldom longer.
const MAX_VALUE: usize = 160;
/// Units of work that one question costs at most.
const WORK: usize = 4;
/// Values in a row behind one word.
const MAX_LIST: usize = 64;

/// Asks every word of `text`.
pub(super) fn scan(text: &Text<'_>, marks: &Marks, budget: &mut Budget, found: &mut Found) {
    let mut questions = Questions {
        view: text.view(),
        marks,
        run: DigitRun::default(),
        taken: Vec::new(),
        tables: Tables::new(text.view()),
    };
    if marks.given() & ASKING != 0 && text.bytes().len() <= MAX_VALUE {
        let key = Mark { range: 0..0, topics: marks.given() & ASKING, word: "key" };
        questions.cell(&key, 0..text.bytes().len(), found);
    }
    let mut unanswered = Vec::new();
    for mark in marks.list() {
        if !budget.spend(WORK) {
            return;
        }
        if !questions.ask(mark, found) {
            unanswered.push(mark);
        }
    }
    for mark in unanswered {
        questions.ask_before(mark, found);
    }
}

struct Questions<'t, 'v> {
    view: &'t View<'v>,
    marks: &'t Marks,
    run: DigitRun,
    /// What has been found, by position.
    taken: Vec<Range<usize>>,
    tables: Tables,
}

impl Questions<'_, '_> {
    /// Whether the word has got its value, or cannot have one before it.
    fn ask(&mut self, mark: &Mark, found: &mut Found) -> bool {
        if mark.topics & ASKING == 0 {
            return !self.is_patients_card(mark) || self.record_behind_card(mark, found);
        }
        let cells = self.tables.cells(self.view, &mark.range);
        if !cells.is_empty() {
            for cell in cells {
                self.cell(mark, cell, found);
            }
            return true;
        }
        if mark.topics & BIRTH != 0
            && let Some(date) = birth::read(self.view, self.marks, mark, &mut self.run)
        {
            found.push(date);
            return true;
        }
        if mark.topics & (SALARY | INCOME) != 0 {
            if let Some(pay) = salary::read(self.view, self.marks, mark, &mut self.run, found) {
                found.push(pay);
            }
            return true;
        }
        if mark.topics & DIAGNOSIS != 0 {
            diagnosis::read(self.view, self.marks, mark, found);
            return true;
        }
        self.behind(mark, found)
    }

    /// The first value behind the word, and those that follow it in a list.
    fn behind(&mut self, mark: &Mark, found: &mut Found) -> bool {
        let reach = if mark.topics & (document::TOPICS | PLATE) != 0 { DOCUMENTS } else { RECORDS };
        let mut walk = Walk::new(self.view, self.marks, mark.range.end, reach);
        for _ in 0..4 {
            let Some(place) = walk.next_place() else {
                return false;
            };
            if let Some(candidate) = self.value(mark, &place) {
                self.list(mark, candidate, found);
                return true;
            }
            let Some(end) = date::date_end(self.view.bytes(), place.at, &mut self.run) else {
                return false;
            };
            walk.skip_to(end);
        }
        false
    }

    fn value(&mut self, mark: &Mark, place: &Place) -> Option<Candidate> {
        if mark.topics & document::TOPICS != 0
            && let Some(document) = document::read(self.view, mark, place, &mut self.run)
        {
            let is_sure = document.is_specific || place.gap.sentences == 0;
            return is_sure.then_some(document.candidate);
        }
        if mark.topics & PLATE != 0
            && let Some(plate) = plate::read(self.view, mark, place.at)
        {
            return Some(plate);
        }
        // "Абонент:" says who speaks in a transcript.
        let is_speaker = mark.word == "абонент" && self.view.bytes().get(mark.range.end) == Some(&b':');
        let is_record = mark.topics & record::TOPICS != 0 && place.gap.sentences == 0 && !is_speaker;
        let record = is_record.then(|| record::read(self.view, mark, place, &mut self.run)).flatten();
        let is_own = place.gap.is_marked && place.gap.words == 0;
        record.filter(|record| is_own || !self.is_of_next(record))
    }

    /// Takes a value and those behind it that only commas and "и" part from it.
    fn list(&mut self, mark: &Mark, first: Candidate, found: &mut Found) {
        let mut next = Some(first);
        for _ in 0..MAX_LIST {
            let Some(candidate) = next else {
                return;
            };
            let end = candidate.range.end;
            self.taken.push(candidate.range.clone());
            found.push(candidate);
            next = self.next_in_list(mark, end);
        }
    }

    fn next_in_list(&mut self, mark: &Mark, end: usize) -> Option<Candidate> {
        let at = behind_comma(self.view.bytes(), end)?;
        let gap = Gap { is_marked: true, ..Gap::default() };
        let mark = Mark { range: end..end, ..mark.clone() };
        if self.marks.next(end).is_some_and(|next| next.range.start < at) {
            return None;
        }
        self.value(&mark, &Place { at, gap })
    }

    /// The value in a cell or under a key.
    fn cell(&mut self, mark: &Mark, cell: Range<usize>, found: &mut Found) {
        if mark.topics & DIAGNOSIS != 0 {
            found.candidates.extend(diagnosis::read_cell(self.view, mark, cell));
            return;
        }
        let mark = Mark { range: cell.start..cell.start, ..mark.clone() };
        let Some(at) = first_code(self.view.bytes(), cell.clone()) else {
            return;
        };
        let place = Place { at, gap: Gap { is_marked: true, ..Gap::default() } };
        let value = if mark.topics & BIRTH != 0 {
            birth::read_cell(self.view, &mark, cell, &mut self.run)
        } else if mark.topics & (SALARY | INCOME) != 0 {
            salary::read_at(self.view, &mark, place.at, &mut self.run)
        } else {
            self.value(&mark, &place)
        };
        if let Some(value) = value {
            self.taken.push(value.range.clone());
            found.push(value);
        }
    }

    /// The value right before the word: "№ 12345 шарты", "042118963 - номер удостоверения".
    fn ask_before(&mut self, mark: &Mark, found: &mut Found) {
        let end = if mark.topics & PLATE != 0 { Some(mark.range.start) } else { self.end_before(mark) };
        let value = end.and_then(|end| self.value_before(mark, end));
        let Some(value) = value.filter(|value| !self.is_taken(&value.range) && !self.is_of_other(value)) else {
            return;
        };
        self.taken.push(value.range.clone());
        self.taken.sort_by_key(|range| range.start);
        found.push(value);
    }

    fn value_before(&mut self, mark: &Mark, end: usize) -> Option<Candidate> {
        if mark.topics & record::TOPICS != 0 {
            return record::read_before(self.view, mark, end, &mut self.run);
        }
        if mark.topics & PLATE != 0 {
            return plate::read_before(self.view, mark);
        }
        let bytes = self.view.bytes();
        // From the left, so that letters and first groups are not lost.
        let floor = self.marks.previous(end).map_or(0, |previous| previous.range.end);
        let from = end.saturating_sub(40).max(floor);
        let starts = (from..end).filter(|&at| {
            let before = at.checked_sub(1).and_then(|at| bytes.get(at)).copied();
            bytes.get(at).is_some_and(|byte| byte.is_ascii_digit() || is_letter(*byte) && !is_continuation(*byte))
                && !before.is_some_and(|byte| is_letter(byte) || byte.is_ascii_digit())
        });
        let starts: Vec<_> = starts.collect();
        starts.into_iter().find_map(|at| {
            let place = Place { at, gap: Gap { is_marked: true, ..Gap::default() } };
            let here = Mark { range: at..at, ..mark.clone() };
            let document = document::read(self.view, &here, &place, &mut self.run)?;
            (document.candidate.range.end == end).then_some(document.candidate)
        })
    }

    /// Where the value ends that may stand before the word: two words and no stop between.
    fn end_before(&self, mark: &Mark) -> Option<usize> {
        const GAP: usize = 40;
        const WORDS: usize = 2;
        let bytes = self.view.bytes();
        let from = mark.range.start.saturating_sub(GAP);
        let before = bytes.get(from..mark.range.start)?;
        let digit = before.iter().rposition(u8::is_ascii_digit)?;
        let rest = bytes.get(from + digit..mark.range.start)?;
        // Letters may be the end of a code: "45-К".
        let code = rest.iter().take_while(|&&byte| is_letter(byte) || byte.is_ascii_digit() || byte == b'-').count();
        let code_end = if code > 1 && code < 8 && from + digit + code < mark.range.start {
            let tail = from + digit + 1..from + digit + code;
            if super::gap::is_upper(self.view, tail.clone()) && bytes.get(tail.end - 1) != Some(&b'-') {
                tail.end
            } else {
                tail.start
            }
        } else {
            from + digit + 1
        };
        let gap = bytes.get(code_end..mark.range.start)?;
        if gap.iter().any(|byte| matches!(byte, b',' | b'\n' | b'!' | b'?' | b'.' | b'{' | b'}' | b'[' | b'|')) {
            return points_back(gap).then_some(code_end);
        }
        let words = gap.split(|&byte| !is_letter(byte)).filter(|word| !word.is_empty() && !is_label(word)).count();
        let is_interrupted =
            self.marks.previous(mark.range.start).is_some_and(|previous| previous.range.start >= code_end);
        (words <= WORDS && !is_interrupted).then_some(code_end)
    }

    fn is_taken(&self, range: &Range<usize>) -> bool {
        self.taken.iter().rev().take(MAX_LIST).any(|taken| taken.start < range.end && range.start < taken.end)
    }

    /// Whether a word right before the value has it: "заказ 12345678 по договору".
    fn is_of_other(&self, value: &Candidate) -> bool {
        const NEAR: usize = 24;
        let before = self.marks.previous(value.range.start).filter(|mark| value.range.start - mark.range.end <= NEAR);
        before.is_some_and(|mark| {
            let gap = self.view.bytes().get(mark.range.end..value.range.start).unwrap_or_default();
            let is_parted =
                gap.iter().any(|byte| byte.is_ascii_digit() || matches!(byte, b',' | b'.' | b'!' | b'?' | b'\n'));
            mark.topics & FOREIGN != 0 && mark.topics & ASKING == 0 && !is_parted
        })
    }

    /// Whether the word right behind the value has it: "шарт бойынша 20457 тапсырысы".
    fn is_of_next(&self, value: &Candidate) -> bool {
        const NEAR: usize = 24;
        let bytes = self.view.bytes();
        let after = self.marks.next(value.range.end).filter(|mark| mark.range.start - value.range.end <= NEAR);
        after.is_some_and(|mark| {
            let gap = bytes.get(value.range.end..mark.range.start).unwrap_or_default();
            let own = bytes.get(mark.range.end..).unwrap_or_default();
            let is_parted =
                gap.iter().any(|byte| matches!(byte, b',' | b'.' | b'\n' | b'"' | b'|' | b'&' | b'=' | b'('));
            let has_own = own.iter().take(NEAR).any(u8::is_ascii_digit);
            mark.topics & FOREIGN != 0 && mark.topics & ASKING == 0 && !is_parted && !has_own
        })
    }

    /// "карта № 56120" in a text that speaks of a patient.
    fn is_patients_card(&self, mark: &Mark) -> bool {
        const NEAR: usize = 240;
        let is_card =
            mark.topics & CARD != 0 && ["карт", "card", "kart"].iter().any(|word| mark.word.starts_with(word));
        let around = mark.range.start.saturating_sub(NEAR)..mark.range.end + NEAR;
        is_card && self.marks.hints(around, MEDICINE).next().is_some()
    }

    fn record_behind_card(&mut self, mark: &Mark, found: &mut Found) -> bool {
        const LONGEST: usize = 24;
        let reach = Reach { bytes: 40, words: 2, sentences: 0 };
        let Some(place) = Walk::new(self.view, self.marks, mark.range.end, reach).next_place() else {
            return true;
        };
        let own = mark.range.clone();
        let mark = Mark { topics: MEDICAL_RECORD, ..mark.clone() };
        let value = record::read(self.view, &mark, &place, &mut self.run);
        let is_own = |value: &Candidate| {
            place.gap.is_marked || is_code_of_letters(self.view, own.end..value.range.start, &value.range)
        };
        if let Some(value) = value.filter(|value| is_own(value) && value.range.len() <= LONGEST) {
            self.taken.push(value.range.clone());
            found.push(value);
        }
        true
    }
}

/// "7741-Б", "ДП 7719" at once behind the word: no card of a bank is numbered so.
fn is_code_of_letters(view: &View<'_>, gap: Range<usize>, range: &Range<usize>) -> bool {
    const BRANDS: [&str; 6] = ["visa", "мир", "gold", "виза", "голд", "kzt"];
    let code = view.bytes().get(range.clone()).unwrap_or_default();
    let is_apart = view.bytes().get(gap).is_none_or(|gap| gap.iter().any(|&byte| is_letter(byte)));
    !is_apart
        && code.iter().any(|&byte| is_letter(byte))
        && !BRANDS.iter().any(|brand| code.starts_with(brand.as_bytes()))
}

/// What only says that a number is one: "042118963 - это номер моего удостоверения".
fn is_label(word: &[u8]) -> bool {
    ["это", "номер", "серия", "и", "мой", "моего", "моей", "мои", "number", "my"]
        .iter()
        .any(|label| label.as_bytes() == word)
}

/// "Вот номер: 9148637. Это договор": the next sentence says what the number was.
fn points_back(gap: &[u8]) -> bool {
    const POINTERS: [&str; 8] =
        [". это", ". это номер", ". бұл", ". this is", ". that is", ". it is", ". it's", ". осы"];
    let gap = gap.trim_ascii_end();
    POINTERS.iter().any(|pointer| pointer.as_bytes() == gap)
}

/// The first word of a cell that holds a digit or is joined to one.
fn first_code(view: &[u8], cell: Range<usize>) -> Option<usize> {
    let text = view.get(cell.clone())?;
    let digit = text.iter().position(u8::is_ascii_digit)?;
    let before = text.get(..digit)?.iter().rev();
    let joined = before.take_while(|&&byte| is_letter(byte) || matches!(byte, b'-' | b'/')).count();
    let start = cell.start + digit - joined;
    let skip = view.get(start..)?.iter().take_while(|&&byte| matches!(byte, b'-' | b'/')).count();
    Some(start + skip)
}

/// Where the next value of a list may begin: behind a comma, a line's end or "и".
fn behind_comma(view: &[u8], from: usize) -> Option<usize> {
    const JOINS: [&str; 8] = ["и ", "және ", "and ", "мен ", "или ", "немесе ", "or ", "# "];
    let rest = view.get(from..)?;
    let mut at =
        rest.iter().take(3).take_while(|byte| matches!(byte, b' ' | b',' | b';' | b'\n' | b'/' | b'"' | b'-')).count();
    let after = rest.get(at..)?;
    let join = JOINS.iter().find(|join| after.starts_with(join.as_bytes()));
    if at == 0 {
        return None;
    }
    at += join.map_or(0, |join| join.len());
    at += usize::from(rest.get(at) == Some(&b'#'));
    at += usize::from(rest.get(at) == Some(&b' '));
    let is_joined = join.is_some() || rest.get(..at)?.iter().any(|byte| matches!(byte, b',' | b';' | b'\n' | b'/'));
    let value = rest.get(at..)?;
    let len = value.iter().take(8).take_while(|&&byte| is_letter(byte)).count();
    (is_joined
        && len < 7
        && (value.get(len).is_some_and(|byte| byte.is_ascii_digit() || *byte == b'-' || *byte == b' ')))
    .then_some(from + at)
}
