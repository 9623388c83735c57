//! Numbers of a view, read window by window by every recogniser of numbers.

use super::digit_run::DigitRun;
use super::digit_window::Window;
use super::{card, iban, iin, phone};
use crate::pii::Entity;
use crate::pii::detector::budget::Budget;
use crate::pii::detector::candidate::{Candidate, Found, Strength};
use crate::pii::detector::context::topics::{BIN, CARD, IBAN, IIN, PHONE, Topics};
use crate::pii::detector::text::Text;

/// The shortest number that no plus sign announces.
const MIN_NUMBER: usize = 10;
/// Of a telephone number with the 8 or 7 before its code.
const NATIONAL_LEN: usize = 11;

/// The numbers of one text.
pub(crate) struct NumberReader<'t, 'v> {
    text: &'t Text<'v>,
    found: &'t mut Found,
}

/// Everything in `text` that any recogniser of numbers holds for possible. `run` is a buffer.
pub(crate) fn scan(text: &Text<'_>, run: &mut DigitRun, budget: &mut Budget, found: &mut Found) {
    let mut reader = NumberReader { text, found };
    reader.numbers(run, budget);
    reader.listed(run, budget);
}

impl NumberReader<'_, '_> {
    fn numbers(&mut self, run: &mut DigitRun, budget: &mut Budget) {
        let view = self.text.bytes();
        let mut at = 0;
        while let Some(next) = run.read(view, at) {
            self.account(run, budget);
            if run.len() >= MIN_NUMBER || run.plus().is_some() {
                self.windows(run, budget);
            }
            if budget.is_exhausted() {
                return;
            }
            at = next;
        }
    }

    /// Numbers whose digits or groups are written as a list. Lists of other numbers are common, so a list is taken for
    /// one number only as a whole, and a list of amounts only beside a word.
    fn listed(&mut self, run: &mut DigitRun, budget: &mut Budget) {
        let view = self.text.bytes();
        let mut at = 0;
        while let Some((mark, next)) = run.read_listed(view, at) {
            at = next;
            let len = run.len();
            if !budget.spend(len) {
                return;
            }
            let Some(window) =
                Some(len).filter(|len| (MIN_NUMBER..=card::MAX_LEN).contains(len)).and_then(|len| run.window(0, len))
            else {
                continue;
            };
            let groups = window.groups();
            let is_even = matches!(groups.lens(), [first, second] if first == second);
            let around = self.text.topics_around(&run.range());
            let is_identified = len == iin::LEN && matches!(iin::by_structure(&window), Some((Entity::Iin, _)));
            let is_dialled = run.plus().is_some() || len == NATIONAL_LEN && phone::by_structure(&window).is_some();
            let is_marked = window.is_spelled() || mark != b',' || is_dialled || around & (IIN | CARD | PHONE) != 0;
            if (groups.lens().len() > 2 || is_even) && (is_marked || is_identified) {
                self.window(&window, len, around);
            }
        }
    }

    fn account(&mut self, run: &DigitRun, budget: &mut Budget) {
        let view = self.text.bytes();
        let (start, true_start) = run.starts();
        let drawn = iban::digits_drawn_before(view, true_start);
        let starts = [Some(true_start), Some(start).filter(|&s| s != true_start), drawn];
        for digit_at in starts.into_iter().flatten() {
            if !iban::may_begin_at(view, digit_at) {
                continue;
            }
            let Some(account) = iban::read(view, digit_at, budget) else {
                continue;
            };
            if account.stands_alone || self.text.topics_near(&account.range) & IBAN != 0 {
                let word = self.text.word_near(&account.range, IBAN);
                self.found
                    .push(Candidate::new(Entity::Iban, account.range, account.strength, "iban/mod-97").beside(word));
            } else {
                self.found.reject(Entity::Iban, account.range, "iban/mod-97", "wrong check digits and no context word");
            }
        }
    }

