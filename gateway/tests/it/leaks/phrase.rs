//! A value in a sentence, as somebody would write it to a model.

use super::disguise::{DISGUISES, Disguise};
use super::random::Random;
use super::value::{KINDS, Kind};

pub struct Phrase {
    pub kind: &'static Kind,
    pub disguise: &'static Disguise,
    /// As its issuer writes it.
    pub original: String,
    /// As it stands in the request.
    pub placed: String,
    pub sentence: String,
}

const LEADS: [[&str; 3]; 3] = [
    ["Здравствуйте, ", "Подскажите, пожалуйста: ", "Составьте письмо. "],
    ["Сәлеметсіз бе, ", "Көмектесіңізші: ", "Хат жазып беріңіз. "],
    ["Hello, ", "Please help: ", "Write a short letter. "],
];
const TAILS: [[&str; 3]; 3] = [
    [", проверьте статус заявки.", " — что делать дальше?", "\nСпасибо!"],
    [", өтінімді тексеріңіз.", " — не істеу керек?", "\nРақмет!"],
    [", check the status of my request.", " - what should I do next?", "\nThank you!"],
];

impl Phrase {
    pub fn new(random: &mut Random) -> Self {
        let kind = random.pick(&KINDS);
        let original = (kind.make)(random);
        let disguise = loop {
            let disguise = if random.chance(30) { &DISGUISES[0] } else { random.pick(&DISGUISES) };
            if disguise.fits(kind.writing) {
                break disguise;
            }
        };
        let placed = disguise.apply(random, &original);
        let language = random.below(3);
        // A disguised value is one that somebody talks about.
        let is_labelled = !kind.stands_alone || !disguise.is_plain() || random.chance(50);
        let label = if is_labelled { format!("{} ", kind.labels[language]) } else { String::new() };
        let separator = if is_labelled && random.chance(30) { ": " } else { "" };
        let label = if separator.is_empty() { label } else { format!("{}{separator}", label.trim_end()) };
        let sentence = format!("{}{label}{placed}{}", random.pick(&LEADS[language]), random.pick(&TAILS[language]));
        Self { kind, disguise, original, placed, sentence }
    }

    /// The sentence in two halves that part the value.
    pub fn halves(&self, random: &mut Random) -> (String, String) {
        let start = self.sentence.find(&self.placed).unwrap();
        let inner: Vec<usize> = self.placed.char_indices().map(|(at, _)| at).skip(1).collect();
        let at = start + inner[random.between(inner.len() / 3, inner.len() * 2 / 3)];
        (self.sentence[..at].to_owned(), self.sentence[at..].to_owned())
    }
}

const HARMLESS: [&str; 12] = [
    "Переведите на казахский: сегодня хорошая погода.",
    "Напиши функцию, которая сортирует список чисел.",
    "Сколько будет 17 умножить на 24?",
    "Кратко объясни, что такое фотосинтез.",
    "Қазақстанның астанасы қай қала?",
    "Маған кітап туралы қысқаша айтып бер.",
    "Компьютер деген не?",
    "Write a haiku about the steppe.",
    "Explain recursion in two sentences.",
    "Which is larger, 3.14 or 2.72?",
    "Суммируй: продажи выросли на 12 процентов.",
    "Give me three ideas for a school project.",
];

/// A text in which nothing is personal.
pub fn harmless(random: &mut Random) -> String {
    (*random.pick(&HARMLESS)).to_owned()
}
