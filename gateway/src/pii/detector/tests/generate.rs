//! Valid numbers from a seed, by arithmetic of its own: a mistake in `checks` would not repeat here.

/// A small generator (splitmix64): enough for tests, the same on every machine.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(super) fn digits(&mut self, len: usize) -> String {
        (0..len).map(|_| char::from(b'0' + u8::try_from(self.below(10)).unwrap_or(0))).collect()
    }
}

pub(super) fn iin(seed: u64) -> String {
    let mut random = Random(seed);
    loop {
        let head = format!(
            "{:02}{:02}{:02}{}{:04}",
            random.below(100),
            1 + random.below(12),
            1 + random.below(28),
            1 + random.below(6),
            random.below(10_000),
        );
        if let Some(check) = check_digit(&head) {
            return format!("{head}{check}");
        }
    }
}

/// The published formula, written out with the second pass as a rotation of the first.
fn check_digit(head: &str) -> Option<u64> {
    let pass = |shift: u64| {
        let sum: u64 = head
            .chars()
            .zip(0_u64..)
            .map(|(digit, place)| u64::from(u32::from(digit) - 48) * ((place + shift) % 11 + 1))
            .sum();
        Some(sum % 11).filter(|&check| check != 10)
    };
    pass(0).or_else(|| pass(2))
}

pub(super) fn card(seed: u64) -> String {
    let mut random = Random(seed);
    let prefixes = ["4400", "5169", "6763", "2200", "2204", "9860", "8600", "4276", "5536", "2221"];
    let index = usize::try_from(random.below(10)).unwrap_or(0);
    let head = format!("{}{}", prefixes.get(index).unwrap_or(&"4400"), random.digits(11));
    let sum: u32 = head
        .bytes()
        .zip([2, 1].into_iter().cycle())
        .map(|(byte, weight)| {
            let product = u32::from(byte - b'0') * weight;
            product / 10 + product % 10
        })
        .sum();
    format!("{head}{}", (10 - sum % 10) % 10)
}

pub(super) fn kazakh_iban(seed: u64) -> String {
    let mut random = Random(seed);
    let alphabet = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let mut account = random.digits(3);
    for _ in 0..13 {
        let index = usize::try_from(random.below(36)).unwrap_or(0);
        account.push(char::from(alphabet.get(index).copied().unwrap_or(b'0')));
    }
    // "KZ00" behind the account: K = 20, Z = 35.
    let remainder = format!("{account}KZ00").chars().fold(0_u64, |rest, character| {
        let value = u64::from(character.to_digit(36).unwrap_or(0));
        if value > 9 { (rest * 100 + value) % 97 } else { (rest * 10 + value) % 97 }
    });
    format!("KZ{:02}{account}", 98 - remainder)
}

pub(super) fn mobile(seed: u64) -> String {
    let mut random = Random(seed);
    let areas = ["701", "702", "705", "707", "747", "771", "775", "776", "777", "778", "700", "727"];
    let index = usize::try_from(random.below(12)).unwrap_or(0);
    format!("{}{}", areas.get(index).unwrap_or(&"701"), random.digits(7))
}
