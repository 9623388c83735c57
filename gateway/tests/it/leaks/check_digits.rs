//! The arithmetic of check digits, written from the definitions and from nothing of the crate under test.

fn numbers(digits: &str) -> Vec<u32> {
    digits.chars().map(|digit| digit.to_digit(10).unwrap()).collect()
}

fn weighted(digits: &str, weights: &[u32]) -> u32 {
    numbers(digits).iter().zip(weights).map(|(digit, weight)| digit * weight).sum()
}

/// Luhn's digit behind `digits`.
pub fn luhn(digits: &str) -> u32 {
    let doubled = |(place, digit): (usize, u32)| match place % 2 {
        0 if digit > 4 => digit * 2 - 9,
        0 => digit * 2,
        _ => digit,
    };
    let sum: u32 = numbers(digits).into_iter().rev().enumerate().map(doubled).sum();
    (10 - sum % 10) % 10
}

/// The twelfth digit of an IIN or BIN; `None` where none is issued.
pub fn iin(eleven: &str) -> Option<u32> {
    let first = weighted(eleven, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]) % 11;
    let second = weighted(eleven, &[3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2]) % 11;
    [first, second].into_iter().find(|rest| *rest < 10)
}

/// The last two digits of a SNILS.
pub fn snils(nine: &str) -> u32 {
    let sum = weighted(nine, &[9, 8, 7, 6, 5, 4, 3, 2, 1]);
    match sum % 101 {
        100 => 0,
        rest => rest,
    }
}

/// The last two digits of a person's INN.
pub fn inn(ten: &str) -> String {
    let eleventh = weighted(ten, &[7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) % 11 % 10;
    let eleven = format!("{ten}{eleventh}");
    let twelfth = weighted(&eleven, &[3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) % 11 % 10;
    format!("{eleventh}{twelfth}")
}

/// The fourteenth digit of a PINFL.
pub fn pinfl(thirteen: &str) -> u32 {
    weighted(thirteen, &[7, 3, 1, 7, 3, 1, 7, 3, 1, 7, 3, 1, 7]) % 10
}

/// The two digits behind the country.
pub fn iban(country: &str, account: &str) -> String {
    let text = format!("{account}{country}00");
    let rest = text.chars().fold(0, |rest, c| {
        let value = c.to_digit(36).unwrap();
        if value < 10 { (rest * 10 + value) % 97 } else { (rest * 100 + value) % 97 }
    });
    format!("{:02}", 98 - rest)
}

#[test]
fn agrees_with_published_examples() {
    assert_eq!((iin("90112330025"), iin("92031530050")), (Some(8), Some(0)));
    assert_eq!((luhn("411111111111111"), snils("112233445")), (1, 95));
    assert_eq!(inn("5001007322"), "59");
    assert_eq!(iban("GB", "WEST12345698765432"), "82");
}
