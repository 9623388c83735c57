//! Costs by hand, what has no price, and that more is never cheaper.

use proptest::prelude::*;

use super::*;
use crate::billing::prices::read_overrides;

/// A row as a configuration has it.
fn price(rows: &[&str]) -> Price {
    #[derive(serde::Deserialize)]
    struct File {
        prices: Vec<crate::billing::PriceFile>,
    }
    let rows: Vec<String> = rows.iter().map(|row| format!("{{ provider = \"p\", model = \"m\", {row} }}")).collect();
    let file: File = toml::from_str(&format!("prices = [{}]", rows.join(", "))).unwrap();
    read_overrides(&file.prices).unwrap().remove(0)
}

fn cost(price: &Price, usage: &Usage) -> String {
    price.cost(usage).unwrap().to_string()
}

fn unpriced(price: &Price, usage: &Usage) -> Measure {
    match price.cost(usage) {
        Err(NoCost::Unpriced { measure, .. }) => measure,
        other => panic!("{other:?}"),
    }
}

fn tokens(prompt: u64, completion: u64) -> Usage {
    Usage { prompt_tokens: Some(prompt), completion_tokens: Some(completion), ..Usage::default() }
}

const CLAUDE: &str = "prompt_per_million = \"5\", cached_prompt_per_million = \"0.5\", cache_write_per_million = \"6.25\", \
                      cache_write_1h_per_million = \"10\", completion_per_million = \"25\"";

#[test]
fn every_token_is_charged_once() {
    let usage = Usage {
        cached_prompt_tokens: Some(8_000),
        cache_write_tokens: Some(1_000),
        cache_write_1h_tokens: Some(500),
        reasoning_tokens: Some(300),
        ..tokens(10_000, 400)
    };
    // 500 at 5, 8,000 at 0.5, 1,000 at 6.25, 500 at 10 and 400 at 25 dollars a million.
    assert_eq!(cost(&price(&[CLAUDE]), &usage), "0.02775");
    assert_eq!(cost(&price(&[CLAUDE]), &Usage::default()), "0.00");
    assert_eq!(cost(&price(&["prompt_per_million = \"0.003625\""]), &tokens(1, 0)), "0.000000003625");
}

#[test]
fn thoughts_and_caches_cost_as_the_rest_unless_the_list_says_otherwise() {
    let plain = price(&["prompt_per_million = 2, completion_per_million = 8"]);
    let usage = Usage { cached_prompt_tokens: Some(1_000), reasoning_tokens: Some(1_000), ..tokens(1_000, 1_000) };
    assert_eq!(cost(&plain, &usage), "0.01");
    let apart = price(&["prompt_per_million = 2, completion_per_million = 8, reasoning_per_million = 3"]);
    assert_eq!(cost(&apart, &usage), "0.005");
}

#[test]
fn a_long_prompt_makes_the_whole_request_dearer() {
    let base = "prompt_per_million = \"1.25\", cached_prompt_per_million = \"0.125\", completion_per_million = \"10\"";
    let long = "above_prompt_tokens = 200000, prompt_per_million = \"2.50\", cached_prompt_per_million = \"0.25\", \
                completion_per_million = \"15\"";
    let price = price(&[base, long]);
    assert_eq!(cost(&price, &tokens(200_000, 1_000)), "0.26");
    assert_eq!(cost(&price, &tokens(200_001, 1_000)), "0.5150025");
    let cached = Usage { cached_prompt_tokens: Some(200_000), ..tokens(300_000, 0) };
    assert_eq!(cost(&price, &cached), "0.30");
}

#[test]
fn what_is_no_token_has_its_own_unit() {
    assert_eq!(
        cost(&price(&["per_audio_minute = \"0.006\""]), &Usage { audio_ms: Some(9_500), ..Usage::default() }),
        "0.00095"
    );
    let hour = price(&["per_audio_hour = \"0.04\""]);
    // A third of a millionth of a millionth is left: once, and to the nearest.
    assert_eq!(cost(&hour, &Usage { audio_ms: Some(1), ..Usage::default() }), "0.000000011111");
    assert_eq!(cost(&hour, &Usage { audio_ms: Some(3), ..Usage::default() }), "0.000000033333");
    assert_eq!(
        cost(&price(&["per_million_characters = 15"]), &Usage { characters: Some(200), ..Usage::default() }),
        "0.003"
    );
    assert_eq!(
        cost(&price(&["per_thousand_searches = \"2\""]), &Usage { searches: Some(3), ..Usage::default() }),
        "0.006"
    );
    let request = price(&["per_request = \"0.005\", prompt_per_million = 1"]);
    assert_eq!(cost(&request, &tokens(1_000, 0)), "0.006");
    assert_eq!(cost(&request, &Usage { requests: Some(0), ..tokens(1_000, 0) }), "0.001");
}

