//! Which stretches of a text are masked: every byte of every finding, once, and no byte of a token.

use std::ops::Range;

use crate::pii::{Entity, placeholder};

/// A value in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    pub entity: Entity,
    /// Bytes of the text.
    pub range: Range<usize>,
}

/// Spans that overlap become one, of the longer one's entity; tokens that stand in the text are cut out. The rest comes
/// by position, on character boundaries.
pub(crate) fn disjoint(text: &str, mut spans: Vec<Span>) -> Vec<Span> {
    for span in &mut spans {
        span.range = text.floor_char_boundary(span.range.start)..text.ceil_char_boundary(span.range.end);
    }
    spans.retain(|span| !span.range.is_empty());
    spans.sort_by_key(|span| (span.range.start, std::cmp::Reverse(span.range.end), span.entity));
    let mut joined: Vec<(Span, usize)> = Vec::with_capacity(spans.len());
    for span in spans {
        match joined.last_mut() {
            Some((last, longest)) if span.range.start < last.range.end => {
                last.range.end = last.range.end.max(span.range.end);
                if span.range.len() > *longest {
                    *longest = span.range.len();
                    last.entity = span.entity;
                }
            }
            _ => {
                let length = span.range.len();
                joined.push((span, length));
            }
        }
    }
    without_tokens(text, joined.into_iter().map(|(span, _)| span))
}

fn without_tokens(text: &str, spans: impl Iterator<Item = Span>) -> Vec<Span> {
    let mut tokens = placeholder::find(text).peekable();
    let mut rest = Vec::new();
    for span in spans {
        let mut from = span.range.start;
        let mut is_cut = false;
        while let Some(token) = tokens.next_if(|token| token.start < span.range.end) {
            if token.end > from {
                is_cut = true;
                push_piece(text, span.entity, from..token.start, &mut rest);
                from = token.end;
            }
        }
        if is_cut {
            push_piece(text, span.entity, from..span.range.end, &mut rest);
        } else {
            rest.push(span);
        }
    }
    rest
}

/// What is left of a span beside a token: from its first letter or digit to its last.
fn push_piece(text: &str, entity: Entity, range: Range<usize>, spans: &mut Vec<Span>) {
    let Some(piece) = text.get(range.clone()) else { return };
    let from_start = piece.trim_start_matches(|character: char| !character.is_alphanumeric());
    let start = range.end - from_start.len();
    let kept = from_start.trim_end_matches(|character: char| !character.is_alphanumeric());
    if !kept.is_empty() {
        spans.push(Span { entity, range: start..start + kept.len() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(entity: Entity, range: Range<usize>) -> Span {
        Span { entity, range }
    }

    #[test]
    fn overlapping_spans_become_one_of_the_longer_ones_entity() {
        let text = "0123456789abcdef";
        let found = disjoint(
            text,
            vec![
                span(Entity::Phone, 4..12),
                span(Entity::Iin, 2..6),
                span(Entity::Email, 12..14),
                span(Entity::Ip, 3..3),
            ],
        );
        assert_eq!(found, [span(Entity::Phone, 2..12), span(Entity::Email, 12..14)]);
    }

    #[test]
    fn tokens_are_cut_out_and_characters_stay_whole() {
        let text = "Иван [PERSON_7K2QXAB4], Абая 5";
        let token = placeholder::core_from(0x0ABC_DEF1_2345_6789 >> 3).map(|core| placeholder::written("PERSON", core));
        let Some(token) = token else { panic!("another number is needed") };
        let text = text.replace("[PERSON_7K2QXAB4]", &token);
        let pieces: Vec<&str> = disjoint(&text, vec![span(Entity::Address, 1..text.len())])
            .into_iter()
            .map(|span| text.get(span.range).unwrap())
            .collect();
        assert_eq!(pieces, ["Иван", "Абая 5"]);
        let inside = text.find("PERSON").unwrap();
        assert_eq!(disjoint(&text, vec![span(Entity::Handle, inside..inside + 9)]), []);
    }
}
