//! Cases of Russian names. What fixes gender and case are words that say both: patronymics («Петровичу», «Петровне»)
//! and the endings of surnames that only one gender has («Ивановой», «Ивановым»). With these known, the other words of
//! the name are led back to the nominative; a word that still leaves a choice makes the whole name stay as it is.

/// What a word of the name says about all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pinned {
    /// A patronymic in its base form: every word is.
    Nominative,
    /// His, in the genitive or accusative.
    HisGenitive,
    HisDative,
    HisInstrumental,
    /// His surname in the prepositional.
    HisPrepositional,
    /// A surname in -у that is his dative or her accusative.
    HisDativeOrHers,
    /// A surname in -ского that may come from -ский or from -ской.
    HisAdjective,
    /// The same, read as -ской.
    HisStressedAdjective,
    HerGenitive,
    HerDative,
    HerAccusative,
    HerInstrumental,
    /// Her surname in -ой: any case but the nominative and the accusative.
    HerOblique,
}

/// What leads a word back to its base form: letters to drop, letters to add.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) drop: usize,
    pub(crate) add: &'static str,
}

impl Pinned {
    /// The other reading of a form that has two.
    pub(crate) const fn rival(self) -> Option<Self> {
        match self {
            Self::HisDativeOrHers => Some(Self::HerAccusative),
            Self::HisAdjective => Some(Self::HisStressedAdjective),
            _ => None,
        }
    }
}

impl Change {
    pub(crate) const NONE: Self = Self { drop: 0, add: "" };

    /// The changed word, in capitals where the word is.
    pub(crate) fn apply(self, word: &str) -> String {
        let kept = word.chars().count().saturating_sub(self.drop);
        let mut changed: String = word.chars().take(kept).collect();
        let mut capitals = word.chars().filter(|letter| letter.is_alphabetic()).map(char::is_uppercase);
        if capitals.clone().count() > 1 && capitals.all(|is_capital| is_capital) {
            changed.extend(self.add.chars().flat_map(char::to_uppercase));
        } else {
            changed.push_str(self.add);
        }
        changed
    }
}

const VOWELS: &str = "аеёиоуыэюя";
const HUSHING: &str = "жшчщц";
/// Fewer letters before an ending are no name.
const MIN_STEM: usize = 2;
/// His surnames in -овой and -евой, which look like her cases.
const HIS_SURNAMES: [&str; 16] = [
    "береговой",
    "боровой",
    "верховой",
    "горовой",
    "громовой",
    "дубовой",
    "ключевой",
    "лановой",
    "луговой",
    "полевой",
    "рядовой",
    "садовой",
    "степовой",
    "цеховой",
    "часовой",
    "яровой",
];
/// Endings of patronymics, in folded letters, and what they say.
const PATRONYMICS: [(&str, Pinned); 14] = [
    ("вич", Pinned::Nominative),
    ("вича", Pinned::HisGenitive),
    ("вичу", Pinned::HisDative),
    ("вичем", Pinned::HisInstrumental),
    ("вна", Pinned::Nominative),
    ("вны", Pinned::HerGenitive),
    ("вне", Pinned::HerDative),
    ("вну", Pinned::HerAccusative),
    ("вной", Pinned::HerInstrumental),
    ("ична", Pinned::Nominative),
    ("ичны", Pinned::HerGenitive),
    ("ичне", Pinned::HerDative),
    ("ичну", Pinned::HerAccusative),
    ("ичной", Pinned::HerInstrumental),
];
/// Endings of surnames that speak for themselves.
const SURNAMES: [(&str, Pinned); 16] = [
    ("овым", Pinned::HisInstrumental),
    ("евым", Pinned::HisInstrumental),
    ("иным", Pinned::HisInstrumental),
    ("ыным", Pinned::HisInstrumental),
    ("ове", Pinned::HisPrepositional),
    ("еве", Pinned::HisPrepositional),
    ("овой", Pinned::HerOblique),
    ("евой", Pinned::HerOblique),
    ("иной", Pinned::HerOblique),
    ("ову", Pinned::HisDativeOrHers),
    ("еву", Pinned::HisDativeOrHers),
    ("ского", Pinned::HisAdjective),
    ("цкого", Pinned::HisAdjective),
    ("скому", Pinned::HisAdjective),
    ("цкому", Pinned::HisAdjective),
    ("скую", Pinned::HerAccusative),
];

