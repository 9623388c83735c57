//! Numerals as people say them when they dictate a number: Russian, Kazakh (in Cyrillic and Latin) and English, as they
//! stand in a folded view, and in the usual transliteration.

use std::sync::LazyLock;

use crate::pii::detector::word_list::WordMap;

/// What a word adds to a number that is being dictated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Numeral {
    /// 0 to 9.
    Unit(u32),
    /// 11 to 19, and 10 where no unit may follow.
    Teen(u32),
    /// 10 (where a unit may follow) to 90.
    Tens(u32),
    /// 100 to 900.
    Hundreds(u32),
    /// Makes the unit before it hundreds: "жүз", "hundred".
    Hundred,
    /// Makes the number before it thousands: "тысячи", "мың".
    Thousand,
    /// The next digit stands so often: "double", "triple".
    Times(u32),
    /// The plural of a digit: "три семёрки" is 777.
    Plural(u32),
    /// Written for a plus sign.
    Plus,
    /// Said between the parts of one number: "и", "тире", "then".
    Filler,
}

/// What `word` (folded) means; `None` for all other words.
pub(crate) fn numeral(word: &[u8]) -> Option<Numeral> {
    if BEGINNINGS.may_hold(word) { NUMERALS.get(word).copied() } else { None }
}

/// The index of the first of these words that says a part of a number.
pub(crate) fn first_numeral<'w>(words: impl Iterator<Item = &'w [u8]>) -> Option<usize> {
    let beginnings = &*BEGINNINGS;
    let says_number =
        |word: &[u8]| beginnings.may_hold(word) && !matches!(NUMERALS.get(word), None | Some(Numeral::Filler));
    words.enumerate().find(|(_, word)| says_number(word)).map(|(index, _)| index)
}

/// How numerals begin and how long they are: hardly any other word does the same, so that next to none is looked up.
struct Beginnings([u64; 64]);

static BEGINNINGS: LazyLock<Beginnings> = LazyLock::new(|| {
    let mut beginnings = Beginnings([0; 64]);
    for word in NUMERALS.keys() {
        let (place, bit) = Beginnings::place(word);
        if let Some(set) = beginnings.0.get_mut(place) {
            *set |= bit;
        }
    }
    beginnings
});

impl Beginnings {
    fn may_hold(&self, word: &[u8]) -> bool {
        let (place, bit) = Self::place(word);
        self.0.get(place).is_some_and(|set| set & bit != 0)
    }

    /// The first four bytes and the length of a word, mixed.
    fn place(word: &[u8]) -> (usize, u64) {
        const FACTOR: u32 = 0x9E37_79B1;
        let first = word.first_chunk::<4>().map_or_else(
            || word.iter().fold(0, |all, &byte| all << 8 | u32::from(byte)),
            |&bytes| u32::from_le_bytes(bytes),
        );
        let mixed = (first ^ (word.len() as u32) << 8).wrapping_mul(FACTOR) >> 20;
        ((mixed >> 6) as usize, 1 << (mixed & 63))
    }
}

static NUMERALS: LazyLock<WordMap<&'static [u8], Numeral>> = LazyLock::new(|| {
    let units = UNITS.iter().flat_map(|&(value, words)| listed(words, Numeral::Unit(value)));
    let teens = TEENS.iter().flat_map(|&(value, words)| listed(words, Numeral::Teen(value)));
    let tens = TENS.iter().flat_map(|&(value, words)| listed(words, Numeral::Tens(value)));
    let hundreds = HUNDREDS.iter().flat_map(|&(value, words)| listed(words, Numeral::Hundreds(value)));
    let plurals = PLURALS.iter().flat_map(|&(value, words)| listed(words, Numeral::Plural(value)));
    let others = OTHERS.iter().flat_map(|&(meaning, words)| listed(words, meaning));
    units.chain(teens).chain(tens).chain(hundreds).chain(plurals).chain(others).collect()
});

fn listed(words: &'static str, numeral: Numeral) -> impl Iterator<Item = (&'static [u8], Numeral)> {
    words.split_ascii_whitespace().map(move |word| (word.as_bytes(), numeral))
}

