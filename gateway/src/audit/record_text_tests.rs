//! The text of a record beside that of the writer that sorts.

use proptest::prelude::*;
use serde_json::json;

use super::super::{ContentSeals, Digest, Outcome, TryResult};
use super::*;
use crate::auth::DataClass;
use crate::billing::{Charge, Factor};

const OUTCOMES: [Outcome; 4] = [Outcome::Dispatched, Outcome::Completed, Outcome::Failed, Outcome::Aborted];
const CLASSES: [DataClass; 4] = [DataClass::Public, DataClass::Internal, DataClass::Personal, DataClass::Special];
const RESULTS: [TryResult; 14] = [
    TryResult::Open,
    TryResult::Answered,
    TryResult::Interrupted,
    TryResult::Aborted,
    TryResult::Overtaken,
    TryResult::Refused,
    TryResult::Auth,
    TryResult::Connect,
    TryResult::Unsent,
    TryResult::Timeout,
    TryResult::RateLimit,
    TryResult::Quota,
    TryResult::Server,
    TryResult::BrokenResponse,
];

/// What fields are filled with, one after the other.
struct Values<'v> {
    texts: std::iter::Cycle<std::slice::Iter<'v, String>>,
    counts: std::iter::Cycle<std::slice::Iter<'v, Option<u64>>>,
}

impl Values<'_> {
    fn text(&mut self) -> String {
        self.texts.next().unwrap().clone()
    }

    fn count(&mut self) -> Option<u64> {
        *self.counts.next().unwrap()
    }

    fn number(&mut self) -> u64 {
        self.count().unwrap_or(0)
    }

    /// Missing where a count is.
    fn given(&mut self) -> Option<String> {
        self.count().map(|_| self.text())
    }

    fn source(&mut self) -> Option<UsageSource> {
        self.count().map(|count| if count % 2 == 0 { UsageSource::Provider } else { UsageSource::Estimated })
    }

    fn entities(&mut self) -> BTreeMap<String, u32> {
        (0..self.number() % 4).map(|_| (self.text(), self.number() as u32)).collect()
    }

    fn charge(&mut self) -> Option<Charge> {
        let usd = self.count().map(|count| format!("0.{count}"));
        let charge = json!({ "usd": usd, "tiyn": self.number() % 1_000_000, "price_version": self.text(), "fx": null,
            "usage_source": "provider", "factor": "0.5" });
        self.count().and_then(|_| serde_json::from_value(charge).ok())
    }

    /// Every field is named, so that a new one does not compile until it is here too.
    fn usage(&mut self) -> Usage {
        Usage {
            prompt_tokens: self.count(),
            cached_prompt_tokens: self.count(),
            cache_write_tokens: self.count(),
            cache_write_1h_tokens: self.count(),
            prompt_audio_tokens: self.count(),
            prompt_image_tokens: self.count(),
            completion_tokens: self.count(),
            reasoning_tokens: self.count(),
            completion_audio_tokens: self.count(),
            completion_image_tokens: self.count(),
            images: self.count(),
            image_size: self.given(),
            image_quality: self.given(),
            audio_ms: self.count(),
            characters: self.count(),
            requests: self.count(),
            searches: self.count(),
        }
    }

    fn attempt(&mut self, at: usize) -> Try {
        Try {
            provider: self.text(),
            model: self.text(),
            zone: self.text(),
            reason: self.text(),
            result: RESULTS[at % RESULTS.len()],
            began_ms: self.number(),
            took_ms: self.count(),
            usage: self.count().map(|_| self.usage()),
            usage_source: self.source(),
            charge: self.charge(),
            unpriced: self.given(),
            factor: self.count().map(|_| Factor::ONE),
        }
    }

    fn record(&mut self, kind: usize, num_tries: usize) -> AuditRecord {
        let seals = ContentSeals { request: Some(Digest::of(b"request")), answer: self.count().map(|_| Digest::NONE) };
        AuditRecord {
            request_id: self.text(),
            time: self.text(),
            day: self.given(),
            tenant: self.text(),
            project: self.text(),
            department: self.given(),
            environment: self.text(),
            scenario: self.given(),
            key_id: self.text(),
            actor: self.text(),
            endpoint: self.text(),
            object: self.given(),
            route: self.given(),
            reason: self.given(),
            provider: self.given(),
            model: self.given(),
            zone: self.given(),
            data_class: CLASSES[kind % CLASSES.len()],
            entities: self.entities(),
            answer_entities: self.entities(),
            pii_action: self.text(),
            policy_version: self.text(),
            outcome: OUTCOMES[kind % OUTCOMES.len()],
            status: self.number() as u16,
            error_code: self.given(),
            streamed: kind.is_multiple_of(2),
            attempts: self.number() as u32,
            tries: (0..num_tries).map(|at| self.attempt(kind + at)).collect(),
            prompt_tokens: self.count(),
            completion_tokens: self.count(),
            usage_source: self.source(),
            audio_seconds: [None, Some(0.5), Some(1e21), Some(f64::NAN)][kind % 4],
            content: self.count().map(|_| seals),
            first_token_ms: self.count(),
            total_ms: self.number(),
        }
    }
}

proptest! {
    #[test]
    fn any_record_is_written_as_sorting_it_would(
        texts in prop::collection::vec(prop_oneof!["[a-z_ /]{0,9}", ".{0,6}", "[\"\\\\\u{0}-\u{1f}\u{fb33}\u{1f600}]{1,3}"], 1..12),
        counts in prop::collection::vec(prop::option::of(prop_oneof![0..300_u64, any::<u64>()]), 1..17),
        (kind, num_tries) in (0..28_usize, 0..4_usize),
    ) {
        let record = Values { texts: texts.iter().cycle(), counts: counts.iter().cycle() }.record(kind, num_tries);
        let text = record_text(&record).unwrap();
        prop_assert_eq!(&text, &written(&record).unwrap());
        prop_assert!(super::super::is_canonical(&text));
    }
}

#[test]
fn digits_are_those_of_the_number() {
    for number in [0, 9, 10, 99, 12_345, u64::MAX] {
        let mut text = String::from("n");
        push_digits(&mut text, number);
        assert_eq!(text, format!("n{number}"));
    }
}
