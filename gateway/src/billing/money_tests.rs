//! Tenge: what is written and read, and that no tiyn comes or goes.

use proptest::prelude::*;

use super::*;

fn tenge(text: &str) -> Tenge {
    text.parse().unwrap()
}

#[test]
fn amounts_stand_as_on_an_invoice() {
    for (tiyn, text) in [
        (0, "0,00"),
        (5, "0,05"),
        (99_999, "999,99"),
        (100_000, "1 000,00"),
        (123_456_789, "1 234 567,89"),
        (-123_456, "-1 234,56"),
        (i64::MAX, "92 233 720 368 547 758,07"),
        (i64::MIN, "-92 233 720 368 547 758,08"),
    ] {
        assert_eq!(Tenge::from_tiyn(tiyn).to_string(), text.replace(' ', "\u{a0}"));
    }
    assert_eq!(format!("{:>10}", Tenge::from_tiyn(1)), "      0,01");
}

#[test]
fn an_amount_is_read_however_it_is_usually_written() {
    for text in [
        "1234567,8",
        "1234567.80",
        "1 234 567,80",
        "1\u{a0}234\u{a0}567,8",
        "1\u{202f}234\u{202f}567.80",
        " 1234567,80\n",
    ] {
        assert_eq!(tenge(text), Tenge::from_tiyn(123_456_780), "{text}");
    }
    assert_eq!(tenge("-0,01"), Tenge::from_tiyn(-1));
    assert_eq!(tenge("15"), Tenge::from_tiyn(1_500));
}

#[test]
fn what_could_mean_something_else_is_refused() {
    for text in
        ["", "-", "тенге", "1,234,567.89", "1.234.567,89", "12 34,00", "1234 567", "1  000", "1 ,5", "- 5", "5,", ",5"]
    {
        assert_eq!(text.parse::<Tenge>(), Err(BadAmount::NotANumber), "{text}");
    }
    for text in ["1,234", "0.001", "1,000"] {
        assert_eq!(text.parse::<Tenge>(), Err(BadAmount::TooFine { max_digits: 2 }), "{text}");
    }
    for text in ["92233720368547758,08", "-92233720368547758,09", &"9".repeat(60)] {
        assert_eq!(text.parse::<Tenge>(), Err(BadAmount::TooLarge), "{text}");
    }
}

#[test]
fn what_does_not_fit_is_an_error() {
    let (most, least, one) = (Tenge::from_tiyn(i64::MAX), Tenge::from_tiyn(i64::MIN), Tenge::from_tiyn(1));
    assert_eq!(most.plus(one), Err(TooLarge));
    assert_eq!(least.minus(one), Err(TooLarge));
    assert_eq!(least.times(-1), Err(TooLarge));
    assert_eq!(most.part(u64::MAX, NonZeroU64::MIN), Err(TooLarge));
    assert_eq!(least.part(u64::MAX, NonZeroU64::MIN), Err(TooLarge));
    assert_eq!(Tenge::sum([most, one]), Err(TooLarge));
    assert_eq!(Tenge::sum([most, one, least]), Ok(Tenge::ZERO));
}

#[test]
fn a_part_is_rounded_to_the_nearest_tiyn_and_half_to_even() {
    let hundred = NonZeroU64::new(100).unwrap();
    for (sum, tax) in [("1000,00", "160,00"), ("0,03", "0,00"), ("0,04", "0,01"), ("1,00", "0,16")] {
        assert_eq!(tenge(sum).part(16, hundred), Ok(tenge(tax)), "{sum}");
    }
    for (sum, half) in [("0,01", "0,00"), ("0,03", "0,02"), ("0,05", "0,02"), ("-0,03", "-0,02")] {
        assert_eq!(tenge(sum).part(50, hundred), Ok(tenge(half)), "{sum}");
    }
    assert_eq!(tenge("1160,00").part(16, NonZeroU64::new(116).unwrap()), Ok(tenge("160,00")));
}

proptest! {
    #[test]
    fn what_is_displayed_is_read_again(tiyn: i64) {
        let amount = Tenge::from_tiyn(tiyn);
        prop_assert_eq!(amount.to_string().parse(), Ok(amount));
    }

    #[test]
    fn no_text_makes_reading_panic(text in "[-0-9 .,\u{a0}ж]{0,30}") {
        if let Ok(amount) = text.parse::<Tenge>() {
            prop_assert_eq!(amount.to_string().parse(), Ok(amount));
        }
    }

    #[test]
    fn a_sum_does_not_depend_on_its_order(tiyn in prop::collection::vec(any::<i64>(), 0..20)) {
        let forwards = Tenge::sum(tiyn.iter().copied().map(Tenge::from_tiyn));
        let backwards = Tenge::sum(tiyn.iter().rev().copied().map(Tenge::from_tiyn));
        prop_assert_eq!(forwards, backwards);
    }

    #[test]
    fn what_was_added_can_be_taken_away(left: i64, right: i64) {
        let (left, right) = (Tenge::from_tiyn(left), Tenge::from_tiyn(right));
        if let Ok(sum) = left.plus(right) {
            prop_assert_eq!(sum.minus(right), Ok(left));
            prop_assert_eq!(Tenge::sum([left, right]), Ok(sum));
        }
    }

    #[test]
    fn the_tax_in_a_sum_and_on_it_agree(net in -1_000_000_000_000_i64..1_000_000_000_000) {
        let net = Tenge::from_tiyn(net);
        let tax = net.part(16, NonZeroU64::new(100).unwrap()).unwrap();
        let gross = net.plus(tax).unwrap();
        prop_assert_eq!(gross.part(16, NonZeroU64::new(116).unwrap()), Ok(tax));
    }
}
