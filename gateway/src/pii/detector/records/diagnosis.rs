//! Diagnoses: codes of ICD-10 and diseases in words, beside a word of diagnosis. Somebody who asks what a code means
//! speaks of nobody.

use std::ops::Range;

use super::gap::{ends_sentence, sentence_around};
use super::icd::code_at;
use super::marks::{Mark, Marks};
use crate::pii::Entity;
use crate::pii::detector::candidate::{Candidate, Found, Strength};
use crate::pii::detector::context::topics::{DISEASE, MEANING};
use crate::pii::detector::views::normalize::{View, is_continuation, is_letter};

/// How far a code may stand from its word, and how long a diagnosis in words may be.
const REACH: usize = 96;
const MAX_WORDS: usize = 200;
const RULE: &str = "diagnosis/context";

/// What is said instead of a diagnosis, or goes on after one.
const NO_DIAGNOSIS: [&str; 60] = [
    "не",
    "нет",
    "неизвестен",
    "уточняется",
    "поставлен",
    "поставили",
    "поставила",
    "ставят",
    "ставит",
    "подтвердился",
    "подтвержден",
    "установлен",
    "был",
    "была",
    "и",
    "или",
    "по",
    "на",
    "в",
    "во",
    "с",
    "со",
    "от",
    "для",
    "что",
    "как",
    "это",
    "который",
    "врача",
    "врач",
    "пациента",
    "назначен",
    "назначена",
    "назначено",
    "рекомендовано",
    "лечение",
    "код",
    "null",
    "none",
    "is",
    "was",
    "and",
    "or",
    "of",
    "for",
    "the",
    "in",
    "not",
    "qoyyldy",
    "қойылды",
    "қойды",
    "жоқ",
    "және",
    "бар",
    "анықталды",
    "бойынша",
    "үшін",
    "unknown",
    "pending",
    "нужно",
];

/// The diagnoses of which `mark` speaks.
pub(super) fn read(view: &View<'_>, marks: &Marks, mark: &Mark, found: &mut Found) {
    let mut codes = Vec::new();
    codes_in(view, clause_reach(view, marks, mark), &mut codes);
    if codes.is_empty() {
        codes_in(view, clause_before(view, marks, mark), &mut codes);
    }
    let only_codes = ["мкб", "icd", "ахж", "on sick", "на больничн"].iter().any(|word| mark.word.starts_with(word));
    let words =
        if only_codes { None } else { words_after(view, marks, mark).or_else(|| words_before(view, marks, mark)) };
    if codes.is_empty() && words.is_none() {
        return;
    }
    let sentence = sentence_around(view, &mark.range);
    let is_question =
        marks.hints(sentence.clone(), MEANING).next().is_some() && !is_about_family(view.bytes().get(sentence));
    for range in codes.iter().chain(words.iter()) {
        let is_inside =
            words.as_ref().is_some_and(|words| words != range && words.start <= range.start && range.end <= words.end);
        if is_question {
            found.reject(Entity::Diagnosis, range.clone(), RULE, "somebody asks what a diagnosis means");
        } else if !is_inside {
            found.push(candidate(range.clone(), mark.word));
        }
    }
}

/// The diagnosis in one cell or under one key: a code, or all words of it.
pub(super) fn read_cell(view: &View<'_>, mark: &Mark, cell: Range<usize>) -> Option<Candidate> {
    let bytes = view.bytes();
    let is_word = |at: &usize| bytes.get(*at).is_some_and(|&byte| is_letter(byte) || byte.is_ascii_digit());
    let start = cell.clone().find(is_word)?;
    let end = cell.rev().find(is_word)? + 1;
    let is_real = end - start >= 3 && !is_listed(bytes, start..end);
    (is_real && end - start <= MAX_WORDS).then(|| candidate(start..end, mark.word))
}

fn candidate(range: Range<usize>, word: &'static str) -> Candidate {
    Candidate::new(Entity::Diagnosis, range, Strength::Context, RULE).beside(Some(word))
}

