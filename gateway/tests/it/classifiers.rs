//! Second stages that fail, each in its own way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use shekara_gateway::pii::{Classified, Classifier, ClassifierError, SecondStage, TextSegment};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Errs,
    /// Answers after its budget is spent.
    IsLate,
    /// Panics, with the text that it was given in the message.
    Panics,
    /// Speaks of a place that does not exist.
    Raves,
}

struct Failing(Fault);

impl Classifier for Failing {
    fn classify(&self, segments: &[TextSegment<'_>], _: Instant) -> Result<Vec<Classified>, ClassifierError> {
        match self.0 {
            Fault::Errs => Err(ClassifierError),
            Fault::IsLate => Ok(Vec::new()),
            Fault::Panics => {
                let texts: Vec<&str> = segments.iter().map(|segment| segment.text.as_ref()).collect();
                panic!("cannot classify {texts:?}")
            }
            Fault::Raves => {
                let entity = shekara_gateway::pii::Entity::Person;
                Ok(vec![Classified { entity, segment: segments.len(), span: 0..1, score: 99 }])
            }
        }
    }
}

/// Every look at it is an hour later.
fn rushing_clock() -> Instant {
    static LOOKS: AtomicU64 = AtomicU64::new(0);
    let hours = LOOKS.fetch_add(1, Ordering::Relaxed);
    Instant::now() + Duration::from_secs(3_600 * hours)
}

pub fn failing(fault: Fault) -> SecondStage {
    let now = if fault == Fault::IsLate { rushing_clock } else { Instant::now };
    SecondStage { classifier: Arc::new(Failing(fault)), budget: Duration::from_secs(60), now }
}
