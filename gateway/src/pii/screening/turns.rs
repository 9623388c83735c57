//! Messages that follow each other, as a reader takes them: a number may be split over two of them, and an answer is
//! understood by the question before it. Only the ends of messages are kept.

use super::joined::{Join, JoinedView, Piece};
use crate::pii::detector::views::fold::fold;

/// Of a message only so much of its end can matter to the next one, context words included.
const TAIL_BYTES: usize = 96;
/// A message up to here may be the answer to a question; of a longer one only the digits at its beginning matter.
const SHORT_BYTES: usize = 200;
/// How near to the border the digits of a split number stand.
const DIGITS_WITHIN_BYTES: usize = 24;
/// Roles that are told apart.
const MAX_ROLES: usize = 8;
/// Lists of messages: `/messages/3/content`, `/input/3/content/0/text`.
const MESSAGE_LISTS: [&str; 3] = ["messages", "input", "texts"];

/// Collects messages and hands out what stands on both sides of each border.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    current: Option<Turn>,
    last: Vec<Piece>,
    last_role: String,
    /// Role and the end of its last message.
    last_by_role: Vec<(String, Vec<Piece>)>,
}

#[derive(Debug, Default)]
struct Turn {
    index: String,
    role: String,
    head: Vec<Piece>,
    tail: Vec<Piece>,
    bytes: usize,
}

