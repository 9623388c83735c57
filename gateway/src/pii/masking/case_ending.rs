//! Endings that a model puts behind a token because the sentence asks for a case: «[PERSON_…]у» is «Иванову», of «Анна»
//! it is «Анну», and «[PERSON_…]ға» of «Айгүл» is «Айгүлге».
//!
//! What always holds: the name is only changed in ways that its declension knows. Where it does not decline
//! («Шевченко») it stays whole; where the ending says nothing for it, nothing is joined.

use super::kazakh_case;

/// Longer endings are none.
pub(crate) const MAX_LETTERS: usize = 3;

const ENDINGS: [&str; 22] = [
    "а", "я", "у", "ю", "е", "ы", "и", "ой", "ей", "ою", "ею", "ом", "ем", "ым", "им", "ого", "его", "ому", "ему",
    "ую", "юю", "ых",
];
const HUSHING: &str = "жшчщц";

/// `name` with an ending, given in lower case; `None` when the two do not go together.
pub(crate) fn joined(name: &str, ending: &str) -> Option<String> {
    // «Иванов И. И.»: the surname declines, not the initials.
    let is_initials = |word: &&str| word.contains('.') || word.chars().count() == 1;
    let last_name = name.split_whitespace().rev().find(|word| !is_initials(word))?;
    let start = name.rfind(last_name)?;
    let (before, rest) = name.split_at_checked(start)?;
    let after = rest.get(last_name.len()..)?;
    Some(format!("{before}{}{after}", word_with(last_name, ending)?))
}

fn word_with(word: &str, ending: &str) -> Option<String> {
    let lower = word.to_lowercase();
    let (drop, add) = match kazakh_case::agreeing(ending, &lower) {
        Some(agreeing) => (0, agreeing),
        None if ENDINGS.contains(&ending) => russian(&lower, ending)?,
        None => return None,
    };
    let kept = word.chars().count().checked_sub(drop)?;
    let mut changed: String = word.chars().take(kept).collect();
    let is_capitals = word.chars().count() > 1 && !word.chars().any(char::is_lowercase);
    if is_capitals {
        changed.extend(add.chars().flat_map(char::to_uppercase));
    } else {
        changed.push_str(add);
    }
    Some(changed)
}

/// Letters to drop and letters to add, by the last letters of the name in lower case.
fn russian<'e>(name: &str, ending: &'e str) -> Option<(usize, &'e str)> {
    let mut letters = name.chars().rev();
    let (last, before) = (letters.next()?, letters.next()?);
    match last {
        'й' if ["ский", "цкий", "ской", "цкой"].iter().any(|tail| name.ends_with(tail)) => {
            adjective(ending)
        }
        'й' => soft(ending, before),
        'ь' => soft(ending, last),
        'а' if name.ends_with("ова") || name.ends_with("ева") => match ending {
            "у" | "ю" => Some((1, "у")),
            "ы" | "и" | "е" | "ой" | "ей" | "ою" => Some((1, "ой")),
            _ => None,
        },
        'а' => in_a(ending, before),
        'я' if name.ends_with("ая") => match ending {
            "у" | "ю" | "ую" => Some((2, "ую")),
            "ы" | "и" | "е" | "ой" | "ей" => Some((2, "ой")),
            _ => None,
        },
        'я' => in_ya(ending, before),
        'о' | 'е' | 'ё' | 'и' | 'у' | 'ы' | 'э' | 'ю' => Some((0, "")),
        _ if last.is_alphabetic() && !last.is_ascii() => Some((0, hard(name, ending, last))),
        _ => None,
    }
}

/// What a name on a consonant adds.
fn hard<'e>(name: &str, ending: &'e str, last: char) -> &'e str {
    let is_possessive = ["ов", "ев", "ёв", "ин", "ын"].iter().any(|tail| name.ends_with(tail));
    match ending {
        "я" => "а",
        "ю" => "у",
        "ом" | "ем" | "им" if is_possessive => "ым",
        "ем" if !HUSHING.contains(last) => "ом",
        "ом" if HUSHING.contains(last) => "ем",
        other => other,
    }
}

fn adjective(ending: &str) -> Option<(usize, &'static str)> {
    match ending {
        "а" | "я" | "ого" | "его" => Some((2, "ого")),
        "у" | "ю" | "ому" | "ему" => Some((2, "ому")),
        "ым" | "им" => Some((2, "им")),
        "ом" | "ем" | "е" => Some((2, "ом")),
        _ => None,
    }
}

fn soft(ending: &str, before: char) -> Option<(usize, &'static str)> {
    match ending {
        "а" | "я" => Some((1, "я")),
        "у" | "ю" => Some((1, "ю")),
        "ом" | "ем" => Some((1, "ем")),
        "е" if before == 'и' => Some((1, "и")),
        "е" => Some((1, "е")),
        _ => None,
    }
}

fn in_a(ending: &str, before: char) -> Option<(usize, &'static str)> {
    let is_hushing = HUSHING.contains(before);
    match ending {
        "ы" | "и" if matches!(before, 'г' | 'к' | 'х' | 'ж' | 'ш' | 'ч' | 'щ') => Some((1, "и")),
        "ы" | "и" => Some((1, "ы")),
        "у" | "ю" => Some((1, "у")),
        "е" => Some((1, "е")),
        "ой" | "ей" | "ою" | "ею" => Some((1, if is_hushing { "ей" } else { "ой" })),
        _ => None,
    }
}

fn in_ya(ending: &str, before: char) -> Option<(usize, &'static str)> {
    match ending {
        "ы" | "и" => Some((1, "и")),
        "у" | "ю" => Some((1, "ю")),
        "е" if before == 'и' => Some((1, "и")),
        "е" => Some((1, "е")),
        "ой" | "ей" | "ою" | "ею" => Some((1, "ей")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_take_the_ending_that_is_theirs() {
        for (name, ending, expected) in [
            ("Иванов", "у", "Иванову"),
            ("Иванов", "ом", "Ивановым"),
            ("ИВАНОВ", "у", "ИВАНОВУ"),
            ("Иванова", "е", "Ивановой"),
            ("Иванова", "у", "Иванову"),
            ("Анна", "у", "Анну"),
            ("Ольга", "ы", "Ольги"),
            ("Мария", "е", "Марии"),
            ("Наталья", "ой", "Натальей"),
            ("Андрей", "у", "Андрею"),
            ("Игорь", "ом", "Игорем"),
            ("Крупский", "у", "Крупскому"),
            ("Крупская", "е", "Крупской"),
            ("Абрамович", "ом", "Абрамовичем"),
            ("Шевченко", "у", "Шевченко"),
            ("Иван Петров", "у", "Иван Петрову"),
            ("Иванов И. И.", "у", "Иванову И. И."),
            ("Нұрлан", "ға", "Нұрланға"),
            ("Айгүл", "ға", "Айгүлге"),
            ("Серік", "нің", "Серіктің"),
            ("Әлия", "мен", "Әлиямен"),
        ] {
            assert_eq!(joined(name, ending).as_deref(), Some(expected), "{name}+{ending}");
        }
    }

    #[test]
    fn what_does_not_go_together_is_not_joined() {
        for (name, ending) in
            [("Smith", "у"), ("Smith", "ға"), ("Анна", "ого"), ("Иванов", "то"), ("И.", "у"), ("", "у")]
        {
            assert_eq!(joined(name, ending), None, "{name}+{ending}");
        }
    }
}
