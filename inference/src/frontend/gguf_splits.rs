//! How byte-level tokenizers split texts into words, by the names that GGUF files give to the ways.
//!
//! The patterns are those of the models' own `tokenizer.json`.

use serde_json::{Value, json};

/// One way.
pub(super) struct Split {
    pub steps: Steps,
    /// A word that is a token is not put together from its parts.
    pub ignores_merges: bool,
    /// A beginning-of-sequence token is put first, where the file does not say.
    pub adds_first: bool,
    /// Texts are put into Unicode's composed form.
    pub normalizes: bool,
}

/// What happens to a text before it is split as GPT-2 does, or instead of that.
#[derive(Clone, Copy)]
pub(super) enum Steps {
    /// GPT-2's pattern alone.
    Gpt2,
    /// Every digit stands alone, then GPT-2's pattern.
    Digits,
    /// Runs of punctuation and of three digits stand alone, with GPT-2's pattern between.
    Falcon,
    /// These patterns, one after the other.
    Patterns(&'static [&'static str]),
}

const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN35: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const GPT4O: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const SEED: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+";
const DEEPSEEK3: [&str; 3] = [
    r"\p{N}{1,3}",
    "[一-龥぀-ゟ゠-ヿ]+",
    r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"##,
];
const DEEPSEEK: [&str; 5] = [r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-퟿]+", r"\p{N}"];

/// None if the name is not known.
pub(super) fn split(name: &str) -> Option<Split> {
    let way = |steps| Split { steps, ignores_merges: false, adds_first: false, normalizes: false };
    let pattern = |pattern: &'static [&'static str]| way(Steps::Patterns(pattern));
    Some(match name {
        "gpt-2" | "gpt2" | "phi-2" | "mpt" | "olmo" | "jais" | "trillion" | "granite-docling" | "exaone4" => {
            way(Steps::Gpt2)
        }
        "starcoder" | "refact" | "command-r" | "smollm" | "codeshell" | "exaone" | "minerva-7b" => way(Steps::Digits),
        "default" | "falcon" => way(Steps::Falcon),
        "llama3" | "llama-v3" | "llama-bpe" | "falcon3" | "falcon-h1" | "pixtral" | "midm-2.0" | "lfm2" => {
            Split { ignores_merges: true, adds_first: true, ..pattern(&[LLAMA3]) }
        }
        "dbrx" | "smaug-bpe" | "glm4" | "chatglm-bpe" => pattern(&[LLAMA3]),
        "qwen2" | "deepseek-r1-qwen" | "megrez" => Split { normalizes: true, ..pattern(&[QWEN2]) },
        "qwen35" => Split { normalizes: true, ..pattern(&[QWEN35]) },
        "stablelm2" | "hunyuan" | "solar-open" => pattern(&[QWEN2]),
        "gpt-4o" | "llama4" | "kanana2" => pattern(&[GPT4O]),
        "tekken" => Split { ignores_merges: true, ..pattern(&[TEKKEN]) },
        "seed-coder" => pattern(&[SEED]),
        "deepseek-v3" | "deepseek-r1" | "hunyuan-dense" => pattern(&DEEPSEEK3),
        "deepseek-llm" | "deepseek-coder" => pattern(&DEEPSEEK),
        _ => return None,
    })
}

impl Steps {
    /// Whether the last step splits by GPT-2's pattern.
    pub(super) fn splits_as_gpt2(self) -> bool {
        !matches!(self, Self::Patterns(_))
    }

    /// All steps but the last.
    pub(super) fn pre_tokenizers(self) -> Vec<Value> {
        let split = |pattern: &str| json!({"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": false});
        match self {
            Self::Gpt2 => Vec::new(),
            Self::Digits => vec![json!({"type": "Digits", "individual_digits": true})],
            Self::Falcon => vec![json!({"type": "Punctuation", "behavior": "Contiguous"}), split("[0-9][0-9][0-9]")],
            Self::Patterns(patterns) => patterns.iter().map(|pattern| split(pattern)).collect(),
        }
    }
}