    fn windows(&mut self, run: &DigitRun, budget: &mut Budget) {
        let around = if run.len() >= MIN_NUMBER { self.text.topics_around(&run.range()) } else { 0 };
        for first in 0..run.len() {
            if !run.may_start(first) {
                continue;
            }
            let has_plus = first == 0 && run.plus().is_some();
            let shortest = if has_plus { phone::MIN_LEN } else { MIN_NUMBER };
            // What no word or plus speaks for is a card from thirteen digits on.
            let may_be_long = around != 0
                || has_plus
                || run.values(first..first + 1).iter().any(|&digit| card::may_begin_with(digit));
            let longest = if may_be_long { card::MAX_LEN } else { card::MIN_LEN - 1 };
            for len in shortest..=longest {
                if !budget.spend(1) {
                    return;
                }
                if let Some(window) = run.window(first, len) {
                    self.window(&window, len, around);
                }
            }
        }
    }

    /// Asks every recogniser about one window; `around` holds all topics that may be near.
    fn window(&mut self, window: &Window<'_>, len: usize, around: Topics) {
        let by_structure = self
            .by_structure(window, len)
            .filter(|&(entity, _)| matches!(entity, Entity::Iin | Entity::Bin) || !self.is_in_hash(window));
        if let Some((entity, strength)) = by_structure {
            self.push(entity, window, strength);
        }
        if around == 0 || by_structure.is_some_and(|(entity, _)| entity != Entity::Bin) {
            return;
        }
        let topics = || self.text.topics_near(&window.range());
        let by_context = match len {
            iin::LEN => iin::by_context(window, topics),
            card::MIN_LEN..=card::MAX_LEN => card::by_context(window, topics).map(|strength| (Entity::Card, strength)),
            _ => None,
        };
        let by_context = by_context.or_else(|| {
            (len <= phone::MAX_LEN)
                .then(|| phone::by_context(window, topics))
                .flatten()
                .map(|strength| (Entity::Phone, strength))
        });
        if let Some((entity, strength)) = by_context
            && by_context != by_structure
        {
            self.push(entity, window, strength);
        }
    }

    fn by_structure(&self, window: &Window<'_>, len: usize) -> Option<(Entity, Strength)> {
        if len == iin::LEN
            && let Some(number) = iin::by_structure(window)
            && !window.begins_with_date()
        {
            return Some(number);
        }
        if len >= card::MIN_LEN
            && let Some(strength) = card::by_structure(window)
            && !(len == card::MIN_LEN && card::is_bar_code(window, || self.text.topics_near(&window.range())))
        {
            return Some((Entity::Card, strength));
        }
        if len <= phone::MAX_LEN
            && let Some(strength) = phone::by_structure(window)
        {
            return Some((Entity::Phone, strength));
        }
        None
    }

    /// Whether the window is a part of a hash or a UUID: a long hexadecimal word has runs of digits
    /// that look like telephones and cards by length and Luhn alone.
    fn is_in_hash(&self, window: &Window<'_>) -> bool {
        const SHORTEST: usize = 20;
        let view = self.text.bytes();
        let range = window.range();
        let before = view.get(..range.start).unwrap_or_default();
        let after = view.get(range.end..).unwrap_or_default();
        let is_glued = [before.last(), after.first()].into_iter().flatten().any(|byte| matches!(byte, b'a'..=b'f'));
        let words = (hex_word(before.iter().rev()), hex_word(after.iter()));
        match words {
            (Some(before), Some(after)) => is_glued && before + range.len() + after >= SHORTEST,
            _ => false,
        }
    }

    fn push(&mut self, entity: Entity, window: &Window<'_>, strength: Strength) {
        let range = window.range();
        let (rule, topics) = match (entity, strength) {
            (Entity::Iin, Strength::Identified) => ("iin/check-digit", IIN),
            (Entity::Iin, _) => ("iin/context", IIN),
            (Entity::Bin, _) => ("bin/check-digit", BIN),
            (Entity::Card, Strength::Luhn) => ("card/luhn", CARD),
            (Entity::Card, _) => ("card/context", CARD),
            _ => ("phone/shape", PHONE),
        };
        let word = self.text.word_near(&range, topics);
        self.found.push(Candidate::new(entity, range, strength, rule).beside(word));
    }
}

/// The length of the hexadecimal word, dashes included, that begins here; `None` when other letters
/// belong to the word.
fn hex_word<'b>(bytes: impl Iterator<Item = &'b u8>) -> Option<usize> {
    const REACH: usize = 128;
    bytes
        .take(REACH)
        .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-')
        .try_fold(0, |len, byte| matches!(byte, b'a'..=b'f' | b'0'..=b'9' | b'-').then_some(len + 1))
}
