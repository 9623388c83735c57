//! One request to one route, and what came of it.

use std::collections::BTreeSet;

use serde::Serialize;

use super::questions::{Lengths, Question, misfit};
use crate::cli::probe::{Environment, Exchange, Reading, Shape};

/// What kind of model answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Chat,
    Embedding,
    Rerank,
    /// A local model that does something else, e.g. hears or labels.
    Other,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Row {
    pub(super) route: String,
    pub(super) request: &'static str,
    pub(super) kind: Kind,
    pub(super) ok: bool,
    pub(super) status: Option<u16>,
    /// Of an error.
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
    pub(super) provider: Option<String>,
    pub(super) model: Option<String>,
    pub(super) zone: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) attempts: Option<u32>,
    /// Of a stream to its first token, of others to their first byte.
    pub(super) first_ms: Option<u64>,
    pub(super) total_ms: Option<u64>,
    pub(super) finish_reason: Option<String>,
    pub(super) has_usage: bool,
    pub(super) is_openai_shape: bool,
    pub(super) problems: Vec<String>,
    pub(super) odd: Vec<String>,
    /// Where a tool was offered: whether it was called.
    pub(super) tool: Option<&'static str>,
    #[serde(skip)]
    pub(super) shape: Shape,
    /// Names of those headers that belong to the API or to the gateway.
    #[serde(skip)]
    pub(super) headers: BTreeSet<String>,
}

impl Row {
    pub(super) async fn ask(environment: &Environment, route: &str, question: Question, lengths: Lengths) -> Self {
        let asked = environment.ask(question.path(), &question.body(route, lengths)).await;
        match asked {
            Ok(exchange) => Self::of(&exchange, route, question),
            Err(why) => {
                let problems = vec![why.to_string()];
                Self { problems, ..Self::new(route, question) }
            }
        }
    }

    /// A model that none of the requests is for.
    pub(super) fn of_another_kind(route: &str) -> Self {
        let odd = vec!["answers neither chat nor embeddings nor rerank, and was asked nothing else".to_owned()];
        let row = Self::new(route, Question::Normal);
        Self { request: "-", kind: Kind::Other, ok: true, is_openai_shape: true, odd, ..row }
    }

    fn new(route: &str, question: Question) -> Self {
        let kind = match question {
            Question::Embedding => Kind::Embedding,
            Question::Rerank => Kind::Rerank,
            Question::Normal | Question::Streamed | Question::Tool | Question::Long => Kind::Chat,
        };
        Self {
            route: route.to_owned(),
            request: question.as_str(),
            kind,
            ok: false,
            status: None,
            code: None,
            message: None,
            provider: None,
            model: None,
            zone: None,
            reason: None,
            attempts: None,
            first_ms: None,
            total_ms: None,
            finish_reason: None,
            has_usage: false,
            is_openai_shape: false,
            problems: Vec::new(),
            odd: Vec::new(),
            tool: None,
            shape: Shape::default(),
            headers: BTreeSet::new(),
        }
    }

    fn of(exchange: &Exchange, route: &str, question: Question) -> Self {
        let reading = Reading::of(exchange, question.wanted());
        let own = |name: &str| exchange.header(&format!("x-shekara-{name}"));
        let mut row = Self {
            status: Some(exchange.status),
            provider: own("provider"),
            model: own("model"),
            zone: own("zone"),
            reason: own("reason"),
            attempts: own("attempts").and_then(|text| text.parse().ok()),
            first_ms: reading.first_token_ms.or(exchange.first_byte_ms),
            total_ms: Some(exchange.total_ms),
            headers: telling_headers(exchange),
            is_openai_shape: reading.is_openai_shape(),
            tool: (question == Question::Tool && exchange.status == 200).then(|| called(&reading)),
            ..Self::new(route, question)
        };
        let misfits =
            if question == Question::Tool { reading.calls.iter().filter_map(misfit).collect() } else { vec![] };
        let Reading { problems, odd, finish_reason, has_usage, error, shape, .. } = reading;
        row.ok = exchange.status == 200 && error.is_none() && row.is_openai_shape && misfits.is_empty();
        (row.problems, row.odd) = (problems, odd);
        row.problems.extend(misfits);
        (row.finish_reason, row.has_usage, row.shape) = (finish_reason, has_usage, shape);
        if let Some(told) = error {
            (row.code, row.message) = (told.code, Some(told.message));
        }
        if question == Question::Long && row.code.as_deref() == Some("context_length_exceeded") && row.is_openai_shape {
            row.ok = true;
            row.odd.push("the long prompt is longer than its context, and it says so".to_owned());
        }
        row.note_who_answered();
        row
    }

    fn note_who_answered(&mut self) {
        if self.status == Some(200) && self.provider.is_none() {
            self.odd.push("it does not say who answered".to_owned());
        }
        if !self.headers.contains("x-request-id") {
            self.odd.push("there is no x-request-id".to_owned());
        }
        let passed_over =
            self.reason.as_deref().filter(|reason| reason.starts_with("fallback:") || *reason == "breaker");
        if self.reason.as_deref() == Some("cache") {
            self.odd.push("it comes from the cache, so no model was asked".to_owned());
        }
        if let Some(reason) = passed_over {
            self.odd.push(format!("not its first target answered ({reason})"));
        }
    }

    /// Whether a model of another kind may be behind it.
    pub(super) fn is_refused(&self) -> bool {
        matches!(self.status, Some(400 | 404 | 422))
    }

    /// Whether the model itself is known and is for something else.
    pub(super) fn is_of_another_kind(&self) -> bool {
        self.is_refused() && self.code.as_deref() == Some("unsupported_model")
    }
}

fn called(reading: &Reading) -> &'static str {
    match reading.calls.len() {
        0 => "answered in words",
        _ => "called",
    }
}

fn telling_headers(exchange: &Exchange) -> BTreeSet<String> {
    let tells = |name: &str| {
        ["x-shekara-", "x-ratelimit-"].iter().any(|prefix| name.starts_with(prefix))
            || matches!(name, "content-type" | "x-request-id" | "retry-after" | "x-should-retry")
    };
    exchange.headers.keys().map(|name| name.as_str().to_owned()).filter(|name| tells(name)).collect()
}