/// From the word to the end of its sentence or to the next word that has a value.
fn clause_reach(view: &View<'_>, marks: &Marks, mark: &Mark) -> Range<usize> {
    let bytes = view.bytes();
    let from = mark.range.end;
    let next = marks.next(from).map_or(usize::MAX, |mark| mark.range.start);
    let last = bytes.len().min(from + REACH).min(next);
    let ends = |at: usize| {
        bytes
            .get(at)
            .is_some_and(|&byte| matches!(byte, b'.' | b'!' | b'?' | b'\n') && ends_sentence(view, at, byte, 9))
    };
    from..(from..last).find(|&at| ends(at)).unwrap_or(last)
}

/// "Маған J48.3 деген диагноз қойды"
fn clause_before(view: &View<'_>, marks: &Marks, mark: &Mark) -> Range<usize> {
    const BEFORE: usize = 56;
    let bytes = view.bytes();
    let from = mark.range.start.saturating_sub(BEFORE);
    let from = marks.previous(mark.range.start).map_or(from, |previous| previous.range.end.max(from));
    let ends = |at: &usize| {
        bytes.get(*at).is_some_and(|&byte| {
            matches!(byte, b'.' | b'!' | b'?' | b'\n') && (byte == b'\n' || ends_sentence(view, *at, byte, 9))
        })
    };
    (from..mark.range.start).rev().find(ends).unwrap_or(from)..mark.range.start
}

fn codes_in(view: &View<'_>, reach: Range<usize>, codes: &mut Vec<Range<usize>>) {
    let bytes = view.bytes();
    let mut at = reach.start;
    while at < reach.end {
        let before = at.checked_sub(1).and_then(|before| bytes.get(before)).copied();
        let is_start = !before.is_some_and(|byte| is_letter(byte) || byte.is_ascii_digit());
        if is_start && let Some(code) = code_at(view, at) {
            at = code.end;
            codes.push(code);
        } else {
            at += 1;
        }
    }
}

/// "диагноз: сахарный диабет 2 типа", "диагнозом бронхиальная астма"
fn words_after(view: &View<'_>, marks: &Marks, mark: &Mark) -> Option<Range<usize>> {
    let bytes = view.bytes();
    let reach = clause_reach(view, marks, mark);
    let lead = bytes.get(reach.start..reach.end.min(reach.start + 48)).unwrap_or_default();
    let colon = lead
        .iter()
        .position(|byte| matches!(byte, b':' | b'='))
        .or_else(|| lead.windows(3).position(|bytes| bytes == b" - ").map(|at| at + 1));
    let is_clean = |at: usize| {
        !lead.get(..at).unwrap_or_default().iter().any(|byte| byte.is_ascii_digit() || matches!(byte, b',' | b'\n'))
    };
    if let Some(colon) = colon.filter(|&at| is_clean(at)) {
        let start = first_word(bytes, reach.start + colon + 1)?;
        let words = clause(view, marks, start);
        let is_code = code_at(view, start).is_some_and(|code| code.end == words.end);
        let is_asked = bytes.get(words.end..reach.end + 1).is_some_and(|rest| rest.contains(&b'?'));
        return (!is_code && !is_asked && is_said(bytes, &words)).then_some(words);
    }
    let start = behind_copula(bytes, first_word(bytes, reach.start)?);
    let disease = marks.hints(start..reach.end, DISEASE).next()?;
    let between = bytes.get(start..disease.range.start)?;
    let words_between = memchr::memchr_iter(b' ', between).count();
    let is_near = words_between <= 2 && !between.iter().any(|byte| matches!(byte, b',' | b'.' | b'?' | b'\n'));
    let is_asked = bytes.get(..reach.end + 1).is_some_and(|all| all.ends_with(b"?")) && !is_of_somebody(view, mark);
    let start = if is_near && words_between <= 2 && !is_listed(bytes, start..disease.range.start) {
        start
    } else {
        disease.range.start
    };
    let words = clause(view, marks, start);
    (is_near && !is_asked && is_said(bytes, &words)).then_some(words)
}

