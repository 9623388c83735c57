//! Country calling codes (ITU E.164) and how long national numbers are behind them.

/// `(code, shortest, longest)` of the national significant number; ascending by code. Zone 7 is
/// known in more detail in `phone`.
const CODES: &[(u16, u8, u8)] = &[
    (1, 10, 10),
    (7, 10, 10),
    (20, 8, 10),
    (27, 9, 9),
    (30, 10, 10),
    (31, 9, 9),
    (32, 8, 9),
    (33, 9, 9),
    (34, 9, 9),
    (36, 8, 9),
    (39, 8, 11),
    (40, 9, 9),
    (41, 9, 9),
    (43, 8, 12),
    (44, 9, 10),
    (45, 8, 8),
    (46, 7, 10),
    (47, 8, 8),
    (48, 9, 9),
    (49, 7, 11),
    (51, 8, 9),
    (52, 10, 11),
    (53, 8, 8),
    (54, 10, 11),
    (55, 10, 11),
    (56, 9, 9),
    (57, 10, 10),
    (58, 10, 10),
    (60, 8, 10),
    (61, 9, 9),
    (62, 8, 12),
    (63, 8, 10),
    (64, 8, 10),
    (65, 8, 8),
    (66, 8, 9),
    (81, 9, 10),
    (82, 8, 10),
    (84, 9, 10),
    (86, 10, 11),
    (90, 10, 10),
    (91, 10, 10),
    (92, 9, 10),
    (93, 9, 9),
    (94, 9, 9),
    (95, 7, 10),
    (98, 10, 10),
    (212, 9, 9),
    (213, 8, 9),
    (216, 8, 8),
    (218, 8, 9),
    (220, 7, 7),
    (221, 9, 9),
    (225, 10, 10),
    (233, 9, 9),
    (234, 8, 10),
    (237, 9, 9),
    (251, 9, 9),
    (254, 9, 9),
    (255, 9, 9),
    (256, 9, 9),
    (260, 9, 9),
    (263, 9, 9),
    (351, 9, 9),
    (352, 6, 9),
    (353, 7, 9),
    (354, 7, 7),
    (355, 8, 9),
    (356, 8, 8),
    (357, 8, 8),
    (358, 6, 10),
    (359, 7, 9),
    (370, 8, 8),
    (371, 8, 8),
    (372, 7, 8),
    (373, 8, 8),
    (374, 8, 8),
    (375, 9, 9),
    (376, 6, 6),
    (377, 8, 9),
    (380, 9, 9),
    (381, 8, 9),
    (382, 8, 8),
    (383, 8, 8),
    (385, 8, 9),
    (386, 8, 8),
    (387, 8, 8),
    (389, 8, 8),
    (420, 9, 9),
    (421, 9, 9),
    (423, 7, 7),
    (502, 8, 8),
    (503, 8, 8),
    (504, 8, 8),
    (505, 8, 8),
    (506, 8, 8),
    (507, 7, 8),
    (591, 8, 8),
    (593, 8, 9),
    (595, 9, 9),
    (598, 8, 8),
    (852, 8, 8),
    (853, 8, 8),
    (855, 8, 9),
    (856, 8, 10),
    (880, 8, 10),
    (886, 8, 9),
    (960, 7, 7),
    (961, 7, 8),
    (962, 8, 9),
    (963, 9, 9),
    (964, 10, 10),
    (965, 8, 8),
    (966, 9, 9),
    (967, 9, 9),
    (968, 8, 8),
    (970, 9, 9),
    (971, 8, 9),
    (972, 8, 9),
    (973, 8, 8),
    (974, 8, 8),
    (975, 8, 8),
    (976, 8, 8),
    (977, 8, 10),
    (992, 9, 9),
    (993, 8, 8),
    (994, 9, 9),
    (995, 9, 9),
    (996, 9, 9),
    (998, 9, 9),
];

/// Whether digits (values) are a country code and a national number of a length in use there. No
/// country code is the beginning of another, so at most one fits.
pub(crate) fn is_international(digits: &[u8]) -> bool {
    let mut code = 0_u16;
    for (len, &digit) in (1..=3_usize).zip(digits) {
        code = code * 10 + u16::from(digit);
        let found = CODES.binary_search_by_key(&code, |&(listed, _, _)| listed);
        if let Some(&(_, shortest, longest)) = found.ok().and_then(|index| CODES.get(index)) {
            let national = digits.len() - len;
            return (usize::from(shortest)..=usize::from(longest)).contains(&national)
                && digits.get(len) != Some(&0).filter(|_| code != 39 && code != 225);
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pii::detector::numbers::checks::tests::digits;

    #[test]
    fn codes_are_sorted_and_prefix_free() {
        assert!(CODES.is_sorted_by_key(|&(code, _, _)| code));
        for &(long, _, _) in CODES {
            for &(short, _, _) in CODES {
                assert!(long == short || (long / 10 != short && long / 100 != short));
            }
        }
    }

    #[test]
    fn lengths_decide() {
        for valid in ["998901234567", "12125550100", "4915112345678", "390612345678"] {
            assert!(is_international(&digits(valid)), "{valid}");
        }
        for invalid in ["99890123456", "121255501000", "999123456789", "0"] {
            assert!(!is_international(&digits(invalid)), "{invalid}");
        }
    }
}
