//! Check digits and structure of numbers, as published: IIN and BIN (Kazakhstan), Luhn
//! (ISO/IEC 7812), mod 97 (ISO 7064), EAN-13. Digits are values 0–9, not ASCII. A slice of another
//! length is never valid.

/// The check digit of an IIN or BIN from its first eleven digits; `None` for the combinations that
/// are never issued.
pub(crate) fn kazakh_check_digit(first_eleven: &[u8]) -> Option<u8> {
    const FIRST: [u32; 11] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
    const SECOND: [u32; 11] = [3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2];
    let remainder = |weights: [u32; 11]| {
        let sum: u32 = first_eleven.iter().zip(weights).map(|(&digit, weight)| u32::from(digit) * weight).sum();
        u8::try_from(sum % 11).ok().filter(|&check| check < 10)
    };
    if first_eleven.len() != 11 {
        return None;
    }
    remainder(FIRST).or_else(|| remainder(SECOND))
}

/// A date of birth, a digit of century and sex, and the check digit.
pub(crate) fn is_iin(digits: &[u8]) -> bool {
    has_iin_date(digits) && has_kazakh_check_digit(digits)
}

/// A month of registration, the kind of entity, its mark, and the check digit.
pub(crate) fn is_bin(digits: &[u8]) -> bool {
    let &[_, _, month_tens, month_units, kind, mark, ..] = digits else {
        return false;
    };
    (1..=12).contains(&(month_tens * 10 + month_units))
        && (4..=6).contains(&kind)
        && mark <= 3
        && has_kazakh_check_digit(digits)
}

/// Whether the first seven digits could be a date of birth and a century. The year's leap day is
/// not checked: a wrong 29 February is rarer than a wrongly recorded one.
pub(crate) fn has_iin_date(digits: &[u8]) -> bool {
    let &[_, _, month_tens, month_units, day_tens, day_units, century, ..] = digits else {
        return false;
    };
    let last_day = match month_tens * 10 + month_units {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 29,
        _ => return false,
    };
    (1..=last_day).contains(&(day_tens * 10 + day_units)) && (1..=6).contains(&century)
}

fn has_kazakh_check_digit(digits: &[u8]) -> bool {
    digits.split_last().is_some_and(|(check, rest)| kazakh_check_digit(rest) == Some(*check))
}

/// The Luhn sum is a multiple of ten.
pub(crate) fn is_luhn(digits: &[u8]) -> bool {
    let doubled = |digit: u8| u32::from(digit) * 2 - if digit > 4 { 9 } else { 0 };
    let (first, pairs) = digits.as_rchunks::<2>();
    let single: u32 = first.iter().map(|&digit| u32::from(digit)).sum();
    let sum = single + pairs.iter().map(|&[tens, units]| doubled(tens) + u32::from(units)).sum::<u32>();
    !digits.is_empty() && sum.is_multiple_of(10)
}

/// The check digit of a bar code of 13 digits.
pub(crate) fn is_ean13(digits: &[u8]) -> bool {
    let sum: u32 =
        digits.iter().zip([1, 3].into_iter().cycle()).map(|(&digit, weight)| u32::from(digit) * weight).sum();
    digits.len() == 13 && sum.is_multiple_of(10)
}

/// An IBAN's remainder is 1. `iban` is the country, two check digits and the account in ASCII
/// letters (either case) and digits.
pub(crate) fn is_mod97(iban: &[u8]) -> bool {
    let Some((head, account)) = iban.split_at_checked(4) else {
        return false;
    };
    let mut remainder = 0_u32;
    for &byte in account.iter().chain(head) {
        let Some(value) = char::from(byte).to_digit(36) else {
            return false;
        };
        let shift = if value < 10 { 10 } else { 100 };
        remainder = (remainder * shift + value) % 97;
    }
    remainder == 1
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn digits(text: &str) -> Vec<u8> {
        text.bytes().map(|byte| byte - b'0').collect()
    }

    #[test]
    fn published_iins() {
        for valid in ["901123300258", "850101300124", "991231405675", "070615601231", "920315300500"] {
            assert!(is_iin(&digits(valid)), "{valid}");
        }
        for invalid in
            ["850101300123", "991331405004", "070615901234", "920315300550", "90112330025", "9011233002580", ""]
        {
            assert!(!is_iin(&digits(invalid)), "{invalid}");
        }
        assert_eq!(kazakh_check_digit(&digits("92031530055")), None);
    }

    #[test]
    fn bins_have_their_own_structure() {
        // 990440 + serial, check digit by the first pass; the same number is no IIN.
        let mut bin = digits("99044000123");
        let check = kazakh_check_digit(&bin);
        bin.extend(check);
        assert!(is_bin(&bin));
        assert!(!is_iin(&bin));
        assert!(!is_bin(&digits("901123300258")));
        bin[11] = (bin[11] + 1) % 10;
        assert!(!is_bin(&bin));
    }

    #[test]
    fn luhn_and_bar_codes() {
        for valid in ["4400430212345679", "79927398713", "378282246310005"] {
            assert!(is_luhn(&digits(valid)), "{valid}");
        }
        assert!(!is_luhn(&digits("4400430212345670")));
        assert!(!is_luhn(&[]));
        assert!(is_ean13(&digits("4006381333931")));
        assert!(!is_ean13(&digits("4006381333932")));
    }

    #[test]
    fn iban_examples_of_the_registry() {
        for valid in ["KZ86125KZT5004100100", "GB29NWBK60161331926819", "de89370400440532013000"] {
            assert!(is_mod97(valid.as_bytes()), "{valid}");
        }
        assert!(!is_mod97(b"KZ87125KZT5004100100"));
        assert!(!is_mod97(b"KZ8"));
        assert!(!is_mod97("KZ86125К".as_bytes()));
    }
}
