//! Splits a total over parts so that they add up to it: largest remainder (Hare's quota).
//!
//! Every part gets its exact share without what is less than a tiyn; the tiyn that are left go one each to the parts that
//! lost most, and among equals to those that stand first, so that the same question has one answer.

use std::cmp::Reverse;

use super::money::Tenge;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no part with a weight to give the total to")]
pub struct Indivisible;

/// One amount for each weight, in their order. No part is a tiyn or more away from its exact share, a larger weight never
/// gets less, and no weight gets nothing. A credit is split like the charge that it takes back.
///
/// # Errors
/// There are no weights, or all are zero.
pub fn allocate(total: Tenge, weights: &[u64]) -> Result<Vec<Tenge>, Indivisible> {
    Ok(allocate_units(total.tiyn(), weights)?.into_iter().map(Tenge::from_tiyn).collect())
}

/// The same of anything that is counted in whole units: tokens, the smallest part of a dollar.
///
/// # Errors
/// As [`allocate`].
pub fn allocate_units(total: i64, weights: &[u64]) -> Result<Vec<i64>, Indivisible> {
    let whole: i128 = weights.iter().copied().map(i128::from).sum();
    if whole == 0 {
        return Err(Indivisible);
    }
    // 63 bits times 64, and a sign.
    let total = i128::from(total);
    let shares: Vec<i128> = weights.iter().map(|weight| total * i128::from(*weight)).collect();
    let mut parts: Vec<i128> = shares.iter().map(|share| share / whole).collect();
    let mut losers: Vec<usize> = (0..weights.len()).collect();
    losers.sort_by_key(|index| Reverse((shares[*index] % whole).unsigned_abs()));
    // Towards zero every part has lost less than a tiyn: fewer are left than parts that have lost something.
    let mut left = total - parts.iter().sum::<i128>();
    for index in losers {
        parts[index] += left.signum();
        left -= left.signum();
    }
    // No part is more than the total.
    Ok(parts.into_iter().map(|part| part as i64).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(total: i64, weights: &[u64]) -> Vec<i64> {
        let parts = allocate(Tenge::from_tiyn(total), weights).unwrap();
        parts.into_iter().map(Tenge::tiyn).collect()
    }

    #[test]
    fn tiyn_that_are_left_go_where_most_was_lost() {
        assert_eq!(parts(100, &[1, 1, 1]), [34, 33, 33]);
        assert_eq!(parts(200, &[1, 1, 1]), [67, 67, 66]);
        assert_eq!(parts(-100, &[1, 1, 1]), [-34, -33, -33]);
        assert_eq!(parts(10, &[1, 5, 0, 94]), [0, 1, 0, 9]);
        assert_eq!(parts(1, &[1, 2, 3]), [0, 0, 1]);
        assert_eq!(parts(0, &[7, 0]), [0, 0]);
        assert_eq!(parts(i64::MIN, &[u64::MAX, 0]), [i64::MIN, 0]);
        assert_eq!(parts(i64::MAX, &[u64::MAX, u64::MAX]), [i64::MAX / 2 + 1, i64::MAX / 2]);
    }

    #[test]
    fn without_a_weight_there_is_nobody_to_pay() {
        assert_eq!(allocate(Tenge::from_tiyn(1), &[]), Err(Indivisible));
        assert_eq!(allocate(Tenge::ZERO, &[0, 0]), Err(Indivisible));
    }

    fn weights() -> impl Strategy<Value = Vec<u64>> {
        let weight = prop_oneof![Just(0_u64), 1_u64..10, any::<u64>()];
        prop::collection::vec(weight, 1..40).prop_filter("all are zero", |all| all.iter().any(|weight| *weight > 0))
    }

    proptest! {
        #[test]
        fn the_parts_are_the_total(total: i64, weights in weights()) {
            let parts = allocate(Tenge::from_tiyn(total), &weights).unwrap();
            prop_assert_eq!(parts.len(), weights.len());
            prop_assert_eq!(Tenge::sum(parts), Ok(Tenge::from_tiyn(total)));
        }

        #[test]
        fn no_part_is_a_tiyn_off_and_more_weight_is_never_less(total in 0..i64::MAX, weights in weights()) {
            let whole: u128 = weights.iter().copied().map(u128::from).sum();
            let parts = parts(total, &weights);
            for (part, weight) in parts.iter().zip(&weights) {
                let exact = u128::from(total.unsigned_abs()) * u128::from(*weight);
                let least = exact / whole;
                let given = u128::from(part.unsigned_abs());
                prop_assert!(given == least || given == least + 1 && !exact.is_multiple_of(whole));
            }
            for (part, weight) in parts.iter().zip(&weights) {
                let fair = parts.iter().zip(&weights).all(|(other, lighter)| lighter >= weight || other <= part);
                prop_assert!(fair);
            }
        }

        #[test]
        fn a_credit_is_split_like_the_charge(total in 0..i64::MAX, weights in weights()) {
            let credit: Vec<_> = parts(-total, &weights).into_iter().map(|tiyn| -tiyn).collect();
            prop_assert_eq!(credit, parts(total, &weights));
        }
    }
}
