//! What the end of a word says about it when its stem is unknown: a surname (-ов, -енко, -баев), a patronymic
//! (-ович, -қызы), the second half of a Turkic name (-бек, -жан).

use std::collections::BTreeMap;

use super::endings::{kazakh_cases, patronymics, surname_forms};
use super::hashing::{DEPTH, Hash, Table};

/// A set of the shapes below.
pub(super) type Shapes = u8;

/// Ends as surnames do and many words too: -ов, -ин, -ко, -ук.
pub(super) const SURNAME: Shapes = 1;
/// In the nominative.
pub(super) const NOMINATIVE: Shapes = 1 << 1;
/// An ending that hardly any word has: -енко, -швили, -баев.
pub(super) const TELLING: Shapes = 1 << 2;
/// -ский and its forms: a surname or an adjective.
pub(super) const ADJECTIVE: Shapes = 1 << 3;
/// -ович, -овна, -ұлы, -қызы.
pub(super) const PATRONYMIC: Shapes = 1 << 4;
/// -бек, -хан, -гүл.
pub(super) const TURKIC: Shapes = 1 << 5;
/// An ending of nouns and verbs that no name has: -тель, -ите, -шы.
pub(super) const WORD: Shapes = 1 << 6;

#[derive(Debug, Clone, Copy, Default)]
struct Shape {
    shapes: Shapes,
    /// Letters of the stem before it, at least.
    min_stem: u8,
}

/// The shapes of endings, by the hash of their letters from the last to the first.
#[derive(Debug)]
pub(super) struct ShapeTable {
    table: Table<Shape>,
}

/// The longest ending that is looked for.
const MAX_ENDING: usize = 14;

const TELLING_STEMS: &[&str] = &[
    "bai", "bek", "han", "jan", "gali", "kali", "murat", "bergen", "keldi", "geldi", "gildi", "sultan", "mirza",
    "mirz", "kul", "gul", "ahmet", "hmet", "muhambet", "muhamet", "muhamed", "muhammed", "magambet", "mambet", "hoja",
    "koja", "turgan", "turd", "tursun", "berdi", "timir", "temir", "bolat", "bulat", "jigit", "seit", "batir", "nazar",
    "niaz", "rahman", "rahim", "karim", "kerim", "ali", "haliq", "halik", "gazi", "kazi", "mukan", "pei", "gara",
    "dinov", "ullai", "gaz", "said", "zad", "beg", "bet", "zak",
];
const TELLING_IN: &[&str] =
    &["ull", "gil", "gal", "kal", "gild", "ketd", "hoj", "koj", "mull", "said", "mirz", "ulat", "baid"];
/// Endings of surnames that do not decline, by how many letters stand before them at least.
const UNDECLINED: &[(u8, &str)] = &[(2, "enko wvili helia"), (3, "dze iani"), (4, "lava")];
/// Second halves of Turkic names, by how many letters stand before them at least.
const TURKIC_ENDS: &[(u8, &str)] = &[
    (0, "muhambet muhamet muhamed magambet"),
    (
        2,
        "bek bai gali murat bergen keldi geldi sultan gul bolat mambet ahmet mirza jigit batir nazar temir \
     berdi hoja koja bibi bike sulu rahman mukan muhan",
    ),
    (3, "han jan kali ulla olla kul gazi kazi seit nur tai karim akin esen"),
    (4, "ali din"),
];

const WORD_ENDS: &[&str] = &[
    "uwi", "iwi", "awi", "tel", "telia", "telu", "telem", "wik", "wika", "wiku", "nica", "nici", "nicu", "ist", "ista",
    "istu", "istom", "ite", "aite", "oite", "eite", "uite", "iniz", "aniz", "eniz", "naia", "noe", "nogo", "nomu",
    "anie", "ania", "enie", "enia", "ost", "osti", "stvo", "stva", "tion", "tions", "ment", "ness", "ing", "ings",
    "able", "ful", "less", "cia", "cii", "ciu", "hana", "hanasi", "hanada", "hanaga",
];