const UNITS: [(u32, &str); 10] = [
    (0, "ноль нуль нолик ноля нуля нулик нөл нол nol nól nöl nul zero oh nought null"),
    (1, "один одна одно одну одной одного единица единичка раз бір бир bir bır odin odna one"),
    (2, "два две двух двойка двоечка екі еки eki ekı dva dve two"),
    (3, "три трех тройка троечка үш уш úsh üş ush úş tri three"),
    (4, "четыре четырех четверка четверочка төрт торт tórt tört tort chetyre chetire four"),
    (5, "пять пяти пятерка пятерочка бес bes pyat piat five"),
    (6, "шесть шести шестерка шестерочка алты alty altı shest six"),
    (7, "семь семи семерка семерочка жеті жети jeti jetı zheti zhetı sem seven"),
    (8, "восемь восьми восьмерка восьмерочка сегіз сегиз segiz segız vosem eight"),
    (9, "девять девяти девятка девяточка тоғыз тогыз toǵyz toğyz togyz toğız devyat deviat nine"),
];

const TEENS: [(u32, &str); 10] = [
    (10, "десять десяти ten desyat desiat"),
    (11, "одиннадцать одинадцать eleven odinnadtsat odinnadcat"),
    (12, "двенадцать twelve dvenadtsat dvenadcat"),
    (13, "тринадцать thirteen trinadtsat trinadcat"),
    (14, "четырнадцать fourteen chetyrnadtsat chetyrnadcat"),
    (15, "пятнадцать fifteen pyatnadtsat pyatnadcat"),
    (16, "шестнадцать sixteen shestnadtsat shestnadcat"),
    (17, "семнадцать seventeen semnadtsat semnadcat"),
    (18, "восемнадцать eighteen vosemnadtsat vosemnadcat"),
    (19, "девятнадцать nineteen devyatnadtsat devyatnadcat"),
];

const TENS: [(u32, &str); 9] = [
    (10, "он on"),
    (20, "двадцать twenty dvadtsat dvadcat жиырма jıyrma jiyrma zhiyrma jyırma"),
    (30, "тридцать thirty tridtsat tridcat отыз otyz otız"),
    (40, "сорок forty fourty sorok қырық кырык qyryq kyryk qırıq"),
    (50, "пятьдесят fifty pyatdesyat елу elý elu"),
    (60, "шестьдесят sixty shestdesyat алпыс alpys alpıs"),
    (70, "семьдесят seventy semdesyat жетпіс жетпис jetpis zhetpis"),
    (80, "восемьдесят eighty vosemdesyat сексен seksen"),
    (90, "девяносто ninety devyanosto тоқсан токсан toqsan toksan"),
];

const HUNDREDS: [(u32, &str); 9] = [
    (100, "сто sto"),
    (200, "двести dvesti"),
    (300, "триста trista"),
    (400, "четыреста chetyresta"),
    (500, "пятьсот pyatsot"),
    (600, "шестьсот shestsot"),
    (700, "семьсот semsot"),
    (800, "восемьсот vosemsot"),
    (900, "девятьсот devyatsot"),
];

const PLURALS: [(u32, &str); 10] = [
    (0, "нуля ноля нулей ноликов zeros zeroes nulya noley"),
    (1, "единицы единиц единички ones"),
    (2, "двойки двоек двоечки twos"),
    (3, "тройки троек троечки threes"),
    (4, "четверки четверок fours"),
    (5, "пятерки пятерок fives"),
    (6, "шестерки шестерок sixes"),
    (7, "семерки семерок sevens"),
    (8, "восьмерки восьмерок eights"),
    (9, "девятки девяток nines"),
];

const OTHERS: [(Numeral, &str); 6] = [
    (Numeral::Hundred, "жүз жуз júz jüz zhuz juz hundred"),
    (Numeral::Thousand, "тысяча тысячи тысяч тысячу мың мын myń myñ myn thousand tysyacha tysyachi tysyach"),
    (Numeral::Times(2), "double дважды дабл"),
    (Numeral::Times(3), "triple трижды"),
    (Numeral::Plus, "плюс plus plius plyus қосу плус"),
    (
        Numeral::Filler,
        "и да and then потом далее дальше затем тире дефис пробел dash hyphen space minus минус сызықша бос орын кейін \
         содан сосын соңынан скобка код",
    ),
];
