//! Texts to windows of tokens for a model that labels tokens, and its logits back to spans of the texts.
//!
//! A text longer than the model takes is read in windows that overlap by a quarter; each token has the logits of the
//! window in which it stands furthest from an edge.

use shekara_protocol::error::ApiError;

use crate::engine::SequenceInput;

use super::{ReaderFrontend, SpanDecoder, TextSpan};

/// What was made of texts, to make sense of what the model says about it.
pub struct TagPlan {
    texts: Vec<TaggedText>,
    /// Special tokens before a window's own.
    num_before: usize,
}

struct TaggedText {
    /// Bytes of each token.
    offsets: Vec<(usize, usize)>,
    /// First token and number of tokens of each window.
    windows: Vec<(usize, usize)>,
}

impl ReaderFrontend {
    /// Windows of all texts, in order, and the plan to read the answers by. `param` names a text by its index.
    ///
    /// # Errors
    /// A 400 if the model labels no tokens, or the tokenizer fails on a text.
    pub fn tag_inputs(
        &self,
        texts: &[&str],
        param: impl Fn(usize) -> String,
    ) -> Result<(Vec<SequenceInput>, TagPlan), ApiError> {
        let [num_before, num_after] = self.around();
        let room = self.max_tokens().saturating_sub(num_before + num_after);
        if self.spans.is_none() || room == 0 {
            let message = "The model does not label tokens.";
            return Err(ApiError::invalid("model", message).with_code("unsupported_model"));
        }
        let mut inputs = Vec::new();
        let mut plan = TagPlan { texts: Vec::with_capacity(texts.len()), num_before };
        for (index, text) in texts.iter().enumerate() {
            let encoding = self.content(text, None, &param(index))?;
            let windows = windows(encoding.len(), room);
            for (first, count) in &windows {
                inputs.push(self.framed(&encoding.get_ids()[*first..first + count]));
            }
            plan.texts.push(TaggedText { offsets: encoding.get_offsets().to_vec(), windows });
        }
        Ok((inputs, plan))
    }

    /// What the labels of this model mean, if it labels tokens.
    pub fn span_decoder(&self) -> Option<&SpanDecoder> {
        self.spans.as_ref()
    }
}

impl TagPlan {
    /// Each text's logits, a row for each of its tokens, from those of its windows.
    pub fn logits(&self, num_labels: usize, outputs: &[Vec<f32>]) -> Vec<Vec<f32>> {
        let mut outputs = outputs.iter();
        let text = |text: &TaggedText| {
            let outputs: Vec<&Vec<f32>> = outputs.by_ref().take(text.windows.len()).collect();
            let mut logits = Vec::with_capacity(text.offsets.len() * num_labels);
            for token in 0..text.offsets.len() {
                let Some(window) = central(&text.windows, token) else { continue };
                let row = self.num_before + token - text.windows[window].0;
                let found = outputs.get(window).and_then(|output| output.get(row * num_labels..(row + 1) * num_labels));
                logits.extend_from_slice(found.unwrap_or(&vec![0.0; num_labels]));
            }
            logits
        };
        self.texts.iter().map(text).collect()
    }

    /// Each text's spans, from its logits.
    pub fn spans(&self, decoder: &SpanDecoder, logits: &[Vec<f32>]) -> Vec<Vec<TextSpan>> {
        let texts = self.texts.iter().zip(logits);
        texts.map(|(text, logits)| decoder.spans(logits, &text.offsets)).collect()
    }
}

/// Windows of up to `room` tokens over `count` tokens.
fn windows(count: usize, room: usize) -> Vec<(usize, usize)> {
    if count <= room {
        // A text without tokens has nothing to label.
        return if count == 0 { Vec::new() } else { vec![(0, count)] };
    }
    let step = (room - room / 4).max(1);
    let mut windows = Vec::new();
    let mut first = 0;
    while first + room < count {
        windows.push((first, room));
        first += step;
    }
    // The last one is as long as the others, so that its first tokens have something before them.
    windows.push((count - room, room));
    windows
}

/// The window in which a token stands furthest from an edge; edges of the text do not count.
fn central(windows: &[(usize, usize)], token: usize) -> Option<usize> {
    let last = windows.len().saturating_sub(1);
    let distance = |index: usize| {
        let (first, count) = windows[index];
        let before = if index == 0 { usize::MAX } else { token - first };
        let after = if index == last { usize::MAX } else { first + count - 1 - token };
        before.min(after)
    };
    let begin = windows.partition_point(|(first, count)| first + count <= token);
    let near = (begin..windows.len()).take_while(|index| windows[*index].0 <= token);
    // Of two that are equal, the earlier.
    near.fold(None, |best: Option<usize>, index| match best {
        Some(best) if distance(best) >= distance(index) => Some(best),
        _ => Some(index),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_cover_everything_and_overlap() {
        assert_eq!(windows(0, 8), []);
        assert_eq!(windows(8, 8), [(0, 8)]);
        assert_eq!(windows(9, 8), [(0, 8), (1, 8)]);
        assert_eq!(windows(20, 8), [(0, 8), (6, 8), (12, 8)]);
        for (count, room) in [(100, 7), (101, 8), (9, 1), (3, 2), (1000, 3)] {
            let windows = windows(count, room);
            assert!((0..count).all(|token| central(&windows, token).is_some()), "{count} {room}");
            assert!(windows.iter().all(|(first, size)| first + size <= count && *size == room));
        }
    }

    #[test]
    fn a_token_is_judged_where_it_stands_furthest_from_an_edge() {
        let windows = [(0, 8), (6, 8), (12, 8)];
        let central = |token| central(&windows, token).expect("a window");
        assert_eq!([0, 5, 6, 7, 8].map(central), [0, 0, 0, 1, 1]);
        assert_eq!([11, 12, 13, 19].map(central), [1, 1, 2, 2]);
    }

    #[test]
    fn logits_come_from_the_chosen_windows() {
        let windows = vec![(0, 4), (3, 4)];
        let text = TaggedText { offsets: vec![(0, 1); 7], windows };
        let plan = TagPlan { texts: vec![text], num_before: 1 };
        let output = |tens: f32| (0..6).flat_map(|row| [tens + row as f32, 0.5]).collect::<Vec<f32>>();
        let logits = plan.logits(2, &[output(10.0), output(20.0)]);
        let firsts: Vec<f32> = logits[0].chunks(2).map(|row| row[0]).collect();
        assert_eq!(firsts, [11.0, 12.0, 13.0, 14.0, 22.0, 23.0, 24.0]);
    }
}
