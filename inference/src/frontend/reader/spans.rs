//! Labels of tokens to labelled spans of a text.
//!
//! Labels say where a span begins (`B-`), goes on (`I-`), ends (`E-`) or is a single token (`S-`). Plainly each token has
//! its likeliest label and neighbours of one kind are one span, as transformers' `simple` aggregation does it. Where a
//! model's labels are constrained, the likeliest sequence of labels is taken among those that make sense (Viterbi 1967).

use std::ops::Range;

use super::ScoreFunction;

/// Label of tokens that are in no span.
const OUTSIDE: &str = "O";

/// A labelled part of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct TextSpan {
    pub label: String,
    /// Bytes of the text.
    pub bytes: Range<usize>,
    /// Mean probability of the labels of its tokens.
    pub score: f32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Outside,
    Begin,
    Inside,
    End,
    Single,
}

/// A label taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Label {
    place: Place,
    kind: String,
}

/// What a model's labels mean.
#[derive(Clone, Debug)]
pub struct SpanDecoder {
    labels: Vec<Label>,
    constrained: bool,
    /// Spans say where they end.
    has_ends: bool,
}

impl SpanDecoder {
    /// `constrained` asks for sequences that make sense; labels that say where spans end always do.
    pub fn new(labels: &[String], constrained: bool) -> Self {
        let labels: Vec<Label> = labels.iter().map(|label| parse(label)).collect();
        let has_ends = labels.iter().any(|label| matches!(label.place, Place::End | Place::Single));
        let begins = labels.iter().any(|label| label.place == Place::Begin);
        Self { constrained: begins && (constrained || has_ends), labels, has_ends }
    }

    pub fn num_labels(&self) -> usize {
        self.labels.len()
    }

    /// Spans of a text whose tokens have these logits, a row for each label, and stand at these bytes.
    pub fn spans(&self, logits: &[f32], offsets: &[(usize, usize)]) -> Vec<TextSpan> {
        let rows = logits.chunks_exact(self.labels.len().max(1));
        let rows: Vec<Vec<f32>> = rows.map(|row| ScoreFunction::Softmax.scores(row)).collect();
        let chosen =
            if self.constrained { self.best_path(&rows) } else { rows.iter().map(|row| likeliest(row)).collect() };
        let mut spans: Vec<(TextSpan, usize)> = Vec::new();
        let mut is_open = false;
        for ((row, label), (start, end)) in rows.iter().zip(chosen).zip(offsets) {
            let Label { place, kind } = &self.labels[label];
            let score = row[label];
            let goes_on = is_open && !matches!(place, Place::Begin | Place::Single);
            match spans.last_mut() {
                _ if *place == Place::Outside => is_open = false,
                Some((span, count)) if goes_on && span.label == *kind => {
                    span.bytes.end = *end;
                    span.score += score;
                    *count += 1;
                    is_open = *place != Place::End;
                }
                _ => {
                    spans.push((TextSpan { label: kind.clone(), bytes: *start..*end, score }, 1));
                    is_open = !matches!(place, Place::End | Place::Single);
                }
            }
        }
        let mean = |(mut span, count): (TextSpan, usize)| {
            span.score /= count as f32;
            span
        };
        spans.into_iter().map(mean).filter(|span| !span.bytes.is_empty()).collect()
    }

    /// The likeliest sequence of labels in which each may follow the one before it.
    fn best_path(&self, rows: &[Vec<f32>]) -> Vec<usize> {
        let count = self.labels.len();
        let mut best: Vec<f64> = Vec::new();
        let mut origins: Vec<Vec<usize>> = Vec::with_capacity(rows.len());
        for row in rows {
            let step = |label: usize| f64::from(row[label].max(f32::MIN_POSITIVE)).ln();
            let (mut next, mut from) = (vec![f64::NEG_INFINITY; count], vec![0; count]);
            for label in 0..count {
                if best.is_empty() {
                    if self.may_begin(label) {
                        next[label] = step(label);
                    }
                    continue;
                }
                for (before, score) in best.iter().enumerate() {
                    if self.may_follow(before, label) && score + step(label) > next[label] {
                        (next[label], from[label]) = (score + step(label), before);
                    }
                }
            }
            best = next;
            origins.push(from);
        }
        let ends = (0..count).filter(|label| self.may_end(*label));
        let Some(mut label) = ends.max_by(|a, b| score_of(&best, *a).total_cmp(&score_of(&best, *b))) else {
            return rows.iter().map(|row| likeliest(row)).collect();
        };
        let mut path = vec![0; rows.len()];
        for (place, from) in path.iter_mut().zip(&origins).rev() {
            *place = label;
            label = from[label];
        }
        path
    }

    fn may_begin(&self, label: usize) -> bool {
        !matches!(self.labels[label].place, Place::Inside | Place::End)
    }

    fn may_end(&self, label: usize) -> bool {
        !self.has_ends || !matches!(self.labels[label].place, Place::Begin | Place::Inside)
    }

    fn may_follow(&self, before: usize, label: usize) -> bool {
        let goes_on = !self.may_begin(label);
        let is_open = matches!(self.labels[before].place, Place::Begin | Place::Inside);
        if goes_on {
            return is_open && self.labels[before].kind == self.labels[label].kind;
        }
        self.may_end(before)
    }
}

