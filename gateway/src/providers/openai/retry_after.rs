//! How long a provider asks to be left alone, in every form in which one does.

use http::HeaderMap;
use serde_json::Value;

/// Nobody is believed that asks for more.
const MAX_RETRY_AFTER_S: u64 = 24 * 3600;

/// Seconds, from `retry-after-ms`, `retry-after` (seconds or a date), or the reset of a limit that is used up.
pub(super) fn of_headers(headers: &HeaderMap) -> Option<u64> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let milliseconds = text("retry-after-ms").and_then(|value| rounded_up(value.parse::<f64>().ok()? / 1000.0));
    let seconds = milliseconds
        .or_else(|| text("retry-after").and_then(|value| number(value).or_else(|| seconds_until(value))))
        .or_else(|| {
            let used_up = |kind: &&str| text(&format!("x-ratelimit-remaining-{kind}")) == Some("0");
            let reset = |kind: &str| text(&format!("x-ratelimit-reset-{kind}")).and_then(duration);
            ["requests", "tokens"].into_iter().filter(used_up).filter_map(reset).max()
        });
    seconds.map(|seconds| seconds.min(MAX_RETRY_AFTER_S))
}

/// Google's `RetryInfo`, among the details of an error.
pub(super) fn of_details(details: &Value) -> Option<u64> {
    let delays = details.as_array()?.iter().filter_map(|detail| detail["retryDelay"].as_str());
    delays.filter_map(duration).max().map(|seconds| seconds.min(MAX_RETRY_AFTER_S))
}

fn number(text: &str) -> Option<u64> {
    rounded_up(text.parse().ok()?)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
fn rounded_up(seconds: f64) -> Option<u64> {
    (0.0..1e9).contains(&seconds).then(|| seconds.ceil() as u64)
}

/// `17s`, `45.8s`, `6m0s`, `1h2m3s`, `20ms`.
fn duration(text: &str) -> Option<u64> {
    let (mut rest, mut sum) = (text, 0.0);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (digits, tail) = rest.split_at(end);
        let unit_end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let seconds = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            _ => return None,
        };
        sum += digits.parse::<f64>().ok()? * seconds;
        rest = tail;
    }
    (!text.is_empty()).then(|| rounded_up(sum)).flatten()
}

fn seconds_until(date: &str) -> Option<u64> {
    let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).ok()?;
    u64::try_from(at.as_second() - jiff::Timestamp::now().as_second()).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(headers: &[(&'static str, &'static str)]) -> Option<u64> {
        let pairs = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        of_headers(&pairs.collect::<HeaderMap>())
    }

    #[test]
    fn every_form_is_read() {
        assert_eq!(of(&[("retry-after-ms", "1500"), ("retry-after", "9")]), Some(2));
        assert_eq!(of(&[("retry-after", "2.2")]), Some(3));
        assert_eq!(of(&[("retry-after", "Tue, 31 Dec 2999 23:59:59 GMT")]), Some(MAX_RETRY_AFTER_S));
        assert_eq!(of(&[("retry-after", "soon")]), None);
        let spent = [("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "6m0s")];
        assert_eq!(of(&spent), Some(360));
        assert_eq!(of(&[("x-ratelimit-remaining-tokens", "5"), ("x-ratelimit-reset-tokens", "7.66s")]), None);
        let details = json!([{ "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "45.837906927s" }]);
        assert_eq!(of_details(&details), Some(46));
        for (text, seconds) in [("20ms", Some(1)), ("1h2m3s", Some(3723)), ("17s", Some(17)), ("0s", Some(0))] {
            assert_eq!(duration(text), seconds, "{text}");
        }
        for text in ["", "s", "17", "1x", "-1s", "1.1.1s"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