/// "Что значит диагноз C50.4 у моего отца?": who asks for somebody's sake tells it of him.
fn is_about_family(sentence: Option<&[u8]>) -> bool {
    const FAMILY: [&str; 20] = [
        " у меня",
        " у моего",
        " у моей",
        " у мамы",
        " у папы",
        " у отца",
        " у сына",
        " у дочери",
        " у мужа",
        " у жены",
        " у брата",
        " у сестры",
        " моему ",
        " моей ",
        " менің",
        " маған",
        " анам",
        " әкем",
        " балам",
        " my ",
    ];
    let sentence = sentence.unwrap_or_default();
    FAMILY.iter().any(|words| memchr::memmem::find(sentence, words.as_bytes()).is_some())
}

/// Whether the question that holds the mark speaks of a person.
fn is_of_somebody(view: &View<'_>, mark: &Mark) -> bool {
    const SOMEBODY: [&str; 23] = [
        "мне",
        "меня",
        "мой",
        "моей",
        "моего",
        "маме",
        "папе",
        "сын",
        "доч",
        "ребен",
        "муж",
        "жен",
        "маған",
        "менің",
        "my",
        "mother",
        "father",
        "i was",
        "пациент",
        "науқас",
        "patient",
        "больн",
        "клиент",
    ];
    let bytes = view.bytes();
    let mut from = mark.range.start.saturating_sub(REACH);
    while from > 0 && bytes.get(from).copied().is_some_and(is_continuation) {
        from -= 1;
    }
    let before = bytes.get(from..mark.range.end + 40).or_else(|| bytes.get(from..)).unwrap_or_default();
    SOMEBODY.iter().any(|word| memchr::memmem::find(before, word.as_bytes()).is_some())
}

/// "қант диабеті диагнозы қойылды"
fn words_before(view: &View<'_>, marks: &Marks, mark: &Mark) -> Option<Range<usize>> {
    const BEFORE: usize = 64;
    let bytes = view.bytes();
    let from = mark.range.start.saturating_sub(BEFORE);
    let disease = marks.hints(from..mark.range.start, DISEASE).next()?;
    let rest = bytes.get(disease.range.end..mark.range.start)?;
    let is_joined = !rest.iter().any(|byte| matches!(byte, b'.' | b',' | b'?' | b'!' | b':' | b'\n'));
    let words = memchr::memchr_iter(b' ', rest).count();
    let is_kazakh = mark.word.starts_with("диагноз") && bytes.get(mark.range.clone())?.len() > "диагноз".len()
        || mark.word == "diagnoz";
    let gap = rest.iter().rev().take_while(|byte| !is_letter(**byte) && !byte.is_ascii_digit()).count();
    (is_joined && words <= 2 && is_kazakh).then_some(disease.range.start..mark.range.start - gap)
}

/// "is", "of", "with"
fn behind_copula(view: &[u8], at: usize) -> usize {
    const COPULAS: [&str; 7] = ["is ", "was ", "of ", "with ", "это ", "с ", "as "];
    let rest = view.get(at..).unwrap_or_default();
    let copula = COPULAS.iter().find(|copula| rest.starts_with(copula.as_bytes()));
    at + copula.map_or(0, |copula| copula.len())
}

fn first_word(view: &[u8], from: usize) -> Option<usize> {
    const MARKS: usize = 6;
    let rest = view.get(from..)?;
    let skip = rest
        .iter()
        .take(MARKS)
        .take_while(|&&byte| !is_letter(byte) && !byte.is_ascii_digit() && byte != b'.' && byte != b',')
        .count();
    rest.get(skip).filter(|&&byte| is_letter(byte) || byte.is_ascii_digit()).map(|_| from + skip)
}

/// Whether the words say a diagnosis at all.
fn is_said(view: &[u8], words: &Range<usize>) -> bool {
    words.len() >= 6 && !is_listed(view, words.clone())
}

