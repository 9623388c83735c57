//! Vocabularies, draws and runs that the grammar's tests share.

use serde_json::Value;

use super::{GrammarCompiler, GrammarMatcher, GrammarSource, Vocabulary};

/// A vocabulary with the bytes of each ordinary token, for reading texts back.
pub struct Toy {
    pub words: Vec<Vec<u8>>,
    pub end: u32,
}

impl Toy {
    /// All bytes, some merges that cross JSON's borders, a plain and a special spelling of one name, and padding.
    pub fn bytes_and_merges() -> Self {
        let mut words: Vec<Vec<u8>> = (0..=255).map(|byte| vec![byte]).collect();
        let merges = [
            "{\"",
            "\":",
            "\",",
            "\"}",
            "\",\"",
            "\":\"",
            "\"]",
            "\"},{\"",
            "[[",
            "]]",
            "}}",
            "{\"a\":",
            "[{\"",
            "true",
            "null",
            "false",
            "tr",
            "nu",
            "na",
            "name",
            "age",
            "va",
            "value",
            "kind",
            "id",
            "00",
            "1234",
            "-1",
            ".5",
            "e9",
            "E+",
            "12345678901234567890",
            " the",
            " and",
            "ab",
            "abc",
            "é",
            "\u{1F600}",
            "\\n",
            "\\u",
            "\\\"",
            "ud8",
            "<|im_end|>",
            "  ",
            "\n\n",
            "----------------",
            "aaaaaaaaaaaaaaaa",
            "2024",
            "T1",
            "Z\"",
            "@",
            ".com",
        ];
        words.extend(merges.iter().map(|text| text.as_bytes().to_vec()));
        words.push(b"\xF0\x9F".to_vec());
        words.push(b"\x98\x80".to_vec());
        let end = words.len() as u32;
        words.push(Vec::new());
        words.extend([Vec::new(), Vec::new(), Vec::new()]);
        Self { words, end }
    }

    /// The tokenizer that the tests' tiny model is stored with.
    pub fn qwen3_tiny() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/qwen3-tiny/tokenizer.json");
        let tokenizer: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("stored")).expect("JSON");
        let vocabulary = tokenizer["model"]["vocab"].as_object().expect("a byte-pair vocabulary");
        let mut words = vec![Vec::new(); vocabulary.len() + 5];
        for (text, id) in vocabulary {
            words[id.as_u64().expect("an id") as usize] = text.chars().filter_map(byte_of).collect();
        }
        for added in tokenizer["added_tokens"].as_array().expect("a list") {
            words[added["id"].as_u64().expect("an id") as usize] = Vec::new();
        }
        Self { words, end: 2 }
    }

    pub fn compiler(&self) -> GrammarCompiler {
        let mut vocabulary = Vocabulary::new(self.words.len(), &[self.end]).expect("a valid end token");
        for (token, bytes) in self.words.iter().enumerate().filter(|(_, bytes)| !bytes.is_empty()) {
            vocabulary.set(token as u32, bytes);
        }
        vocabulary.set_special(self.end, "<|im_end|>");
        let words = self.words.clone();
        GrammarCompiler::new(vocabulary, Box::new(move |text| longest_first(&words, text))).expect("compiles")
    }

    pub fn matcher(&self, source: &GrammarSource) -> GrammarMatcher {
        self.compiler().compile(source).expect("a valid grammar").matcher()
    }
}

/// The byte that a character of a byte-level tokenizer stands for.
fn byte_of(character: char) -> Option<u8> {
    let direct = |byte: u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let shifted = (0..=255).filter(|byte| !direct(*byte));
    match u32::from(character) {
        code if code < 256 => Some(code as u8),
        code => shifted.clone().nth(code as usize - 256),
    }
}

/// A tokenizer: the longest token first.
fn longest_first(words: &[Vec<u8>], mut text: &[u8]) -> Vec<u32> {
    let mut tokens = Vec::new();
    while !text.is_empty() {
        let fits = |(_, word): &(usize, &Vec<u8>)| !word.is_empty() && text.starts_with(word);
        let Some((token, word)) = words.iter().enumerate().filter(fits).max_by_key(|(_, word)| word.len()) else {
            break;
        };
        tokens.push(token as u32);
        text = &text[word.len()..];
    }
    tokens
}

/// Small, seeded and good enough to draw tokens with.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % bound
    }
}

/// How a run draws among the allowed tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Draw {
    Uniform,
    /// Always the longest token.
    Longest,
    /// Never a quote while anything else is allowed.
    NoQuote,
    /// The most brackets that open.
    Opening,
}

impl Draw {
    fn pick(self, allowed: &[u32], words: &[Vec<u8>], random: &mut Random) -> u32 {
        let opening = |token: u32| words[token as usize].iter().filter(|byte| b"[{".contains(byte)).count();
        let score = |token: u32| match self {
            Self::Uniform => 0,
            Self::Longest => words[token as usize].len(),
            Self::NoQuote => usize::from(!words[token as usize].contains(&b'"')),
            Self::Opening => opening(token),
        };
        let best = allowed.iter().map(|&token| score(token)).max().unwrap_or(0);
        let picked: Vec<u32> = allowed.iter().copied().filter(|&token| score(token) == best).collect();
        picked[random.below(picked.len())]
    }
}

pub struct Run {
    pub text: Vec<u8>,
    pub tokens: usize,
    pub finished: bool,
}

/// Writes a text as an engine would: mask, draw, advance, and now and then what is forced.
pub fn run(toy: &Toy, matcher: &mut GrammarMatcher, budget: usize, draw: Draw, seed: u64) -> Run {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) + 1);
    let jump = seed.is_multiple_of(2);
    let mut text = Vec::new();
    let mut tokens = 0;
    while tokens < budget && !matcher.is_finished() {
        if jump {
            let forced = matcher.forced(budget - tokens);
            tokens += forced.len();
            for &token in &forced {
                text.extend_from_slice(&toy.words[token as usize]);
            }
            if tokens >= budget || matcher.is_finished() {
                break;
            }
        }
        let allowed = allowed(toy, matcher);
        assert!(!allowed.is_empty(), "something is always allowed");
        let drawn = draw.pick(&allowed, &toy.words, &mut random);
        let token = matcher.advance(drawn, budget - tokens);
        tokens += 1;
        if token == toy.end {
            break;
        }
        text.extend_from_slice(&toy.words[token as usize]);
    }
    assert_eq!(matcher.error(), None);
    Run { text, tokens, finished: matcher.is_finished() }
}

pub fn allowed(toy: &Toy, matcher: &mut GrammarMatcher) -> Vec<u32> {
    let mut logits = vec![0.0_f32; toy.words.len()];
    matcher.mask(&mut logits);
    (0..).zip(&logits).filter(|(_, logit)| **logit == 0.0).map(|(token, _)| token).collect()
}
