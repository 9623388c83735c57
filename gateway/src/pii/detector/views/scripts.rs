//! Words that mix Cyrillic and Latin letters which look alike, brought back to one script: "ИИH" with a Latin H is "иин",
//! "mаil" with a Cyrillic а is "mail". The other script is only left where every letter of it has a twin; a word for
//! which that does not hold stays as it is.

/// What the letters of one word are drawn with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Mixture {
    latin: u32,
    cyrillic: u32,
    latin_without_twin: u32,
    cyrillic_without_twin: u32,
}

/// The script that a mixed word is brought to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Script {
    Latin,
    Cyrillic,
}

impl Mixture {
    /// Adds a folded letter; `source` is how it was written.
    pub(crate) fn add(&mut self, folded: char, source: char) {
        match folded {
            'a'..='z' => {
                self.latin += 1;
                self.latin_without_twin += u32::from(to_cyrillic(folded, source).is_none());
            }
            'α'..='ω' | 'а'..='ӿ' => {
                self.cyrillic += 1;
                self.cyrillic_without_twin += u32::from(to_latin(folded, source).is_none());
            }
            // "ş", "ğ": Latin letters that Kazakh and Turkish have of their own.
            'à'..='ɏ' => {
                self.latin += 1;
                self.latin_without_twin += 1;
            }
            _ => {}
        }
    }

    /// Whether every letter has a twin, so that the word may be of either script.
    pub(crate) fn is_open(self) -> bool {
        self.latin_without_twin == 0 && self.cyrillic_without_twin == 0
    }

    /// The script that has more letters of its own.
    pub(crate) fn leaning(self) -> Option<Script> {
        match self.latin_without_twin.cmp(&self.cyrillic_without_twin) {
            std::cmp::Ordering::Less => Some(Script::Cyrillic),
            std::cmp::Ordering::Equal => None,
            std::cmp::Ordering::Greater => Some(Script::Latin),
        }
    }

    /// Where a mixed word belongs.
    pub(crate) fn target(self) -> Option<Script> {
        match (self.latin_without_twin, self.cyrillic_without_twin) {
            (0, 0) if self.latin > self.cyrillic => Some(Script::Latin),
            (0, _) => Some(Script::Cyrillic),
            (_, 0) => Some(Script::Latin),
            _ => None,
        }
    }
}

/// The letter in the script of its word.
pub(crate) fn unified(folded: char, source: char, target: Script) -> char {
    match target {
        Script::Latin => to_latin(folded, source),
        Script::Cyrillic => to_cyrillic(folded, source),
    }
    .unwrap_or(folded)
}

fn to_cyrillic(folded: char, source: char) -> Option<char> {
    let twin = match folded {
        'a' => 'а',
        'b' if source == 'B' => 'в',
        'b' => 'ь',
        'c' => 'с',
        'e' => 'е',
        'h' if source == 'H' => 'н',
        'h' => 'һ',
        'i' => 'і',
        'k' => 'к',
        'm' => 'м',
        'n' if source == 'n' => 'п',
        'o' => 'о',
        'p' => 'р',
        't' => 'т',
        'u' if source == 'u' => 'и',
        'x' => 'х',
        'y' if source == 'Y' => 'ү',
        'y' => 'у',
        'α' => 'а',
        'β' => 'в',
        'ε' => 'е',
        'η' => 'н',
        'κ' => 'к',
        'μ' => 'м',
        'ο' => 'о',
        'ρ' => 'р',
        'τ' => 'т',
        'χ' => 'х',
        'а'..='ӿ' => folded,
        _ => return None,
    };
    Some(twin)
}

fn to_latin(folded: char, source: char) -> Option<char> {
    let twin = match folded {
        'а' | 'α' => 'a',
        'в' if source == 'В' => 'b',
        'ь' => 'b',
        'β' => 'b',
        'с' => 'c',
        'ԁ' => 'd',
        'е' | 'ε' => 'e',
        'н' if source == 'Н' => 'h',
        'һ' | 'η' => 'h',
        'і' | 'ι' => 'i',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'м' | 'μ' => 'm',
        'о' | 'ο' => 'o',
        'р' | 'ρ' => 'p',
        'ѕ' => 's',
        'т' | 'τ' => 't',
        'х' | 'χ' => 'x',
        'у' | 'ү' => 'y',
        'ζ' => 'z',
        'a'..='z' => folded,
        _ => return None,
    };
    Some(twin)
}

#[cfg(test)]
mod tests {
    use crate::pii::detector::views::normalize::View;

    fn folded(source: &str) -> String {
        String::from_utf8_lossy(View::new(source).bytes()).into_owned()
    }

    #[test]
    fn look_alikes_are_brought_to_the_script_of_their_word() {
        for (source, expected) in [
            ("ИИH", "иин"),
            ("ЖCН", "жсн"),
            ("mаil", "mail"),
            ("пapoль", "пароль"),
            ("Ивaнoв", "иванов"),
            ("Іvаnоv", "ivanov"),
            ("КZ86", "kz86"),
            ("Cейткалиeва", "сейткалиева"),
            ("ΙΙΝ", "ιιν"),
            ("Жunior", "жunior"),
        ] {
            assert_eq!(folded(source), expected, "{source}");
        }
    }

    #[test]
    fn ranges_still_lead_back() {
        let source = "a Ивaн\u{ad}oв б";
        let view = View::new(source);
        let text = String::from_utf8_lossy(view.bytes()).into_owned();
        assert_eq!(text, "a иванов б");
        let at = text.find("иванов").map(|at| view.source_range(at..at + "иванов".len()));
        assert_eq!(at.and_then(|range| source.get(range)), Some("Ивaн\u{ad}oв"));
        let tail = text.find('б').map(|at| view.source_range(at..at + 2));
        assert_eq!(tail.and_then(|range| source.get(range)), Some("б"));
    }
}