fn score_of(scores: &[f64], label: usize) -> f64 {
    scores.get(label).copied().unwrap_or(f64::NEG_INFINITY)
}

fn likeliest(row: &[f32]) -> usize {
    let larger = |best: usize, at: usize| if row[at] > row[best] { at } else { best };
    (1..row.len()).fold(0, larger)
}

fn parse(label: &str) -> Label {
    if label == OUTSIDE {
        return Label { place: Place::Outside, kind: String::new() };
    }
    let place = match label.split_at_checked(2).map(|(prefix, _)| prefix) {
        Some("B-") => Place::Begin,
        Some("I-") => Place::Inside,
        Some("E-" | "L-") => Place::End,
        Some("S-" | "U-") => Place::Single,
        // A label without a place: neighbours of it are one span.
        _ => return Label { place: Place::Inside, kind: label.to_owned() },
    };
    Label { place, kind: label[2..].to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoder(labels: &[&str], constrained: bool) -> SpanDecoder {
        SpanDecoder::new(&labels.iter().map(|label| (*label).to_owned()).collect::<Vec<_>>(), constrained)
    }

    /// Logits in which each token has one label by far, or two that are close.
    fn logits(num_labels: usize, tokens: &[&[(usize, f32)]]) -> Vec<f32> {
        let mut all = vec![0.0; num_labels * tokens.len()];
        for (token, logits) in tokens.iter().enumerate() {
            for (label, logit) in *logits {
                all[token * num_labels + label] = *logit;
            }
        }
        all
    }

    fn found(decoder: &SpanDecoder, tokens: &[&[(usize, f32)]]) -> Vec<(String, Range<usize>)> {
        let offsets: Vec<_> = (0..tokens.len()).map(|token| (token * 3, token * 3 + 2)).collect();
        let spans = decoder.spans(&logits(decoder.num_labels(), tokens), &offsets);
        assert!(spans.iter().all(|span| span.score > 0.0 && span.score <= 1.0));
        spans.into_iter().map(|span| (span.label, span.bytes)).collect()
    }

    const BIO: [&str; 5] = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"];

    #[test]
    fn neighbours_of_a_kind_are_one_span() {
        let plain = decoder(&BIO, false);
        let spans = found(&plain, &[&[(1, 9.0)], &[(2, 9.0)], &[(1, 9.0)], &[(0, 9.0)], &[(4, 9.0)], &[(2, 9.0)]]);
        let expected = [("PER", 0..5), ("PER", 6..8), ("LOC", 12..14), ("PER", 15..17)];
        assert_eq!(spans, expected.map(|(label, bytes)| (label.to_owned(), bytes)));
        let bare = decoder(&["O", "NAME"], true);
        assert_eq!(found(&bare, &[&[(1, 9.0)], &[(1, 9.0)], &[(0, 9.0)]]), [("NAME".to_owned(), 0..5)]);
    }

    #[test]
    fn constrained_labels_make_sense_together() {
        let constrained = decoder(&BIO, true);
        // The likeliest labels would be B-PER I-LOC: a span of another kind cannot go on.
        let spans = found(&constrained, &[&[(1, 9.0)], &[(4, 5.0), (2, 4.8)]]);
        assert_eq!(spans, [("PER".to_owned(), 0..5)]);
        // I-PER at the start becomes B-PER.
        assert_eq!(found(&constrained, &[&[(2, 5.0), (1, 4.0)]]), [("PER".to_owned(), 0..2)]);
        assert_eq!(found(&constrained, &[]), []);
    }

    #[test]
    fn spans_that_say_where_they_end_do() {
        let ends = decoder(&["O", "B-A", "I-A", "E-A", "S-A"], false);
        let spans = found(&ends, &[&[(1, 9.0)], &[(3, 9.0)], &[(4, 9.0)], &[(1, 5.0), (4, 4.9)]]);
        let expected = [0..5, 6..8, 9..11].map(|bytes| ("A".to_owned(), bytes));
        assert_eq!(spans, expected);
    }

    #[test]
    fn the_best_path_is_the_best_of_all_that_are_allowed() {
        let decoder = decoder(&BIO, true);
        let mut state = 9u64;
        for _ in 0..50 {
            let rows: Vec<Vec<f32>> = (0..4)
                .map(|_| {
                    let logits: Vec<f32> = (0..5)
                        .map(|_| {
                            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                            (state >> 40) as f32 / 4e6
                        })
                        .collect();
                    ScoreFunction::Softmax.scores(&logits)
                })
                .collect();
            let score =
                |path: &[usize]| path.iter().zip(&rows).map(|(label, row)| f64::from(row[*label]).ln()).sum::<f64>();
            let allowed = |path: &[usize]| {
                decoder.may_begin(path[0])
                    && path.windows(2).all(|pair| decoder.may_follow(pair[0], pair[1]))
                    && decoder.may_end(path[3])
            };
            let all = (0..625usize).map(|code| [code % 5, code / 5 % 5, code / 25 % 5, code / 125]);
            let best = all.filter(|path| allowed(path)).max_by(|a, b| score(a).total_cmp(&score(b)));
            assert_eq!(decoder.best_path(&rows), best.expect("a path"));
        }
    }
}
