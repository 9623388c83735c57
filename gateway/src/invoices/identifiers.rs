//! The numbers that a bank and a tax office read: each is checked as far as its own digits allow.

use std::fmt;
use std::str::FromStr;

use super::error::{BadField, Problem, read};

/// БИН or ИИН (БСН, ЖСН), 12 digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaxId {
    digits: [u8; 12],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaxIdKind {
    /// БИН: a company or another legal entity.
    Bin,
    /// ИИН: a person.
    Iin,
}

/// Of the last digit, over the eleven before it; the second where the first leaves ten.
const TAX_ID_WEIGHTS: [[u32; 11]; 2] = [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], [3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2]];

impl TaxId {
    /// The fifth digit: 0 to 3 begins a day of birth, 4 to 6 says what kind of legal entity.
    pub fn kind(self) -> TaxIdKind {
        if self.digits[4] < 4 { TaxIdKind::Iin } else { TaxIdKind::Bin }
    }

    fn is_plausible(self) -> bool {
        let pair = |index: usize| self.digits[index] * 10 + self.digits[index + 1];
        let has_month = (1..=12).contains(&pair(2));
        has_month
            && match self.kind() {
                TaxIdKind::Iin => (1..=31).contains(&pair(4)),
                TaxIdKind::Bin => (4..=6).contains(&self.digits[4]),
            }
    }

    fn check_digit(self) -> Option<u32> {
        TAX_ID_WEIGHTS.into_iter().find_map(|weights| {
            let sum: u32 = self.digits.iter().zip(weights).map(|(digit, weight)| u32::from(*digit) * weight).sum();
            Some(sum % 11).filter(|rest| *rest < 10)
        })
    }
}

impl FromStr for TaxId {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let text = text.trim();
        let mut digits = [0; 12];
        if text.len() != digits.len() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Problem::NotDigits { count: digits.len() });
        }
        for (digit, byte) in digits.iter_mut().zip(text.bytes()) {
            *digit = byte - b'0';
        }
        let id = Self { digits };
        if !id.is_plausible() {
            return Err(Problem::NoTaxpayer);
        }
        if id.check_digit() != Some(u32::from(digits[11])) {
            return Err(Problem::Checksum);
        }
        Ok(id)
    }
}

impl fmt::Display for TaxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.digits.iter().try_for_each(|digit| write!(f, "{digit}"))
    }
}

/// ИИК (ЖСК): the number of an account in Kazakhstan, an IBAN of 20 characters (ISO 13616).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Iban(String);

impl FromStr for Iban {
    type Err = Problem;

    /// Spaces between groups are as people print it.
    fn from_str(text: &str) -> Result<Self, Problem> {
        let iban: String = text.chars().filter(|c| *c != ' ').collect();
        let bytes = iban.as_bytes();
        let is_formed = bytes.len() == 20
            && bytes.starts_with(b"KZ")
            && bytes[2..7].iter().all(u8::is_ascii_digit)
            && bytes[7..].iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
        if !is_formed {
            return Err(Problem::NotKazakhIban);
        }
        let rearranged = bytes[4..].iter().chain(&bytes[..4]);
        let rest = rearranged.fold(0_u32, |rest, byte| match byte {
            b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
            letter => (rest * 100 + u32::from(letter - b'A') + 10) % 97,
        });
        if rest == 1 { Ok(Self(iban)) } else { Err(Problem::Checksum) }
    }
}

impl fmt::Display for Iban {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// БИК (БСК): the bank's, as SWIFT has it (ISO 9362). It has no check digit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bic(String);

impl FromStr for Bic {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let bytes = text.trim().as_bytes();
        let is_formed = matches!(bytes.len(), 8 | 11)
            && bytes[..4].iter().all(u8::is_ascii_uppercase)
            && &bytes[4..6] == b"KZ"
            && bytes[6..].iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
        if is_formed { Ok(Self(text.trim().to_owned())) } else { Err(Problem::NotKazakhBic) }
    }
}

impl fmt::Display for Bic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Кбе: resident or not, and the sector of the economy. 17 is a resident private company.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BeneficiaryCode(u8);

impl FromStr for BeneficiaryCode {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        match text.trim().as_bytes() {
            [residence @ b'1'..=b'2', sector @ b'1'..=b'9'] => Ok(Self((residence - b'0') * 10 + sector - b'0')),
            _ => Err(Problem::NotBeneficiaryCode),
        }
    }
}

impl fmt::Display for BeneficiaryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}", self.0)
    }
}

/// КНП: what a payment is for, three digits of the National Bank's list. 859 is "other services".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaymentPurpose(u16);

impl FromStr for PaymentPurpose {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let text = text.trim();
        let is_formed = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|_| is_formed);
        number.map(Self).ok_or(Problem::NotDigits { count: 3 })
    }
}

