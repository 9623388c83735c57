//! The second stage: a local model that labels tokens finds names and addresses that no rule knows.
//!
//! It is asked about texts in which something could be a name: a word that begins with a capital, or one of a script
//! without capitals. An answer that does not come in time, or makes no sense, is an error, and the text is sensitive.

use std::ops::Range;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::json;
use tokio::runtime::{Handle, RuntimeFlavor};

use super::EngineService;
use crate::pii::{Classified, Classifier, ClassifierError, Entity, TextSegment};

/// Texts of one question.
const MAX_TEXTS: usize = 256;
/// Labels of a person's name and of an address, as models call them, without case, spaces and marks.
const PERSON: [&str; 12] = [
    "per",
    "pers",
    "person",
    "name",
    "firstname",
    "lastname",
    "middlename",
    "surname",
    "givenname",
    "fullname",
    "privateperson",
    "patronymic",
];
const ADDRESS: [&str; 6] = ["address", "street", "streetaddress", "fulladdress", "privateaddress", "locationaddress"];
/// Labels of what is nobody's.
const OTHERS: [&str; 13] = [
    "o",
    "loc",
    "location",
    "gpe",
    "org",
    "organization",
    "organisation",
    "misc",
    "fac",
    "event",
    "product",
    "date",
    "time",
];

/// A model of the engine in this process.
#[derive(Debug)]
pub struct TokenClassifier {
    engine: Option<EngineService>,
    model: String,
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Text>,
}

#[derive(Deserialize)]
struct Text {
    index: usize,
    spans: Vec<Span>,
}

#[derive(Deserialize)]
struct Span {
    label: String,
    /// In characters.
    start: usize,
    end: usize,
    score: f64,
}

impl TokenClassifier {
    /// Without an engine it never has an answer.
    pub fn new(engine: Option<EngineService>, model: String) -> Self {
        Self { engine, model }
    }

    /// Asks the engine, and waits on this thread.
    fn ask(&self, texts: &[&str], deadline: Instant) -> Result<Answer, ClassifierError> {
        let engine = self.engine.clone().ok_or(ClassifierError)?;
        let body = json!({ "model": self.model, "input": texts }).to_string().into_bytes();
        let handle = Handle::try_current().map_err(|_| ClassifierError)?;
        let (sender, answer) = mpsc::sync_channel(1);
        let asking = handle.spawn(async move {
            // Nobody waits for an answer that comes too late.
            let _ = sender.send(engine.classify(body).await);
        });
        let wait = || answer.recv_timeout(deadline.saturating_duration_since(Instant::now()).min(MAX_WAIT));
        let answer = match handle.runtime_flavor() {
            // Other tasks of this thread go on elsewhere.
            RuntimeFlavor::MultiThread => tokio::task::block_in_place(wait),
            _ => wait(),
        };
        let Ok(Ok(body)) = answer else {
            asking.abort();
            return Err(ClassifierError);
        };
        serde_json::from_slice(&body).map_err(|_| ClassifierError)
    }
}

/// Longer than any budget.
const MAX_WAIT: Duration = Duration::from_mins(10);

impl Classifier for TokenClassifier {
    fn classify(&self, segments: &[TextSegment<'_>], deadline: Instant) -> Result<Vec<Classified>, ClassifierError> {
        let named: Vec<usize> = (0..segments.len()).filter(|index| may_hold_name(&segments[*index].text)).collect();
        let mut found = Vec::new();
        for chosen in named.chunks(MAX_TEXTS) {
            let texts: Vec<&str> = chosen.iter().map(|index| segments[*index].text.as_ref()).collect();
            let answer = self.ask(&texts, deadline)?;
            if answer.data.len() != texts.len() {
                return Err(ClassifierError);
            }
            for text in answer.data {
                let segment = *chosen.get(text.index).ok_or(ClassifierError)?;
                found.extend(classified(segment, &segments[segment].text, &text.spans)?);
            }
        }
        Ok(found)
    }
}

/// Whether a text has a word that could be a name.
fn may_hold_name(text: &str) -> bool {
    let mut is_inside = false;
    text.chars().any(|character| {
        let begins = character.is_alphabetic() && !is_inside;
        is_inside = character.is_alphabetic();
        begins && !character.is_lowercase()
    })
}

fn classified(segment: usize, text: &str, spans: &[Span]) -> Result<Vec<Classified>, ClassifierError> {
    let mut found = Vec::new();
    let mut starts: Option<Vec<usize>> = None;
    for span in spans {
        let Some(entity) = entity(&span.label)? else { continue };
        let starts = starts.get_or_insert_with(|| text.char_indices().map(|(at, _)| at).chain([text.len()]).collect());
        let byte = |character: usize| starts.get(character).copied().ok_or(ClassifierError);
        let span_bytes: Range<usize> = byte(span.start)?..byte(span.end)?;
        let score = (span.score * 100.0).round().clamp(0.0, 100.0) as u8;
        found.push(Classified { entity, segment, span: span_bytes, score });
    }
    Ok(found)
}

/// What a label stands for; `None` for what is nobody's.
///
/// # Errors
/// A label that nobody here knows may be a name's.
fn entity(label: &str) -> Result<Option<Entity>, ClassifierError> {
    let label: String = label.chars().filter(|character| character.is_alphanumeric()).collect();
    let label = label.to_lowercase();
    if PERSON.contains(&label.as_str()) {
        Ok(Some(Entity::Person))
    } else if ADDRESS.contains(&label.as_str()) {
        Ok(Some(Entity::Address))
    } else if OTHERS.contains(&label.as_str()) {
        Ok(None)
    } else {
        Err(ClassifierError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capitals_and_scripts_without_them_may_be_names() {
        for text in ["Пришла Айгуль", "call bob Smith", "王小明", "x (Anna)", "a.Б"] {
            assert!(may_hold_name(text), "{text}");
        }
        for text in ["", "где моя посылка?", "iPhone 15", "12:30", "e-mail"] {
            assert!(!may_hold_name(text), "{text}");
        }
    }

    #[test]
    fn characters_become_bytes_and_other_labels_are_left() {
        let span = |label: &str, start, end| Span { label: label.to_owned(), start, end, score: 0.987 };
        let found = classified(3, "да Анна", &[span("LOC", 0, 2), span("PER", 3, 7)]).unwrap();
        assert_eq!(found, [Classified { entity: Entity::Person, segment: 3, span: 5..13, score: 99 }]);
        assert!(classified(0, "да", &[span("PER", 0, 9)]).is_err());
    }

    #[test]
    fn without_an_engine_there_is_no_answer() {
        let classifier = TokenClassifier::new(None, "m".to_owned());
        let ask = |text: &str| classifier.classify(&[TextSegment::new("", text)], Instant::now());
        assert_eq!(ask("Анна"), Err(ClassifierError));
        assert_eq!(ask("анна"), Ok(Vec::new()));
    }
}