/// Whether the first word of a range is none of a diagnosis.
fn is_listed(view: &[u8], range: Range<usize>) -> bool {
    let rest = view.get(range).unwrap_or_default();
    let len = rest.iter().take_while(|&&byte| is_letter(byte)).count();
    let word = rest.get(..len).unwrap_or_default();
    len > 0 && NO_DIAGNOSIS.iter().any(|listed| listed.as_bytes() == word)
}

/// From `start` to where the diagnosis ends: the sentence, a bracket's other side, a comma before no disease, or a word
/// that goes on about something else.
fn clause(view: &View<'_>, marks: &Marks, start: usize) -> Range<usize> {
    let bytes = view.bytes();
    let last = bytes.len().min(start + MAX_WORDS).min(marks.next_personal(start));
    let last = (start..=last).rev().find(|&at| !bytes.get(at).copied().is_some_and(is_continuation)).unwrap_or(start);
    let mut at = start;
    let mut end = start;
    let mut open = 0_usize;
    while at < last {
        let byte = bytes.get(at).copied().unwrap_or(b'.');
        if is_letter(byte) || byte.is_ascii_digit() {
            let rest = bytes.get(at..last).unwrap_or_default();
            let len = rest.iter().take_while(|&&byte| is_letter(byte) || byte.is_ascii_digit()).count();
            if end > start && open == 0 && is_verb(bytes, at..at + len) {
                break;
            }
            at += len;
            end = at;
            continue;
        }
        let stops = match byte {
            b'.' => matches!(bytes.get(at + 1), None | Some(b'\n' | b'"')) || ends_sentence(view, at, byte, 9),
            b'!' | b'?' | b'\n' | b'|' | b'}' | b'"' | b'\\' | b'<' => true,
            b',' => !continues(view, marks, at + 1),
            b';' => !matches!(view.source_text(at..at + 1), "«" | "»" | "“" | "”" | "„" | "’"),
            b')' => open == 0,
            _ => false,
        };
        open = match byte {
            b'(' => open + 1,
            b')' => open.saturating_sub(1),
            _ => open,
        };
        if stops {
            break;
        }
        at += 1;
        if byte == b')' {
            end = at;
        }
    }
    start..end
}

/// Verbs and other words after which a diagnosis is over.
fn is_verb(view: &[u8], word: Range<usize>) -> bool {
    const VERBS: [&str; 18] = [
        "назнач",
        "рекоменд",
        "поставлен",
        "подтвержд",
        "установлен",
        "выявлен",
        "қойыл",
        "тағайында",
        "анықтал",
        "қойды",
        "болды",
        "was",
        "prescribed",
        "diagnosed",
        "выписан",
        "направлен",
        "бойынша",
        "қабылда",
    ];
    let word = view.get(word).unwrap_or_default();
    VERBS.iter().any(|verb| word.starts_with(verb.as_bytes()))
}

/// Whether another disease or its attribute follows a comma.
fn continues(view: &View<'_>, marks: &Marks, at: usize) -> bool {
    const NEXT: usize = 48;
    const ATTRIBUTES: [&str; 14] = [
        "степен",
        "стади",
        "тип",
        "ст",
        "риск",
        "фк",
        "ремисси",
        "обострени",
        "средней",
        "тяжел",
        "легк",
        "хронич",
        "type",
        "stage",
    ];
    let bytes = view.bytes();
    let start = at + usize::from(bytes.get(at) == Some(&b' '));
    if code_at(view, start).is_some() {
        return true;
    }
    let stop = bytes.iter().skip(start).take(NEXT).take_while(|byte| !matches!(byte, b',' | b'.' | b'\n')).count();
    let rest = bytes.get(start..start + stop).unwrap_or_default();
    marks.hints(start..start + stop, DISEASE).next().is_some()
        || ATTRIBUTES.iter().any(|attribute| rest.starts_with(attribute.as_bytes()))
}