/// Whether an invoice could have it, before there is one.
///
/// # Errors
/// It is not three digits.
pub fn check_payment_purpose(field: &str, text: &str) -> Result<(), BadField> {
    read::<PaymentPurpose>(field, text).map(drop)
}

impl fmt::Display for PaymentPurpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_tax_id_is_read_and_knows_its_kind() {
        for (text, kind) in
            [("990440000385", TaxIdKind::Bin), ("180140000007", TaxIdKind::Bin), ("850101300123", TaxIdKind::Iin)]
        {
            let weighted = |text: &str| text.parse::<TaxId>();
            let id = weighted(&with_check_digit(&text[..11])).unwrap();
            assert_eq!(id.kind(), kind);
            assert!(id.to_string().starts_with(&text[..11]));
        }
    }

    /// As the rule has it, written another way.
    fn with_check_digit(eleven: &str) -> String {
        let digits: Vec<usize> = eleven.bytes().map(|byte| usize::from(byte - b'0')).collect();
        let rest = |shift: usize| (0..11).map(|i| digits[i] * ((i + shift) % 11 + 1)).sum::<usize>() % 11;
        let check = if rest(0) == 10 { rest(2) } else { rest(0) };
        format!("{eleven}{check}")
    }

    #[test]
    fn a_tax_id_with_a_slip_is_refused() {
        let right = with_check_digit("99044000038");
        let wrong = format!("{}{}", &right[..11], (right.as_bytes()[11] - b'0' + 1) % 10);
        assert_eq!(wrong.parse::<TaxId>(), Err(Problem::Checksum));
        for text in ["", "99044000038", "9904400003855", "99044000038x", "٩٩٠٤٤٠"] {
            assert_eq!(text.parse::<TaxId>(), Err(Problem::NotDigits { count: 12 }), "{text}");
        }
        for text in ["991340000385", "990470000385", "850132300123", "850100300123"] {
            assert_eq!(text.parse::<TaxId>(), Err(Problem::NoTaxpayer), "{text}");
        }
    }

    #[test]
    fn an_account_is_an_iban_of_kazakhstan() {
        // The example in the IBAN registry.
        let iban: Iban = "KZ86 125K ZT50 0410 0100".parse().unwrap();
        assert_eq!(iban.to_string(), "KZ86125KZT5004100100");
        assert_eq!("KZ87125KZT5004100100".parse::<Iban>(), Err(Problem::Checksum));
        for text in
            ["", "KZ86125KZT500410010", "kz86125KZT5004100100", "DE89370400440532013000", "KZ86125KZT500410010ж"]
        {
            assert_eq!(text.parse::<Iban>(), Err(Problem::NotKazakhIban), "{text}");
        }
    }

    #[test]
    fn codes_are_as_their_lists_have_them() {
        assert_eq!("HSBKKZKX".parse::<Bic>().unwrap().to_string(), "HSBKKZKX");
        for text in ["HSBKKZK", "HSBKRUKX", "hsbkkzkx", "HSBKKZKXX", "ҚSBKKZK"] {
            assert_eq!(text.parse::<Bic>(), Err(Problem::NotKazakhBic), "{text}");
        }
        assert_eq!("17".parse::<BeneficiaryCode>().unwrap().to_string(), "17");
        for text in ["", "7", "37", "10", "171"] {
            assert_eq!(text.parse::<BeneficiaryCode>(), Err(Problem::NotBeneficiaryCode), "{text}");
        }
        assert_eq!("010".parse::<PaymentPurpose>().unwrap().to_string(), "010");
        assert_eq!("+85".parse::<PaymentPurpose>(), Err(Problem::NotDigits { count: 3 }));
    }

    proptest! {
        #[test]
        fn no_text_makes_reading_panic(text in "\\PC{0,24}") {
            let _ = (text.parse::<TaxId>(), text.parse::<Iban>(), text.parse::<Bic>());
            let _ = (text.parse::<BeneficiaryCode>(), text.parse::<PaymentPurpose>());
        }

        #[test]
        fn one_wrong_digit_never_checks(eleven in "(8[0-9]|9[0-9])(0[1-9])(4|5|6)[0-9]{6}", at in 0_usize..11, by in 1_u8..10) {
            let right = with_check_digit(&eleven);
            prop_assume!(right.len() == 12);
            prop_assert!(right.parse::<TaxId>().is_ok());
            let mut wrong = right.into_bytes();
            wrong[at] = b'0' + (wrong[at] - b'0' + by) % 10;
            let wrong = String::from_utf8(wrong).unwrap();
            // Where the second weights count, one of them may hide a slip.
            let id = wrong.parse::<TaxId>();
            prop_assert!(id.is_err() || with_check_digit(&wrong[..11]) == wrong);
        }
    }
}
