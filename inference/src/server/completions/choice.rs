//! One choice in the making: what each event adds to its text.

use std::sync::Arc;

use shekara_protocol::chat::TokenLogprob;
use shekara_protocol::completions::{CompletionChoice, CompletionLogprobs};

use crate::frontend::TextEvent;

use super::echo::Echo;

/// Counts the characters of a choice, its prompt's included where that is repeated.
pub(super) struct ChoiceText {
    /// Until it has been shown.
    echo: Option<Arc<Echo>>,
    logprobs: Option<usize>,
    shows_answer: bool,
    characters: usize,
}

impl ChoiceText {
    /// `logprobs`: alternatives beside each token, if log probabilities are shown.
    pub(super) fn new(echo: Option<Arc<Echo>>, logprobs: Option<usize>, shows_answer: bool) -> Self {
        Self { echo, logprobs, shows_answer, characters: 0 }
    }

    /// The pieces that an event adds, in order: the prompt always comes before the answer.
    pub(super) fn take(&mut self, event: &TextEvent) -> Vec<CompletionChoice> {
        let (echo, answer) = match event {
            TextEvent::Started { .. } if self.waits_for_prompt() => (None, None),
            TextEvent::Prompt(logprobs) => (self.echo(logprobs), None),
            TextEvent::Delta { text, logprobs, starts } => {
                let echo = self.echo(&[]);
                (echo, self.shows_answer.then(|| self.answer(text, logprobs, starts)))
            }
            TextEvent::Started { .. } | TextEvent::Finished(_) | TextEvent::Failed(_) => (self.echo(&[]), None),
        };
        [echo, answer].into_iter().flatten().collect()
    }

    /// Whether the prompt's log probabilities are still to come.
    fn waits_for_prompt(&self) -> bool {
        self.echo.as_ref().is_some_and(|echo| self.logprobs.is_some() && echo.num_tokens() > 1)
    }

    fn echo(&mut self, logprobs: &[TokenLogprob]) -> Option<CompletionChoice> {
        let echo = self.echo.take()?;
        self.characters = echo.text.chars().count();
        let columns = self.logprobs.map(|top| echo.columns(logprobs, top > 0));
        Some(CompletionChoice { text: echo.text.clone(), logprobs: columns, ..CompletionChoice::default() })
    }

    fn answer(&mut self, text: &str, logprobs: &[TokenLogprob], starts: &[usize]) -> CompletionChoice {
        let columns = self.logprobs.map(|top| {
            let mut columns = CompletionLogprobs::default();
            for (logprob, start) in logprobs.iter().zip(starts) {
                let before = text.get(..*start).unwrap_or(text).chars().count();
                columns.push(&logprob.token, self.characters + before, Some(logprob), top > 0);
            }
            columns
        });
        self.characters += text.chars().count();
        CompletionChoice { text: text.to_owned(), logprobs: columns, ..CompletionChoice::default() }
    }
}
