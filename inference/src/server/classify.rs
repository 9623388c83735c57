//! `/classify`: classes of texts, or spans in them, depending on the model.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::extract::{Request, State};
use shekara_protocol::classify::{Classification, ClassifiedInput, ClassifyRequest, LabelledSpan, parse_request};
use shekara_protocol::completions::PromptItem;
use shekara_protocol::embeddings::EmbeddingUsage;
use shekara_protocol::error::ApiError;
use uuid::Uuid;

use crate::catalog::ServedReader;
use crate::engine::SequenceInput;
use crate::frontend::reader::{ReaderPurpose, TagPlan, TextSpan};

use super::ServerState;
use super::body;
use super::error::ErrorResponse;
use super::reading::{Prepared, Reading};

/// What the outputs are read by.
struct Ask {
    request: ClassifyRequest,
    /// For a model that labels tokens.
    plan: Option<TagPlan>,
}

pub(super) async fn create(
    State(state): State<ServerState>,
    request: Request,
) -> Result<Json<Classification>, ErrorResponse> {
    let body = body::read(request.into_body(), state.body_limit_bytes).await?;
    let parse = move || body::strictly(&body, parse_request);
    let reading = Reading::start(state, "input", parse, |model, request| {
        let (inputs, plan) = inputs(model, &request)?;
        Ok(Prepared { ask: Ask { request, plan }, inputs })
    });
    let Reading { model, ask, outputs, num_tokens } = reading.await?;
    if outputs.iter().flatten().any(|logit| !logit.is_finite()) {
        tracing::error!(model = model.info.id, "a logit is not finite");
        return Err(ApiError::internal().into());
    }
    let data = match &ask.plan {
        Some(plan) => spans(&model, &ask.request, plan, &outputs),
        None => outputs.iter().enumerate().map(|(index, logits)| whole(&model, index, logits)).collect(),
    };
    Ok(Json(Classification {
        id: format!("classify-{}", Uuid::now_v7().simple()),
        object: "list",
        created: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        model: model.info.id.clone(),
        data,
        usage: EmbeddingUsage::new(num_tokens),
    }))
}

fn inputs(model: &ServedReader, request: &ClassifyRequest) -> Result<(Vec<SequenceInput>, Option<TagPlan>), ApiError> {
    match model.frontend.purpose() {
        ReaderPurpose::Classify { .. } => {
            Ok((model.frontend.inputs(&request.input, request.truncate_prompt_tokens)?, None))
        }
        ReaderPurpose::Tag { .. } => {
            if request.truncate_prompt_tokens.is_some() {
                let what = "Texts are read whole, in windows: cutting them is";
                return Err(ApiError::unsupported("truncate_prompt_tokens", what));
            }
            let texts = texts(request)?;
            let (inputs, plan) = model.frontend.tag_inputs(&texts, |index| request.input.param_in("input", index))?;
            Ok((inputs, Some(plan)))
        }
        _ => Err(ApiError::invalid("model", "The model does not classify texts.").with_code("unsupported_model")),
    }
}

/// Inputs in which places can be counted.
fn texts(request: &ClassifyRequest) -> Result<Vec<&str>, ApiError> {
    let items = request.input.items().into_iter();
    items
        .map(|item| match item {
            PromptItem::Text(text) => Ok(text),
            PromptItem::Tokens(_) => Err(ApiError::unsupported("input", "Token ids are")),
        })
        .collect()
}

fn whole(model: &ServedReader, index: usize, logits: &[f32]) -> ClassifiedInput {
    let ReaderPurpose::Classify { labels, function } = model.frontend.purpose() else {
        return ClassifiedInput::Whole { index, label: String::new(), probs: Vec::new(), num_classes: 0 };
    };
    let probs = function.scores(logits);
    let best = (0..probs.len()).fold(0, |best, at| if probs[at] > probs[best] { at } else { best });
    ClassifiedInput::Whole {
        index,
        label: labels.get(best).cloned().unwrap_or_default(),
        num_classes: probs.len(),
        probs,
    }
}

fn spans(
    model: &ServedReader,
    request: &ClassifyRequest,
    plan: &TagPlan,
    outputs: &[Vec<f32>],
) -> Vec<ClassifiedInput> {
    let Some(decoder) = model.frontend.span_decoder() else { return Vec::new() };
    let num_labels = decoder.num_labels();
    let logits = plan.logits(num_labels, outputs);
    let texts = texts(request).unwrap_or_default();
    let found = plan.spans(decoder, &logits).into_iter().zip(&logits).zip(texts).enumerate();
    let show = request.return_logits.unwrap_or(false);
    found
        .map(|(index, ((spans, logits), text))| ClassifiedInput::Spans {
            index,
            spans: in_characters(text, spans),
            logits: show.then(|| logits.chunks_exact(num_labels).map(<[f32]>::to_vec).collect()),
        })
        .collect()
}

/// Spans counted in characters. They come in the order of the text.
fn in_characters(text: &str, spans: Vec<TextSpan>) -> Vec<LabelledSpan> {
    let (mut bytes, mut characters) = (0, 0);
    let mut count_to = |byte: usize| {
        let byte = text.floor_char_boundary(byte);
        if byte >= bytes {
            characters += text[bytes..byte].chars().count();
        } else {
            characters -= text[byte..bytes].chars().count();
        }
        bytes = byte;
        characters
    };
    let mut counted = |span: TextSpan| {
        let (start, end) = (count_to(span.bytes.start), count_to(span.bytes.end));
        LabelledSpan { label: span.label, start, end, score: span.score }
    };
    spans.into_iter().map(&mut counted).collect()
}
