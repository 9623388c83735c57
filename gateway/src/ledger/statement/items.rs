//! Lines of bills whose text has a model and a kind of token in it: `gpt-5-mini-2025-08-07, cached input`.

/// Whose texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Items {
    /// `MODEL, KIND`.
    OpenaiCosts,
    /// `REGION-MODEL-input-tokens`, and what the Bedrock user guide lists beside it.
    Bedrock,
    /// Meters: `gpt 4o 0806 cached Inp glbl Tokens`.
    Azure,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Prompt,
    /// A part of the prompt.
    Cached,
    Completion,
    /// It costs, and its quantity is no tokens.
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) model: String,
    pub(super) kind: Kind,
}

/// Where Bedrock's kinds begin, those that are longer first.
const BEDROCK: [(&str, Kind); 6] = [
    ("-cache-read-input-token", Kind::Cached),
    ("-cache-write-input-token", Kind::Prompt),
    ("-mantle-input-tokens", Kind::Prompt),
    ("-mantle-output-tokens", Kind::Completion),
    ("-input-tokens", Kind::Prompt),
    ("-output-tokens", Kind::Completion),
];

/// Words of meters that a model's name ends before.
const AZURE: [(&str, Kind); 14] = [
    ("cached", Kind::Cached),
    ("cchd", Kind::Cached),
    ("cache", Kind::Cached),
    ("cd", Kind::Cached),
    ("inp", Kind::Prompt),
    ("inpt", Kind::Prompt),
    ("input", Kind::Prompt),
    ("in", Kind::Prompt),
    ("outp", Kind::Completion),
    ("outpt", Kind::Completion),
    ("output", Kind::Completion),
    ("out", Kind::Completion),
    ("opt", Kind::Completion),
    ("text", Kind::Other),
];

impl Items {
    /// None where it is no use of a model.
    pub(super) fn read(self, text: &str) -> Option<Item> {
        match self {
            Self::OpenaiCosts => openai(text),
            Self::Bedrock => bedrock(text),
            Self::Azure => azure(text),
        }
    }
}

fn openai(text: &str) -> Option<Item> {
    let (model, kind) = text.rsplit_once(',').map_or((text, ""), |(model, kind)| (model.trim(), kind.trim()));
    let kind = kind.to_lowercase();
    let kind = if kind.contains("cached") {
        Kind::Cached
    } else if kind.contains("input") {
        Kind::Prompt
    } else if kind.contains("output") {
        Kind::Completion
    } else {
        Kind::Other
    };
    (!model.is_empty()).then(|| Item { model: model.to_owned(), kind })
}

fn bedrock(text: &str) -> Option<Item> {
    let lower = text.to_ascii_lowercase();
    let (at, kind) = BEDROCK.iter().find_map(|(lead, kind)| lower.find(lead).map(|at| (at, *kind)))?;
    let name = text.get(..at)?;
    let model = match name.split_once('-') {
        // A region, e.g. `USE1-`: capitals, and digits behind them.
        Some((region, model)) if is_region(region) => model,
        _ => name,
    };
    (!model.is_empty()).then(|| Item { model: model.to_owned(), kind })
}

fn is_region(text: &str) -> bool {
    let letters = text.trim_end_matches(|c: char| c.is_ascii_digit());
    (2..=4).contains(&letters.len()) && letters.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// `GPT 5 outpt Glbl 1M Tokens` is `gpt-5`: the words before the first that says what kind of token.
fn azure(text: &str) -> Option<Item> {
    if !text.to_ascii_lowercase().contains("token") {
        return None;
    }
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split([' ', '-', '_']).filter(|word| !word.is_empty()).collect();
    let kind_of = |word: &str| AZURE.iter().find(|(known, _)| *known == word).map(|(_, kind)| *kind);
    let at = words.iter().position(|word| kind_of(word).is_some())?;
    let kinds: Vec<Kind> = words[at..].iter().filter_map(|word| kind_of(word)).collect();
    let kind = match kinds.as_slice() {
        kinds if kinds.contains(&Kind::Cached) => Kind::Cached,
        kinds => kinds.iter().copied().find(|kind| *kind != Kind::Other)?,
    };
    (at > 0).then(|| Item { model: words[..at].join("-"), kind })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_bills_have_a_model_and_a_kind() {
        for (items, text, model, kind) in [
            (Items::OpenaiCosts, "gpt-5-nano, input_tokens", "gpt-5-nano", Kind::Prompt),
            (Items::OpenaiCosts, "gpt-4o-2024-08-06, cached input", "gpt-4o-2024-08-06", Kind::Cached),
            (Items::OpenaiCosts, "gpt-4o-2024-08-06, output", "gpt-4o-2024-08-06", Kind::Completion),
            (Items::OpenaiCosts, "web search tool calls", "web search tool calls", Kind::Other),
            (Items::Bedrock, "USE1-Claude4.5Haiku-input-tokens", "Claude4.5Haiku", Kind::Prompt),
            (Items::Bedrock, "EUW1-Claude4.5Haiku-output-tokens-batch", "Claude4.5Haiku", Kind::Completion),
            (Items::Bedrock, "USW2-Nova2.0Lite-cache-read-input-token-count", "Nova2.0Lite", Kind::Cached),
            (Items::Bedrock, "Nova2.0Lite-cache-write-input-token-count", "Nova2.0Lite", Kind::Prompt),
            (Items::Bedrock, "USE1-gpt-oss-120b-mantle-input-tokens-standard", "gpt-oss-120b", Kind::Prompt),
            (Items::Azure, "gpt 4o 0806 cached Inp glbl Tokens", "gpt-4o-0806", Kind::Cached),
            (Items::Azure, "o4-mini 0416 Outp glbl Tokens", "o4-mini-0416", Kind::Completion),
            (Items::Azure, "Phi-4-Input Tokens", "phi-4", Kind::Prompt),
            (Items::Azure, "GPT 5 outpt Glbl 1M Tokens", "gpt-5", Kind::Completion),
        ] {
            assert_eq!(items.read(text), Some(Item { model: model.into(), kind }), "{text}");
        }
        for (items, text) in [
            (Items::Bedrock, "USE1-TimedStorage-ByteHrs"),
            (Items::Azure, "Standard D2 v3"),
            (Items::Azure, "Input Tokens"),
            (Items::OpenaiCosts, ""),
        ] {
            assert_eq!(items.read(text), None, "{text}");
        }
    }
}
