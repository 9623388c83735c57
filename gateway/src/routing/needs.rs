//! What a request needs of who answers it, told from its body before it is planned.

use crate::auth::{DataClass, KeyRecord};
use crate::config::{Ability, Condition, Price, within};

/// Counts of tokens are estimates: providers count differently, and none has counted yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    pub prompt_tokens: u64,
    /// As many as the caller asked for at most; `None` where no bound is set.
    pub output_tokens: Option<u64>,
    /// How many answers it asks for beside the first.
    pub further_answers: u64,
    pub tools: bool,
    pub vision: bool,
    pub files: bool,
    pub audio: bool,
    pub json_schema: bool,
    pub logprobs: bool,
}

/// An answer's length where the request sets no bound.
const USUAL_OUTPUT_TOKENS: u64 = 500;

impl Needs {
    pub fn includes(&self, ability: Ability) -> bool {
        match ability {
            Ability::Tools => self.tools,
            Ability::Vision => self.vision,
            Ability::Files => self.files,
            Ability::Audio => self.audio,
            Ability::JsonSchema => self.json_schema,
            Ability::Logprobs => self.logprobs,
        }
    }

    /// As many tokens in all of its answers, if each has so many.
    pub fn of_all_answers(&self, tokens: u64) -> u64 {
        tokens.saturating_mul(self.further_answers.saturating_add(1))
    }

    /// Whether the prompt, and the answer that it asks for, are likely to find room.
    pub(super) fn fits_in(&self, context_tokens: u64) -> bool {
        self.prompt_tokens.saturating_add(self.output_tokens.unwrap_or(0)) <= context_tokens
    }

    /// A likely cost, for comparison alone.
    pub(super) fn cost(&self, price: Price) -> u128 {
        let output = self.output_tokens.unwrap_or(USUAL_OUTPUT_TOKENS).min(USUAL_OUTPUT_TOKENS);
        u128::from(price.prompt) * u128::from(self.prompt_tokens) + u128::from(price.completion) * u128::from(output)
    }
}

/// Who asks, when, and about data of which class.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    pub key: &'a KeyRecord,
    pub data_class: DataClass,
    /// Of the day, where the operator lives.
    pub minute: u16,
}

impl Condition {
    /// Whether a target under this condition takes such a request.
    pub fn holds(&self, needs: &Needs, asker: Asker<'_>) -> bool {
        let written = &self.written;
        let is = |wanted: Option<bool>, has: bool| wanted.is_none_or(|wanted| wanted == has);
        let among = |names: &Option<Vec<String>>, name: &str| {
            names.as_ref().is_none_or(|names| names.iter().any(|one| one == name))
        };
        let in_time = self.minutes.is_none_or(|hours| within(hours, asker.minute));
        written.min_prompt_tokens.is_none_or(|least| needs.prompt_tokens >= least)
            && written.max_prompt_tokens.is_none_or(|most| needs.prompt_tokens <= most)
            && is(written.tools, needs.tools)
            && is(written.vision, needs.vision)
            && is(written.json_schema, needs.json_schema)
            && written.data_class.as_ref().is_none_or(|classes| classes.contains(&asker.data_class))
            && among(&written.tenant, &asker.key.tenant)
            && among(&written.project, &asker.key.project)
            && among(&written.environment, &asker.key.environment)
            && among(&written.key, &asker.key.id)
            && in_time
    }
}