impl Turns {
    /// Takes the text at `pointer`, which is leaf number `leaf` of the body.
    pub(crate) fn add(&mut self, pointer: &str, text: &str, leaf: usize, visit: &mut impl FnMut(JoinedView<'_>)) {
        let Some((index, place)) = message_of(pointer) else { return };
        if self.current.as_ref().is_some_and(|turn| turn.index != index) {
            self.finish_turn(visit);
        }
        let turn = self.current.get_or_insert_with(|| Turn { index: index.to_owned(), ..Turn::default() });
        if place == "role" {
            text.clone_into(&mut turn.role);
        } else if place.starts_with("content") || place == "text" {
            turn.push(text, leaf);
        }
    }

    /// The last message has ended too.
    pub(crate) fn finish(mut self, visit: &mut impl FnMut(JoinedView<'_>)) {
        self.finish_turn(visit);
    }

    fn finish_turn(&mut self, visit: &mut impl FnMut(JoinedView<'_>)) {
        let Some(turn) = self.current.take() else { return };
        let same_role = self.last_by_role.iter_mut().find(|(role, _)| *role == turn.role);
        let before_same_role = same_role.map(|(_, tail)| std::mem::take(tail)).unwrap_or_default();
        let is_dialogue = self.last_role != turn.role;
        border(&self.last, &turn, &mut |view| visit(JoinedView { is_turn: true, is_dialogue, ..view }));
        self.last_role.clone_from(&turn.role);
        if before_same_role.first().map(|piece| piece.leaf) != self.last.first().map(|piece| piece.leaf) {
            border(&before_same_role, &turn, &mut |view| visit(JoinedView { is_turn: true, ..view }));
        }
        // "9011", "2330", "0258": a short message leaves the end of the one before it standing.
        let tail = if turn.bytes <= DIGITS_WITHIN_BYTES { carried(before_same_role, turn.tail) } else { turn.tail };
        self.last.clone_from(&tail);
        let num_roles = self.last_by_role.len();
        let same_role = self.last_by_role.iter_mut().find(|(role, _)| *role == turn.role);
        if let Some((_, old)) = same_role {
            *old = tail;
        } else if num_roles < MAX_ROLES {
            self.last_by_role.push((turn.role, tail));
        }
    }
}

impl Turn {
    fn push(&mut self, text: &str, leaf: usize) {
        if self.bytes < SHORT_BYTES {
            let head = text.get(..text.floor_char_boundary(SHORT_BYTES)).unwrap_or_default();
            self.head.push(Piece { leaf, offset: 0, text: head.to_owned() });
        }
        let from = text.ceil_char_boundary(text.len().saturating_sub(TAIL_BYTES));
        let tail = text.get(from..).unwrap_or_default();
        self.tail = vec![Piece { leaf, offset: from, text: tail.to_owned() }];
        self.bytes = self.bytes.saturating_add(text.len().max(1));
    }
}

fn carried(mut before: Vec<Piece>, own: Vec<Piece>) -> Vec<Piece> {
    before.extend(own);
    let mut bytes: usize = before.iter().map(|piece| piece.text.len()).sum();
    while bytes > TAIL_BYTES && before.len() > 1 {
        bytes -= before.remove(0).text.len();
    }
    before
}

fn border(tail: &[Piece], turn: &Turn, visit: &mut impl FnMut(JoinedView<'_>)) {
    let (Some(last), Some(first)) = (tail.last(), turn.head.first()) else { return };
    let near = DIGITS_WITHIN_BYTES.min(last.text.len());
    let is_split = has_digit(last.text.bytes().rev().take(near)) && has_digit(first.text.bytes().take(near));
    let ends = [seen(&last.text).next_back(), seen(&first.text).next()];
    let belongs = |end: char| end.is_ascii_alphanumeric() || matches!(end, '@' | '.');
    let touches = ends.into_iter().flatten().all(belongs) || is_disguised(&last.text, &first.text);
    if turn.bytes > SHORT_BYTES && !is_split && !touches {
        return;
    }
    let pieces: Vec<&Piece> = tail.iter().chain(&turn.head).collect();
    if may_go_on(&last.text, &first.text) {
        visit(JoinedView::new("", Join::Directly, &pieces, tail.len()));
    }
    visit(JoinedView::new("", Join::Spaced, &pieces, tail.len()));
    if let (Some(before), Some(after)) = (until_last_digit(last), from_first_digit(first)) {
        if before != *last || after != *first {
            visit(JoinedView::new("", Join::Directly, &[&before, &after], 1));
        }
    }
}

/// The characters that a reader sees.
fn seen(text: &str) -> impl DoubleEndedIterator<Item = char> {
    text.chars().filter(|character| character.is_ascii() || fold(*character).is_some())
}

/// Whether a word of one message may go on in the next although its letters are of two scripts: one of the two is written
/// with letters that look like others.
fn is_disguised(before: &str, after: &str) -> bool {
    let belongs = |character: &char| character.is_alphanumeric() || matches!(character, '.' | '_' | '-' | '+' | '@');
    let of_two_scripts = |word: &mut dyn Iterator<Item = char>| {
        let (mut ascii, mut other) = (false, false);
        for letter in word.filter(|character| character.is_alphabetic()) {
            (ascii, other) = (ascii || letter.is_ascii(), other || !letter.is_ascii());
        }
        ascii && other
    };
    of_two_scripts(&mut seen(before).rev().take_while(belongs)) || of_two_scripts(&mut seen(after).take_while(belongs))
}

/// Whether a value or word of one message may go on in the next: letters of one script, the second small, or digits and
/// the marks of addresses. "…@mail.kz" and "Записал" are two things.
fn may_go_on(before: &str, after: &str) -> bool {
    let (Some(last), Some(first)) = (seen(before).next_back(), seen(after).next()) else { return false };
    let belongs = |character: char| character.is_alphanumeric() || character.is_ascii_punctuation();
    if !belongs(last) || !belongs(first) {
        return false;
    }
    // A sentence ends and another begins.
    if matches!(last, '.' | '!' | '?' | ')' | ',') && first.is_uppercase() {
        return false;
    }
    match (last.is_alphabetic(), first.is_alphabetic()) {
        (true, true) => {
            let is_word = last.is_ascii() == first.is_ascii() && (first.is_lowercase() || last.is_uppercase());
            is_word || is_encoded(before, after) || is_disguised(before, after)
        }
        _ => true,
    }
}

/// "ODgwNTI" and "wNDMxNjkz": no word has digits among its letters or goes up and down so.
fn is_encoded(before: &str, after: &str) -> bool {
    let belongs = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_');
    let head = before.len() - before.bytes().rev().take_while(|byte| belongs(byte)).count();
    let tail = after.bytes().take_while(|byte| belongs(byte)).count();
    let word: Vec<u8> = before.bytes().skip(head).chain(after.bytes().take(tail)).collect();
    let rises = word.windows(2).filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase()).count();
    word.len() >= 8 && (rises > 1 || word.iter().any(u8::is_ascii_digit))
}

/// "мой ИИН 901123, дальше" and "вторая половина 300258": what stands between the halves is left out.
fn until_last_digit(piece: &Piece) -> Option<Piece> {
    let end = piece.text.bytes().rposition(|byte| byte.is_ascii_digit())? + 1;
    Some(Piece { text: piece.text.get(..end)?.to_owned(), ..piece.clone() })
}

fn from_first_digit(piece: &Piece) -> Option<Piece> {
    let start = piece.text.bytes().position(|byte| byte.is_ascii_digit())?;
    let text = piece.text.get(start..).unwrap_or_default().to_owned();
    (start <= TAIL_BYTES).then(|| Piece { offset: piece.offset + start, text, leaf: piece.leaf })
}

fn has_digit(mut bytes: impl Iterator<Item = u8>) -> bool {
    // Digits of other scripts are not ASCII; a letter is taken for one only to look once more.
    bytes.any(|byte| byte.is_ascii_digit() || byte >= 0xE0)
}

/// The message's number and the place inside it.
fn message_of(pointer: &str) -> Option<(&str, &str)> {
    let mut parts = pointer.strip_prefix('/')?.splitn(3, '/');
    let list = parts.next()?;
    let index = parts.next()?;
    let is_message = MESSAGE_LISTS.contains(&list) && index.bytes().all(|byte| byte.is_ascii_digit());
    is_message.then(|| (index, parts.next().unwrap_or("text")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn views(messages: &[(&str, &str)]) -> Vec<String> {
        let mut out = Vec::new();
        let mut turns = Turns::default();
        for (index, (role, text)) in messages.iter().enumerate() {
            turns.add(&format!("/messages/{index}/role"), role, 2 * index, &mut |view| out.push(view.text));
            turns.add(&format!("/messages/{index}/content"), text, 2 * index + 1, &mut |view| out.push(view.text));
        }
        turns.finish(&mut |view| out.push(view.text));
        out
    }

    #[test]
    fn borders_of_messages_are_read_together() {
        assert_eq!(views(&[("user", "ИИН 901123"), ("user", "300258")]), ["ИИН 901123300258", "ИИН 901123 300258"]);
        let found = views(&[("user", "ИИН 901123"), ("assistant", "дальше?"), ("user", "300258")]);
        assert!(found.contains(&"ИИН 901123300258".to_owned()), "{found:?}");
        for cut in 1..16 {
            let (head, tail) = "ODgwNTIwNDMxNjkz".split_at(cut);
            let found = views(&[("user", head), ("assistant", "ok"), ("user", tail)]);
            assert!(found.contains(&"ODgwNTIwNDMxNjkz".to_owned()), "{found:?}");
        }
        let found =
            views(&[("user", "9011"), ("assistant", "ok"), ("user", "2330"), ("assistant", "ok"), ("user", "0258")]);
        assert!(found.contains(&"901123300258".to_owned()), "{found:?}");
    }

    /// An address with Cyrillic letters that look like Latin ones, or with characters that nobody sees, cut anywhere.
    #[test]
    fn words_in_disguise_are_read_together() {
        for (address, before, after) in [
            ("qwyоdо.ybzdi89@bаnk-аlmаty.kz", "пошта ", " — не істеу керек?"),
            ("fugwj64@g\u{200b}mail.com", "почта ", ", проверьте"),
        ] {
            let cuts = address.char_indices().map(|(at, _)| at).filter(|at| *at > 3 && address.len() - at > 3);
            for cut in cuts {
                let (head, tail) = address.split_at(cut);
                let long = "слово ".repeat(60);
                for rest in ["", &long] {
                    let (head, tail) = (format!("{rest}{before}{head}"), format!("{tail}{after} {rest}"));
                    let found = views(&[("user", &head), ("assistant", "Go on."), ("user", &tail)]);
                    assert!(found.iter().any(|view| view.contains(address)), "{head}|{tail}: {found:?}");
                }
            }
        }
    }

    #[test]
    fn long_messages_are_joined_only_where_digits_meet() {
        let long = "слово ".repeat(100);
        assert!(views(&[("user", &long), ("assistant", &long)]).is_empty());
        let found = views(&[("user", &format!("{long}901123")), ("user", &format!("300258 {long}"))]);
        assert!(found.iter().any(|view| view.contains("901123300258")) && found.iter().all(|view| view.len() < 400));
    }
}
