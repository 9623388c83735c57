//! A completion as a whole: of more draws than choices, the likeliest.

use futures_util::StreamExt;
use shekara_protocol::completions::{Completion, CompletionChoice, CompletionLogprobs};
use shekara_protocol::error::ApiError;

use crate::frontend::TextEvent;

use super::super::chat_whole::text_finish_reason;
use super::super::error::not_finished;
use super::run::Run;

/// A draw, and what it is judged by.
#[derive(Default)]
struct Drawn {
    choice: CompletionChoice,
    mean_logprob: f64,
}

/// Waits for all draws.
///
/// # Errors
/// If the engine ends before they do.
pub(super) async fn collect(mut run: Run) -> Result<Completion, ApiError> {
    let mut texts = run.choices();
    let mut drawn: Vec<Drawn> = texts.iter().map(|_| Drawn::default()).collect();
    for draw in &mut drawn {
        draw.choice.logprobs = run.prepared.logprobs.map(|_| CompletionLogprobs::default());
    }
    while let Some(event) = run.draws.next().await {
        let (Some(text), Some(draw)) = (texts.get_mut(event.index), drawn.get_mut(event.index)) else { continue };
        text.take(&event.event).into_iter().for_each(|piece| draw.add(piece));
        match event.event {
            TextEvent::Finished(ending) => {
                draw.choice.finish_reason = Some(text_finish_reason(ending.reason));
                draw.choice.stop_reason = ending.stop_reason;
                draw.mean_logprob = event.mean_logprob;
            }
            TextEvent::Failed(error) => return Err(not_finished(error)),
            _ => {}
        }
    }
    if !run.draws.is_finished() {
        return Err(ApiError::internal());
    }
    let choices = best(drawn, run.draws_per_prompt, run.prepared.num_choices);
    let mut completion = run.completion(choices);
    completion.usage = Some(run.answer.usage(run.draws.tally()));
    Ok(completion)
}

impl Drawn {
    fn add(&mut self, piece: CompletionChoice) {
        self.choice.text.push_str(&piece.text);
        if let (Some(columns), Some(new)) = (&mut self.choice.logprobs, piece.logprobs) {
            columns.text_offset.extend(new.text_offset);
            columns.token_logprobs.extend(new.token_logprobs);
            columns.tokens.extend(new.tokens);
            columns.top_logprobs.extend(new.top_logprobs);
        }
    }
}

/// Of each prompt's draws the `num_choices` of highest mean log probability, the likeliest first; of equals, the one
/// that was drawn first. Where all are wanted they stay in the order of their seeds.
fn best(drawn: Vec<Drawn>, draws_per_prompt: usize, num_choices: usize) -> Vec<CompletionChoice> {
    let mut choices = Vec::new();
    let mut drawn = drawn.into_iter().peekable();
    while drawn.peek().is_some() {
        let mut of_prompt: Vec<Drawn> = drawn.by_ref().take(draws_per_prompt).collect();
        if num_choices < draws_per_prompt {
            // A stable sort: equals stay in their order.
            of_prompt.sort_by(|a, b| b.mean_logprob.total_cmp(&a.mean_logprob));
        }
        choices.extend(of_prompt.into_iter().take(num_choices).map(|draw| draw.choice));
    }
    choices.iter_mut().zip(0..).for_each(|(choice, index)| choice.index = index);
    choices
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(means: &[f64]) -> Vec<Drawn> {
        let draw = |(index, mean_logprob): (usize, &f64)| {
            let choice = CompletionChoice { text: index.to_string(), ..CompletionChoice::default() };
            Drawn { choice, mean_logprob: *mean_logprob }
        };
        means.iter().enumerate().map(draw).collect()
    }

    fn texts(choices: &[CompletionChoice]) -> Vec<(u32, &str)> {
        choices.iter().map(|choice| (choice.index, choice.text.as_str())).collect()
    }

    #[test]
    fn the_likeliest_of_each_prompt_are_chosen_and_of_equals_the_first() {
        let choices = best(drawn(&[-3.0, -1.0, -1.0, -0.5, -9.0, -2.0]), 3, 2);
        assert_eq!(texts(&choices), [(0, "1"), (1, "2"), (2, "3"), (3, "5")]);
    }

    #[test]
    fn all_draws_stay_in_their_order() {
        let choices = best(drawn(&[-3.0, -1.0, -2.0, -0.5]), 2, 2);
        assert_eq!(texts(&choices), [(0, "0"), (1, "1"), (2, "2"), (3, "3")]);
    }
}