fn pinned_by(word: &str, endings: &[(&str, Pinned)]) -> Option<Pinned> {
    endings.iter().find_map(|&(ending, pinned)| {
        let stem = word.strip_suffix(ending)?;
        // «Петрович», «Сергеевна»: before в stands о or е.
        let is_patronymic = !ending.starts_with('в') || stem.ends_with(['о', 'е']);
        let is_certain = is_patronymic && !word.contains('-') && !HIS_SURNAMES.contains(&word);
        (stem.chars().count() >= MIN_STEM && is_certain).then_some(pinned)
    })
}

/// What the words of a name, in folded letters, say about it. A patronymic says more than a surname.
pub(crate) fn pinned(words: &[String]) -> Option<Pinned> {
    let by = |endings: &[(&str, Pinned)]| words.iter().find_map(|word| pinned_by(word, endings));
    by(&PATRONYMICS).or_else(|| by(&SURNAMES))
}

/// What leads `word`, in folded letters, back to the nominative; `None` when that is not certain.
pub(crate) fn base(word: &str, pinned: Pinned) -> Option<Change> {
    if word.contains('-') {
        return None;
    }
    let ending = Ending::of(word)?;
    match pinned {
        Pinned::Nominative => Some(Change::NONE),
        Pinned::HisGenitive => ending.his_genitive(),
        Pinned::HisDative => ending.his_dative(),
        Pinned::HisInstrumental => ending.his_instrumental(),
        Pinned::HisPrepositional => ending.of_surname(&["ове", "еве"], 1, ""),
        Pinned::HisDativeOrHers => ending.of_surname(&["ову", "еву"], 1, ""),
        Pinned::HisAdjective => ending.of_surname(&["ского", "цкого", "скому", "цкому"], 3, "ий"),
        Pinned::HisStressedAdjective => ending.of_surname(&["ского", "цкого", "скому", "цкому"], 3, "ой"),
        Pinned::HerGenitive => ending.her_genitive(),
        Pinned::HerDative => ending.her_dative(),
        Pinned::HerAccusative => ending.her_accusative(),
        Pinned::HerInstrumental => ending.her_instrumental(),
        Pinned::HerOblique => ending.her_oblique(),
    }
}

/// The end of a word, as its declension depends on it.
struct Ending<'w> {
    word: &'w str,
    last: char,
    before: char,
}

#[expect(clippy::unnecessary_wraps, reason = "an arm of what may not be certain")]
const fn change(drop: usize, add: &'static str) -> Option<Change> {
    Some(Change { drop, add })
}

impl<'w> Ending<'w> {
    fn of(word: &'w str) -> Option<Self> {
        let mut letters = word.chars().rev();
        let (last, before) = (letters.next()?, letters.next()?);
        (letters.next().is_some()).then_some(Self { word, last, before })
    }

    fn ends(&self, endings: &[&str]) -> bool {
        endings.iter().any(|ending| self.word.ends_with(ending))
    }

    fn of_surname(&self, endings: &[&str], drop: usize, add: &'static str) -> Option<Change> {
        self.ends(endings).then_some(Change { drop, add })
    }

    /// Words that have one form for all cases.
    fn is_fixed(&self) -> bool {
        matches!(self.last, 'о' | 'э') || self.ends(&["ых", "их"])
    }

    fn is_consonant(letter: char) -> bool {
        letter.is_alphabetic() && !VOWELS.contains(letter) && !matches!(letter, 'ь' | 'ъ' | 'й')
    }

    /// «Андрея» from «Андрей», «Игоря» from «Игорь», by the letter before the ending.
    fn soft(drop: usize, before: char) -> Option<Change> {
        if VOWELS.contains(before) { change(drop, "й") } else { change(drop, "ь") }
    }

    fn hard(&self, drop: usize) -> Option<Change> {
        // A vowel that flees from all but the nominative.
        match self.word {
            "павла" | "павлу" | "павлом" => return change(drop + 1, "ел"),
            "льва" | "льву" | "львом" => return change(drop + 2, "ев"),
            _ => {}
        }
        let stem = self.word.chars().count().saturating_sub(drop);
        (stem >= MIN_STEM).then_some(Change { drop, add: "" })
    }

