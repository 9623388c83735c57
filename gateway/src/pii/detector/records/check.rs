//! Check digits of neighbouring countries' numbers, as published. Digits are values 0–9; a slice of another length is
//! never valid.

/// Taxpayer number of Russia: 10 digits of an organisation, 12 of a person.
pub(super) fn is_ru_inn(digits: &[u8]) -> bool {
    const WEIGHTS: [u32; 11] = [3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8];
    let check = |len: usize| {
        let weights = WEIGHTS.iter().skip(WEIGHTS.len() - len);
        let sum: u32 = digits.iter().zip(weights).map(|(&digit, weight)| u32::from(digit) * weight).sum();
        digits.get(len).is_some_and(|&digit| u32::from(digit) == sum % 11 % 10)
    };
    match digits.len() {
        10 => check(9),
        12 => check(10) && check(11),
        _ => false,
    }
}

/// Whether the first two digits are a region of Russia.
pub(super) fn has_ru_region(digits: &[u8]) -> bool {
    matches!(digits, [tens, units, ..] if *tens * 10 + *units > 0)
}

/// Pension insurance number of Russia, 11 digits.
pub(super) fn is_snils(digits: &[u8]) -> bool {
    let Some((number, &[tens, units])) = digits.split_at_checked(9) else {
        return false;
    };
    let sum: u32 = number.iter().zip((1..=9).rev()).map(|(&digit, weight)| u32::from(digit) * weight).sum();
    let check = sum % 101 % 100;
    u32::from(tens) * 10 + u32::from(units) == check && number.iter().any(|&digit| digit != 0)
}

/// Personal number of Uzbekistan, 14 digits: sex and century, DDMMYY, district, serial, check digit.
pub(super) fn is_pinfl(digits: &[u8]) -> bool {
    if !has_pinfl_date(digits) {
        return false;
    }
    let Some((&check, rest)) = digits.split_last() else {
        return false;
    };
    let sum: u32 =
        rest.iter().zip([7, 3, 1].into_iter().cycle()).map(|(&digit, weight)| u32::from(digit) * weight).sum();
    u32::from(check) == sum % 10
}

/// Fourteen digits that begin like a Uzbek number.
pub(super) fn has_pinfl_date(digits: &[u8]) -> bool {
    match digits {
        [1..=6, d1, d2, m1, m2, ..] if digits.len() == 14 => is_day(*d1, *d2) && is_month(*m1, *m2),
        _ => false,
    }
}

/// Personal number of Kyrgyzstan, 14 digits: sex, DDMMYYYY, serial.
pub(super) fn is_kg_pin(digits: &[u8]) -> bool {
    match digits {
        [1 | 2, d1, d2, m1, m2, y1, y2, y3, _, ..] if digits.len() == 14 => {
            let is_year = matches!((y1, y2, y3), (1, 9, _) | (2, 0, 0..=2));
            is_day(*d1, *d2) && is_month(*m1, *m2) && is_year
        }
        _ => false,
    }
}

/// Social security number of the United States, 9 digits: what was ever issued.
pub(super) fn is_ssn(digits: &[u8]) -> bool {
    let &[a1, a2, a3, g1, g2, s1, s2, s3, s4] = digits else {
        return false;
    };
    let is_area = !matches!((a1, a2, a3), (0, 0, 0) | (6, 6, 6) | (9, _, _));
    is_area && (g1, g2) != (0, 0) && (s1, s2, s3, s4) != (0, 0, 0, 0)
}

fn is_day(tens: u8, units: u8) -> bool {
    (1..=31).contains(&(tens * 10 + units))
}

fn is_month(tens: u8, units: u8) -> bool {
    (1..=12).contains(&(tens * 10 + units))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pii::detector::numbers::checks::tests::digits;

    #[test]
    fn published_numbers() {
        for valid in ["7707083893", "7830002293", "500100732259"] {
            assert!(is_ru_inn(&digits(valid)), "{valid}");
        }
        for invalid in ["7707083894", "500100732258", "500100732249", "770708389", ""] {
            assert!(!is_ru_inn(&digits(invalid)), "{invalid}");
        }
        assert!(is_snils(&digits("11223344595")));
        assert!(!is_snils(&digits("11223344596")));
        assert!(!is_snils(&digits("1122334459")));
        assert!(!is_snils(&digits("00000000000")));
    }

    #[test]
    fn numbers_with_dates() {
        // 3 190687 215 006: 3·7+1·3+9·1+0·7+6·3+8·1+7·7+2·3+1·1+5·7+0·3+0·1+6·7 = 192.
        assert!(is_pinfl(&digits("31906872150062")));
        assert!(!is_pinfl(&digits("31906872150063")));
        assert!(!is_pinfl(&digits("33206872150062")));
        assert!(is_kg_pin(&digits("20907199400318")));
        assert!(!is_kg_pin(&digits("30907199400318")));
        assert!(!is_kg_pin(&digits("20913199400318")));
        assert!(!is_kg_pin(&digits("20261122070500")));
    }

    #[test]
    fn social_security_numbers_that_were_never_issued() {
        assert!(is_ssn(&digits("536904399")));
        for invalid in ["000904399", "666904399", "936904399", "536004399", "536900000", "53690439"] {
            assert!(!is_ssn(&digits(invalid)), "{invalid}");
        }
    }
}
