//! Cases of Kazakh names: an ending is put behind the name, which itself stays whole. Which of its variants is put
//! there, the last letter and the last vowel of the name decide, so that an ending that does not agree with what stands
//! before it is none.

/// Variants of one ending: behind a vowel, behind м н ң, behind another voiced letter, behind a voiceless one; each
/// with a back and with a front vowel.
struct Case {
    vowel: [&'static str; 2],
    nasal: [&'static str; 2],
    /// з and ж differ from the others in one case.
    buzzing: [&'static str; 2],
    voiced: [&'static str; 2],
    voiceless: [&'static str; 2],
    /// Whether names themselves may end so.
    is_name_like: bool,
}

const CASES: [Case; 6] = [
    // Genitive, dative, accusative, locative, ablative, instrumental.
    Case {
        vowel: ["ның", "нің"],
        nasal: ["ның", "нің"],
        buzzing: ["дың", "дің"],
        voiced: ["дың", "дің"],
        voiceless: ["тың", "тің"],
        is_name_like: false,
    },
    Case {
        vowel: ["ға", "ге"],
        nasal: ["ға", "ге"],
        buzzing: ["ға", "ге"],
        voiced: ["ға", "ге"],
        voiceless: ["қа", "ке"],
        is_name_like: false,
    },
    Case {
        vowel: ["ны", "ні"],
        nasal: ["ды", "ді"],
        buzzing: ["ды", "ді"],
        voiced: ["ды", "ді"],
        voiceless: ["ты", "ті"],
        is_name_like: false,
    },
    Case {
        vowel: ["да", "де"],
        nasal: ["да", "де"],
        buzzing: ["да", "де"],
        voiced: ["да", "де"],
        voiceless: ["та", "те"],
        is_name_like: true,
    },
    Case {
        vowel: ["дан", "ден"],
        nasal: ["нан", "нен"],
        buzzing: ["дан", "ден"],
        voiced: ["дан", "ден"],
        voiceless: ["тан", "тен"],
        is_name_like: true,
    },
    Case {
        vowel: ["мен", "мен"],
        nasal: ["мен", "мен"],
        buzzing: ["бен", "бен"],
        voiced: ["мен", "мен"],
        voiceless: ["пен", "пен"],
        is_name_like: false,
    },
];

/// Fewer letters before an ending are no name.
const MIN_STEM: usize = 4;
const BACK_VOWELS: &str = "аоұыуяюё";
const FRONT_VOWELS: &str = "әеіөүэи";
const NASALS: &str = "мнң";
const BUZZING: &str = "зж";
const VOICED: &str = "лрйғ";
const VOICELESS: &str = "пткқсшхһфбвгд";

impl Case {
    fn all(&self) -> impl Iterator<Item = &'static str> {
        [self.vowel, self.nasal, self.buzzing, self.voiced, self.voiceless].into_iter().flatten()
    }

    /// The variant that agrees with `name`, in lower case.
    fn behind(&self, name: &str) -> Option<&'static str> {
        let last = name.chars().next_back()?;
        let is_front = name.chars().rev().find_map(|letter| {
            (FRONT_VOWELS.contains(letter) || BACK_VOWELS.contains(letter)).then(|| FRONT_VOWELS.contains(letter))
        })?;
        let [back, front] = match last {
            _ if NASALS.contains(last) => self.nasal,
            _ if BUZZING.contains(last) => self.buzzing,
            _ if VOICED.contains(last) => self.voiced,
            _ if VOICELESS.contains(last) => self.voiceless,
            _ if FRONT_VOWELS.contains(last) || BACK_VOWELS.contains(last) => self.vowel,
            _ => return None,
        };
        Some(if is_front { front } else { back })
    }
}

/// How many letters of `word`, in folded letters, are a case's ending beyond doubt.
pub(crate) fn ending_of(word: &str) -> Option<usize> {
    CASES.iter().filter(|case| !case.is_name_like).find_map(|case| {
        let ending = case.all().find(|ending| word.ends_with(ending))?;
        let stem = word.strip_suffix(ending)?;
        let is_right = stem.chars().count() >= MIN_STEM && case.behind(stem) == Some(ending);
        is_right.then(|| ending.chars().count())
    })
}

/// The ending that a model put behind a name it could not see, as it agrees with `name`, in lower case.
pub(crate) fn agreeing(ending: &str, name: &str) -> Option<&'static str> {
    CASES.iter().find(|case| case.all().any(|known| known == ending))?.behind(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_that_agree_are_endings() {
        for (word, num_letters) in [
            ("нұрланның", 3),
            ("серікке", 2),
            ("айгүлге", 2),
            ("болаттың", 3),
            ("асқармен", 3),
            ("әлияның", 3),
            ("ивановтың", 3),
            ("жанболатты", 2),
            ("оразбен", 3),
        ] {
            assert_eq!(ending_of(word), Some(num_letters), "{word}");
        }
    }

    #[test]
    fn names_that_only_look_so_keep_their_letters() {
        for name in ["сұлтан", "фарида", "кармен", "нұреке", "ақтоты", "айдана", "дана", "гүлден", "арман", "марат"]
        {
            assert_eq!(ending_of(name), None, "{name}");
        }
    }

    #[test]
    fn a_blind_ending_is_made_to_agree() {
        for (ending, name, agreed) in
            [("ға", "айгүл", "ге"), ("ға", "болат", "қа"), ("нің", "марат", "тың"), ("мен", "ораз", "бен")]
        {
            assert_eq!(agreeing(ending, name), Some(agreed), "{name}");
        }
        assert_eq!(agreeing("ға", "smith"), None);
        assert_eq!(agreeing("у", "марат"), None);
    }
}