fn words_of(groups: &'static [(u8, &str)]) -> impl Iterator<Item = (&'static str, u8)> {
    groups.iter().flat_map(|&(min_stem, words)| words.split_whitespace().map(move |word| (word, min_stem)))
}

impl ShapeTable {
    pub(super) fn new() -> Self {
        let mut shapes = BTreeMap::<String, Shape>::new();
        let mut add = |ending: &str, added: Shapes, min_stem: u8| {
            let shape = shapes.entry(ending.to_owned()).or_insert(Shape { shapes: 0, min_stem });
            shape.shapes |= added;
            shape.min_stem = shape.min_stem.min(min_stem);
        };
        let nominative = |is_nominative: bool| if is_nominative { SURNAME | NOMINATIVE } else { SURNAME };
        for (suffix, min_stem) in [("ov", 3), ("ev", 3), ("in", 3), ("uk", 3), ("iuk", 2), ("iq", 3), ("ian", 4)] {
            for (ending, is_nominative) in surname_forms(suffix) {
                add(&ending, nominative(is_nominative), min_stem);
            }
        }
        add("ko", SURNAME | NOMINATIVE, 4);
        for ending in ["i", "ogo", "omu", "im", "om", "aia", "oi", "uiu", "ie", "ih"] {
            add(&format!("sk{ending}"), ADJECTIVE, 3);
            add(&format!("ck{ending}"), ADJECTIVE, 3);
        }
        for (ending, min_stem) in words_of(UNDECLINED) {
            add(ending, SURNAME | NOMINATIVE | TELLING, min_stem);
        }
        for ending in patronymics().iter().filter(|ending| !ending.contains("iqn")) {
            add(ending, PATRONYMIC, 3);
        }
        for ending in WORD_ENDS {
            add(ending, WORD, 2);
        }
        for (end, min_stem) in words_of(TURKIC_ENDS) {
            add(end, TURKIC, min_stem);
            for case in kazakh_cases().chain(["a", "u", "om", "em", "e", "i", "iu"]) {
                add(&format!("{end}{case}"), TURKIC, min_stem);
            }
        }
        let entries: Vec<_> = shapes
            .iter()
            .filter(|(ending, _)| ending.len() <= MAX_ENDING)
            .map(|(ending, &shape)| (ending.bytes().rev().collect::<Vec<u8>>(), shape))
            .collect();
        Self { table: Table::new(&entries) }
    }

    /// All shapes of a word by its key.
    pub(super) fn of(&self, letters: &[u8]) -> Shapes {
        let (mut hash, mut beginning) = (Hash::EMPTY, Hash::EMPTY);
        let mut shapes = 0;
        for (index, &letter) in letters.iter().rev().take(MAX_ENDING).enumerate() {
            hash = hash.with(letter);
            let len = index + 1;
            if len == DEPTH + 1 && !self.table.may_go_on(beginning) {
                break;
            }
            if len == DEPTH {
                beginning = hash;
            }
            let stem = letters.len() - len;
            for shape in self.table.all(hash).filter(|shape| usize::from(shape.min_stem) <= stem) {
                shapes |= shape.shapes;
                if shape.shapes & SURNAME != 0
                    && is_telling(letters.get(..stem).unwrap_or_default(), letters.get(stem..))
                {
                    shapes |= TELLING;
                }
            }
        }
        shapes
    }
}

/// Whether a stem before -ов, -ев or -ин is one that only surnames have.
fn is_telling(stem: &[u8], ending: Option<&[u8]>) -> bool {
    let ending = ending.unwrap_or_default();
    let (stems, most) = match ending {
        [b'o' | b'e', b'v', ..] => (TELLING_STEMS, stem.strip_suffix(b"i")),
        [b'i', b'n', ..] => (TELLING_IN, None),
        _ => return false,
    };
    // A stem of its own says enough when it is long: "бек-ов" does not, "ахмет-ов" does.
    let ends = |stem: &[u8]| {
        stems.iter().any(|end| stem.ends_with(end.as_bytes()) && (end.len() >= 4 || stem.len() >= end.len() + 2))
    };
    ends(stem) || most.is_some_and(ends)
}
