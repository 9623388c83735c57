//! Which rows a model's name may stand for.
//!
//! A name is looked for as it is. If no list has it, the day behind it is left off, once: `gpt-4o-2024-08-06` is `gpt-4o`,
//! and `claude-haiku-4-5-20251001` is `claude-haiku-4-5`. Nothing else is ever left off: `gpt-4o-mini` is not `gpt-4o`,
//! `mistral-large-2402` and `gpt-4-0613` have no whole day behind them, and a fine-tuned `ft:gpt-4o:org::id` has a price
//! of its own. Days whose price differs have rows of their own, which go before this rule.

use jiff::civil::Date;

/// The name without the day at its end; `None` if there is none.
pub fn without_day(model: &str) -> Option<&str> {
    for (len, is_dashed) in [(10, true), (8, false)] {
        let Some(at) = model.len().checked_sub(len).filter(|at| *at > 1 && model.is_char_boundary(*at)) else {
            continue;
        };
        let (name, day) = model.split_at(at);
        if let Some(name) = name.strip_suffix(['-', '@']).filter(|_| is_day(day, is_dashed)) {
            return (!name.contains(':')).then_some(name);
        }
    }
    None
}

fn is_day(text: &str, is_dashed: bool) -> bool {
    let dashed = if is_dashed {
        text.to_owned()
    } else if text.bytes().all(|byte| byte.is_ascii_digit()) {
        format!("{}-{}-{}", &text[..4], &text[4..6], &text[6..])
    } else {
        return false;
    };
    dashed.parse::<Date>().is_ok_and(|day| (2020..2100).contains(&day.year()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_left_off_and_nothing_else() {
        for (model, name) in [
            ("gpt-4o-2024-08-06", Some("gpt-4o")),
            ("gpt-4o-mini-2024-07-18", Some("gpt-4o-mini")),
            ("claude-haiku-4-5-20251001", Some("claude-haiku-4-5")),
            ("claude-haiku-4-5@20251001", Some("claude-haiku-4-5")),
            ("gpt-4o-mini", None),
            ("gpt-4o-latest", None),
            ("gpt-4-0613", None),
            ("mistral-large-2402", None),
            ("gpt-4o-2024-13-06", None),
            ("gpt-4o-20241306", None),
            ("gpt-4o-99999999", None),
            ("gpt-4o2024-08-06", None),
            ("2024-08-06", None),
            ("-2024-08-06", None),
            ("модель-20251001", Some("модель")),
            ("моделья", None),
            ("ft:gpt-4o-mini:org:name:2024-07-18", None),
            ("ft:gpt-4o-mini:org:name-2024-07-18", None),
            ("", None),
        ] {
            assert_eq!(without_day(model), name, "{model}");
        }
    }
}