    fn his_genitive(&self) -> Option<Change> {
        match self.last {
            _ if self.is_fixed() && !self.ends(&["ого"]) => change(0, ""),
            'о' if self.ends(&["ского", "цкого"]) => change(3, "ий"),
            'а' if Self::is_consonant(self.before) => self.hard(1),
            'я' => Self::soft(1, self.before),
            'ы' => change(1, "а"),
            'и' if self.before == 'ь' => change(1, "я"),
            _ => None,
        }
    }

    fn his_dative(&self) -> Option<Change> {
        match self.last {
            _ if self.is_fixed() => change(0, ""),
            'у' if self.ends(&["скому", "цкому"]) => change(3, "ий"),
            'у' if self.ends(&["ому", "ему"]) => None,
            'у' if Self::is_consonant(self.before) => self.hard(1),
            'ю' => Self::soft(1, self.before),
            'е' if self.before == 'ь' => change(1, "я"),
            'е' if Self::is_consonant(self.before) => change(1, "а"),
            _ => None,
        }
    }

    fn his_instrumental(&self) -> Option<Change> {
        let third = self.word.chars().rev().nth(2)?;
        match self.last {
            _ if self.is_fixed() => change(0, ""),
            'м' if self.ends(&["ским", "цким"]) => change(1, "й"),
            'м' if self.ends(&["овым", "евым", "иным", "ыным"]) => change(2, ""),
            'м' if self.before == 'о' && Self::is_consonant(third) => self.hard(2),
            'м' if self.before == 'е' && HUSHING.contains(third) => self.hard(2),
            'м' if self.before == 'е' => Self::soft(2, third),
            'й' if self.before == 'о' => change(2, "а"),
            _ => None,
        }
    }

    fn is_fixed_for_her(&self) -> bool {
        self.is_fixed() || Self::is_consonant(self.last)
    }

    fn her_genitive(&self) -> Option<Change> {
        match self.last {
            _ if self.is_fixed_for_her() => change(0, ""),
            'ы' => change(1, "а"),
            'и' if matches!(self.before, 'г' | 'к' | 'х') || HUSHING.contains(self.before) => change(1, "а"),
            'и' if matches!(self.before, 'и' | 'ь') => change(1, "я"),
            'й' => self.her_oblique(),
            _ => None,
        }
    }

    fn her_dative(&self) -> Option<Change> {
        match self.last {
            _ if self.is_fixed_for_her() => change(0, ""),
            'е' if self.before == 'ь' => change(1, "я"),
            'е' if Self::is_consonant(self.before) => change(1, "а"),
            'и' if self.before == 'и' => change(1, "я"),
            'й' => self.her_oblique(),
            _ => None,
        }
    }

    fn her_accusative(&self) -> Option<Change> {
        match self.last {
            _ if self.is_fixed_for_her() => change(0, ""),
            'ю' if self.ends(&["скую", "цкую"]) => change(2, "ая"),
            'у' if Self::is_consonant(self.before) => change(1, "а"),
            'ю' if matches!(self.before, 'и' | 'ь') => change(1, "я"),
            _ => None,
        }
    }

    fn her_instrumental(&self) -> Option<Change> {
        let third = self.word.chars().rev().nth(2)?;
        match self.last {
            _ if self.is_fixed_for_her() => change(0, ""),
            'й' if self.before == 'о' && self.ends(&["ской", "цкой"]) => change(2, "ая"),
            'й' if self.before == 'о' => change(2, "а"),
            'й' if self.before == 'е' && HUSHING.contains(third) => change(2, "а"),
            'й' if self.before == 'е' && matches!(third, 'и' | 'ь') => change(2, "я"),
            _ => None,
        }
    }

    /// A surname in -ой, or a first name beside it.
    fn her_oblique(&self) -> Option<Change> {
        match self.last {
            'й' if self.ends(&["овой", "евой", "иной", "ыной"]) => change(2, "а"),
            'й' if self.ends(&["ской", "цкой"]) => change(2, "ая"),
            'ы' => change(1, "а"),
            'и' | 'е' if self.before == 'и' || self.before == 'ь' => change(1, "я"),
            'е' if Self::is_consonant(self.before) => change(1, "а"),
            'й' if self.before == 'о' || self.before == 'е' => self.her_instrumental(),
            _ => None,
        }
    }
}