#[test]
fn images_cost_by_size_and_quality() {
    let price =
        price(&["per_image = [{ quality = \"low\", each = \"0.04\" }, { size = \"1024x1024\", each = \"0.05\" }, \
                         { size = \"2048x2048\", quality = \"high\", each = \"0.2\" }]"]);
    let image = |size: Option<&str>, quality: Option<&str>| Usage {
        images: Some(2),
        image_size: size.map(str::to_owned),
        image_quality: quality.map(str::to_owned),
        ..Usage::default()
    };
    assert_eq!(cost(&price, &image(Some("1024x1024"), Some("low"))), "0.08");
    assert_eq!(cost(&price, &image(Some("1024x1024"), None)), "0.10");
    assert_eq!(cost(&price, &image(Some("2048x2048"), Some("high"))), "0.40");
    assert_eq!(unpriced(&price, &image(Some("2048x2048"), None)), Measure::Images);
    assert_eq!(unpriced(&price, &image(None, None)), Measure::Images);
}

#[test]
fn what_has_no_price_is_named_and_never_free() {
    let chat = price(&["prompt_per_million = 1, completion_per_million = 2"]);
    let with = |usage: Usage| unpriced(&chat, &usage);
    assert_eq!(with(Usage { cache_write_tokens: Some(1), ..tokens(1, 1) }), Measure::CacheWriteTokens);
    assert_eq!(with(Usage { cache_write_1h_tokens: Some(1), ..tokens(1, 1) }), Measure::CacheWrite1hTokens);
    assert_eq!(with(Usage { prompt_audio_tokens: Some(1), ..tokens(1, 1) }), Measure::PromptAudioTokens);
    assert_eq!(with(Usage { completion_audio_tokens: Some(1), ..tokens(1, 1) }), Measure::CompletionAudioTokens);
    assert_eq!(with(Usage { completion_image_tokens: Some(1), ..tokens(1, 1) }), Measure::CompletionImageTokens);
    assert_eq!(with(Usage { searches: Some(1), ..tokens(1, 1) }), Measure::Searches);
    assert_eq!(with(Usage { characters: Some(1), ..Usage::default() }), Measure::Characters);
    assert_eq!(with(Usage { audio_ms: Some(1), ..Usage::default() }), Measure::AudioMs);
    assert_eq!(with(Usage { images: Some(1), ..Usage::default() }), Measure::Images);
    let embedding = price(&["prompt_per_million = 1"]);
    assert_eq!(unpriced(&embedding, &tokens(1, 1)), Measure::CompletionTokens);
    let error = embedding.cost(&tokens(1, 1)).unwrap_err().to_string();
    assert!(
        error.starts_with("the price config-") && error.ends_with("of 'm' has none for completion tokens"),
        "{error}"
    );
}

#[test]
fn what_is_counted_twice_is_charged_once() {
    let by_tokens = price(&["prompt_per_million = 1, prompt_audio_per_million = 6, completion_per_million = 2"]);
    let heard = Usage { prompt_audio_tokens: Some(10), audio_ms: Some(9_000), ..tokens(10, 0) };
    assert_eq!(cost(&by_tokens, &heard), "0.00006");
    let by_hour = price(&["per_audio_hour = \"0.36\""]);
    assert_eq!(cost(&by_hour, &Usage { audio_ms: Some(10_000), ..tokens(30, 40) }), "0.001");
    assert_eq!(unpriced(&by_hour, &tokens(30, 40)), Measure::PromptTokens);
    let drawn = price(&["prompt_per_million = 5, completion_image_per_million = 30"]);
    let usage = Usage { images: Some(1), completion_image_tokens: Some(1_000), ..tokens(100, 1_000) };
    assert_eq!(cost(&drawn, &usage), "0.0305");
}

#[test]
fn factors_are_applied_to_the_sum() {
    let price = price(&["prompt_per_million = \"0.000001\""]);
    let at =
        |permille: u32, prompt: u64| price.cost_at(&tokens(prompt, 0), Factor::from_permille(permille)).unwrap().pico();
    // Half of 1, 3 and 5 millionths of a millionth: to the even one.
    assert_eq!((at(500, 1), at(500, 3), at(500, 5)), (0, 2, 2));
    assert_eq!((at(0, 7), at(1_000, 7), at(2_000, 7)), (0, 7, 14));
}

