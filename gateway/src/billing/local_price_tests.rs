//! What local models cost.

use proptest::prelude::*;

use super::*;

fn rate(text: &str) -> TengeRate {
    text.parse().unwrap()
}

fn tokens(prompt: u64, completion: u64) -> Usage {
    Usage { prompt_tokens: Some(prompt), completion_tokens: Some(completion), ..Usage::default() }
}

fn per_token() -> LocalPrice {
    let (thousand_prompt_tokens, thousand_completion_tokens) = (Some(rate("0.05")), Some(rate("0.2")));
    LocalPrice::PerUnit(UnitPrice { thousand_prompt_tokens, thousand_completion_tokens, audio_hour: None })
}

fn tiyn(price: &LocalPrice, usage: &Usage) -> i64 {
    price.cost(usage, None, Factor::ONE).unwrap().tiyn()
}

#[test]
fn tokens_cost_tenge_and_the_line_is_rounded_once() {
    // 0.05 tenge and 0.2 tenge, of which 100 tiyn are one.
    assert_eq!(tiyn(&per_token(), &tokens(1_000, 1_000)), 25);
    assert_eq!(tiyn(&per_token(), &tokens(100, 0)), 0);
    assert_eq!(tiyn(&per_token(), &tokens(300, 0)), 2);
    assert_eq!(tiyn(&per_token(), &tokens(100, 25)), 1);
    let half = per_token().cost(&tokens(1_000, 1_000), None, Factor::from_permille(500)).unwrap();
    assert_eq!(half.tiyn(), 12);
}

#[test]
fn without_a_price_it_is_free_and_says_so() {
    let prices = LocalPrices::default();
    let price = prices.price("qwen3-8b", "2026-12-01".parse().unwrap());
    assert_eq!((tiyn(price, &tokens(1_000, 1_000)), price.version("qwen3-8b").as_str()), (0, "local-free"));
}

#[test]
fn a_version_names_price_and_model() {
    let version = per_token().version("a");
    assert!(version.starts_with("local-") && version.len() == 14, "{version}");
    assert_ne!(version, per_token().version("b"));
    assert_ne!(version, LocalPrice::PerGpuHour(Tenge::from_tiyn(1)).version("a"));
}

#[test]
fn what_has_no_price_is_an_error() {
    let only_prompt = UnitPrice { thousand_prompt_tokens: Some(rate("1")), ..UnitPrice::default() };
    let price = LocalPrice::PerUnit(only_prompt);
    assert_eq!(tiyn(&price, &tokens(1_000, 0)), 100);
    let cost = |usage: &Usage| price.cost(usage, None, Factor::ONE);
    assert_eq!(cost(&tokens(1, 1)), Err(NoLocalCost::Unpriced(Measure::CompletionTokens)));
    let heard = Usage { audio_ms: Some(1), ..Usage::default() };
    assert_eq!(cost(&heard), Err(NoLocalCost::Unpriced(Measure::AudioMs)));
    assert_eq!(tiyn(&price, &Usage { audio_ms: Some(1), ..tokens(1_000, 0) }), 100);
    let by_hour = LocalPrice::PerUnit(UnitPrice { audio_hour: Some(rate("36")), ..UnitPrice::default() });
    assert_eq!(tiyn(&by_hour, &Usage { audio_ms: Some(100_000), ..tokens(5, 5) }), 100);
    assert_eq!(by_hour.cost(&tokens(5, 5), None, Factor::ONE), Err(NoLocalCost::Unpriced(Measure::PromptTokens)));
    let dear = LocalPrice::PerUnit(UnitPrice { thousand_prompt_tokens: Some(rate("10000000000")), ..only_prompt });
    assert_eq!(dear.cost(&tokens(u64::MAX, 0), None, Factor::ONE), Err(NoLocalCost::TooLarge));
}

#[test]
fn a_device_costs_by_its_time_at_once_and_by_its_hours_in_the_end() {
    let hour = Tenge::from_tiyn(150_000);
    let price = LocalPrice::PerGpuHour(hour);
    assert_eq!(price.cost(&tokens(9, 9), Some(2_400), Factor::ONE).unwrap().tiyn(), 100);
    assert_eq!(price.cost(&tokens(9, 9), None, Factor::ONE), Err(NoLocalCost::NoDeviceTime));
    // Ten hours, for what worked one of them and two.
    let shares = spread(hour, 36_000_000, &[1, 2]).unwrap();
    assert_eq!(shares, [Tenge::from_tiyn(500_000), Tenge::from_tiyn(1_000_000)]);
    assert_eq!(spread(hour, 1, &[]), Err(NotSpread::Indivisible(Indivisible)));
    assert_eq!(spread(Tenge::from_tiyn(i64::MAX), u64::MAX, &[1]), Err(NotSpread::TooLarge(TooLarge)));
}

#[test]
fn a_price_holds_from_its_day_on() {
    let mut prices = LocalPrices::default();
    let day = |text: &str| text.parse::<Date>().unwrap();
    assert!(prices.add("m", Some(day("2026-12-01")), per_token()));
    assert!(prices.add("m", Some(day("2027-01-01")), LocalPrice::Free));
    assert!(!prices.add("m", Some(day("2027-01-01")), per_token()));
    assert_eq!(*prices.price("m", day("2026-11-30")), LocalPrice::Free);
    assert_eq!(*prices.price("m", day("2026-12-31")), per_token());
    assert_eq!(*prices.price("m", day("2027-01-01")), LocalPrice::Free);
    assert_eq!(*prices.price("other", day("2026-12-31")), LocalPrice::Free);
}

#[test]
fn prices_are_exact_and_not_below_zero() {
    for (text, error) in [
        ("-0.05", BadAmount::NotPositive),
        ("0.0000001", BadAmount::TooFine { max_digits: 6 }),
        ("0,05", BadAmount::NotANumber),
        ("99999999999999999999", BadAmount::TooLarge),
    ] {
        assert_eq!(text.parse::<TengeRate>(), Err(error), "{text}");
    }
}

proptest! {
    #[test]
    fn more_never_costs_less(prompt in 0_u64..1 << 40, completion in 0_u64..1 << 40, more in 0_u64..1 << 40) {
        let cost = |usage: &Usage| per_token().cost(usage, None, Factor::ONE).unwrap();
        prop_assert!(Tenge::ZERO <= cost(&tokens(prompt, completion)));
        prop_assert!(cost(&tokens(prompt, completion)) <= cost(&tokens(prompt + more, completion)));
        prop_assert!(cost(&tokens(prompt, completion)) <= cost(&tokens(prompt, completion + more)));
    }

    #[test]
    fn what_is_spread_is_what_the_hours_cost(
        hour in 0..1_i64 << 40, ms in 0_u64..1 << 40, weights in prop::collection::vec(1_u64..1_000, 1..20),
    ) {
        let shares = spread(Tenge::from_tiyn(hour), ms, &weights).unwrap();
        prop_assert_eq!(Tenge::sum(shares), Tenge::from_tiyn(hour).part(ms, HOUR_MS));
    }
}
