//! The `prompt` of a completion: one or several, each a text or token ids; never a mix.

use std::fmt;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, IgnoredAny, SeqAccess, Visitor};

/// The four shapes that OpenAI and vLLM take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prompt {
    Text(String),
    Texts(Vec<String>),
    Tokens(Vec<u32>),
    TokenLists(Vec<Vec<u32>>),
}

/// One prompt of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptItem<'a> {
    Text(&'a str),
    Tokens(&'a [u32]),
}

impl Prompt {
    /// The prompts in order, each of which gets `n` choices.
    pub fn items(&self) -> Vec<PromptItem<'_>> {
        match self {
            Self::Text(text) => vec![PromptItem::Text(text)],
            Self::Texts(texts) => texts.iter().map(|text| PromptItem::Text(text)).collect(),
            Self::Tokens(ids) => vec![PromptItem::Tokens(ids)],
            Self::TokenLists(lists) => lists.iter().map(|ids| PromptItem::Tokens(ids)).collect(),
        }
    }

    /// The field that holds prompt `index`, for errors: `prompt` or `prompt[3]`.
    pub fn param(&self, index: usize) -> String {
        self.param_in("prompt", index)
    }

    /// The same for an endpoint that calls the whole `field`.
    pub fn param_in(&self, field: &str, index: usize) -> String {
        match self {
            Self::Text(_) | Self::Tokens(_) => field.to_owned(),
            Self::Texts(_) | Self::TokenLists(_) => format!("{field}[{index}]"),
        }
    }
}

impl<'de> Deserialize<'de> for Prompt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PromptVisitor)
    }
}

struct PromptVisitor;

impl<'de> Visitor<'de> for PromptVisitor {
    type Value = Prompt;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, an array of strings, an array of token ids or an array of arrays of token ids")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Prompt, E> {
        Ok(Prompt::Text(text.to_owned()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Prompt, E> {
        Ok(Prompt::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Prompt, A::Error> {
        let mut prompt = None;
        while seq.next_element_seed(Element { prompt: &mut prompt })?.is_some() {}
        Ok(prompt.unwrap_or(Prompt::Texts(Vec::new())))
    }
}

/// The next element: of any kind if it is the first, of the first one's kind otherwise.
struct Element<'p> {
    prompt: &'p mut Option<Prompt>,
}

impl<'de> DeserializeSeed<'de> for Element<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Element<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.prompt {
            None | Some(Prompt::Text(_)) => "a string, a token id or an array of token ids",
            Some(Prompt::Texts(_)) => "a string like the elements before it",
            Some(Prompt::Tokens(_)) => "a token id like the elements before it",
            Some(Prompt::TokenLists(_)) => "an array of token ids like the elements before it",
        })
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        match self.prompt.get_or_insert_with(|| Prompt::Texts(Vec::new())) {
            Prompt::Texts(texts) => {
                texts.push(text.to_owned());
                Ok(())
            }
            _ => Err(E::invalid_type(de::Unexpected::Str(text), &self)),
        }
    }

    fn visit_u64<E: de::Error>(self, id: u64) -> Result<(), E> {
        let too_large = u32::try_from(id).map_err(|_| E::invalid_value(de::Unexpected::Unsigned(id), &"a token id"));
        match self.prompt.get_or_insert_with(|| Prompt::Tokens(Vec::new())) {
            Prompt::Tokens(ids) => {
                ids.push(too_large?);
                Ok(())
            }
            _ => Err(E::invalid_type(de::Unexpected::Unsigned(id), &self)),
        }
    }

    fn visit_i64<E: de::Error>(self, id: i64) -> Result<(), E> {
        Err(E::invalid_value(de::Unexpected::Signed(id), &"a token id"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Prompt::TokenLists(lists) = self.prompt.get_or_insert_with(|| Prompt::TokenLists(Vec::new())) else {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            return Err(de::Error::invalid_type(de::Unexpected::Seq, &self));
        };
        let mut ids = Vec::new();
        while let Some(id) = seq.next_element()? {
            ids.push(id);
        }
        lists.push(ids);
        Ok(())
    }
}