#[test]
fn what_does_not_fit_is_an_error() {
    let dear = price(&["prompt_per_million = 1000000"]);
    assert_eq!(dear.cost(&tokens(u64::MAX, 0)), Err(NoCost::TooLarge));
    assert!(dear.cost(&tokens(1_000_000_000_000, 0)).is_ok());
}

const ALL: &str = "prompt_per_million = \"2\", cached_prompt_per_million = \"0.2\", cache_write_per_million = \"2.5\", \
                   cache_write_1h_per_million = \"4\", prompt_audio_per_million = \"32\", prompt_image_per_million = \"5\", \
                   completion_per_million = \"10\", reasoning_per_million = \"9\", completion_audio_per_million = \"64\", \
                   completion_image_per_million = \"40\"";
const COUNTS: &str = "per_image = [{ each = \"0.04\" }], per_audio_hour = \"0.111\", per_million_characters = \"15\", \
                      per_request = \"0.001\", per_thousand_searches = \"10\"";

fn dear() -> Price {
    let long = ALL.replace(" = \"", " = \"1");
    price(&[&format!("{ALL}, {COUNTS}"), &format!("above_prompt_tokens = 3000, {long}")])
}

fn usages() -> impl Strategy<Value = [u64; 15]> {
    prop::array::uniform15(prop_oneof![Just(0_u64), 0_u64..2_000])
}

/// Wholes that are never less than their parts.
fn usage(counts: [u64; 15]) -> Usage {
    let [
        text,
        cached,
        written,
        written_1h,
        heard,
        seen,
        said,
        thought,
        spoken,
        drawn,
        images,
        audio,
        chars,
        calls,
        searches,
    ] = counts.map(Some);
    let sum = |parts: &[Option<u64>]| parts.iter().copied().sum::<Option<u64>>();
    Usage {
        prompt_tokens: sum(&[text, cached, written, written_1h, heard, seen]),
        cached_prompt_tokens: cached,
        cache_write_tokens: written,
        cache_write_1h_tokens: written_1h,
        prompt_audio_tokens: heard,
        prompt_image_tokens: seen,
        completion_tokens: sum(&[said, thought, spoken, drawn]),
        reasoning_tokens: thought,
        completion_audio_tokens: spoken,
        completion_image_tokens: drawn,
        images,
        audio_ms: audio,
        characters: chars,
        requests: calls,
        searches,
        ..Usage::default()
    }
}

proptest! {
    #[test]
    fn more_never_costs_less(some in usages(), more in usages(), permille in 0_u32..3_000) {
        let (price, factor) = (dear(), Factor::from_permille(permille));
        let sum = std::array::from_fn(|index| some[index] + more[index]);
        let (few, many) = (price.cost_at(&usage(some), factor).unwrap(), price.cost_at(&usage(sum), factor).unwrap());
        prop_assert!(Usd::ZERO <= few && few <= many);
    }

    #[test]
    fn a_sum_is_rounded_once(counts in usages(), permille in 0_u32..3_000) {
        let price = dear();
        let usage = usage(counts);
        let parts = price.cost(&usage).unwrap();
        let whole = price.cost_at(&usage, Factor::from_permille(permille)).unwrap();
        // Exact in twice the digits: the sum's own rest is below one, and so is what the factor leaves.
        let off = whole.pico() * 1_000 - parts.pico() * i128::from(permille);
        prop_assert!(off.abs() <= 500 + i128::from(permille));
    }

    #[test]
    fn any_counts_are_a_cost_or_an_error(counts: [u64; 15]) {
        let [prompt, cached, written, written_1h, heard, seen, completion, thought, spoken, drawn, ..] = counts.map(Some);
        let usage = Usage {
            prompt_tokens: prompt, cached_prompt_tokens: cached, cache_write_tokens: written,
            cache_write_1h_tokens: written_1h, prompt_audio_tokens: heard, prompt_image_tokens: seen,
            completion_tokens: completion, reasoning_tokens: thought, completion_audio_tokens: spoken,
            completion_image_tokens: drawn, ..Usage::default()
        };
        prop_assert!(dear().cost(&usage).is_ok_and(|cost| cost >= Usd::ZERO));
    }
}
