//! The gateway's own refusals, each with its code.

use http::StatusCode;
use shekara_protocol::error::{ApiError, ErrorType};

use super::answer_filter::FilterError;
use super::shelf::ShelfError;
use crate::auth::{KeyError, Role};
use crate::config::Ability;
use crate::limits::{Level, Refusal};
use crate::pii::AnswerBlocked;
use crate::providers::{Failure, FailureKind};
use crate::routing::NoCandidate;
use crate::store::StoreError;

pub(super) fn too_many_in_flight() -> ApiError {
    ApiError::overloaded("Too many requests are under way on this gateway ([server] max_in_flight).", 1)
}

pub(super) fn too_many_forms() -> ApiError {
    ApiError::overloaded("Too many files are being uploaded to this gateway ([server] max_forms_bytes).", 2)
}

pub(super) fn too_many_exports() -> ApiError {
    ApiError::overloaded("Too many exports of the audit are being sent by this gateway.", 30)
}

pub fn audit_unavailable() -> ApiError {
    ApiError::unavailable("audit_unavailable", "The request could not be recorded, so it was not answered.", 10)
}

pub fn scan_failed() -> ApiError {
    ApiError::internal().final_answer()
}

/// Why a key opens nothing.
pub(super) fn bad_key(error: KeyError) -> ApiError {
    let (code, message) = match error {
        KeyError::Missing => {
            return ApiError::invalid_api_key(
                "You didn't provide an API key. Send it as 'Authorization: Bearer YOUR_KEY', 'x-api-key' or 'api-key'.",
            );
        }
        KeyError::Unknown => return ApiError::invalid_api_key("Incorrect API key provided."),
        KeyError::Revoked => return ApiError::invalid_api_key("This API key has been revoked."),
        KeyError::Expired => return ApiError::invalid_api_key("This API key has expired."),
        KeyError::Frozen => ("key_frozen", "This API key is frozen for now."),
        KeyError::ProjectFrozen => ("project_frozen", "The project of this API key is frozen for now."),
        KeyError::TenantFrozen => ("tenant_frozen", "The organisation of this API key is frozen for now."),
        KeyError::PersonGone => {
            return ApiError::invalid_api_key("The person whose API key this is does not exist any more.");
        }
        KeyError::PersonFrozen => ("person_frozen", "The person whose API key or login this is, is frozen for now."),
        KeyError::PersonMayLess => ("key_exceeds_person", "This API key is for more than its person may do."),
        KeyError::Address => ("address_not_allowed", "This API key may not be used from this address."),
    };
    forbidden(code, message)
}

pub(super) fn wrong_role(role: Role) -> ApiError {
    let message = match role {
        Role::Application => "An application key does not open /admin/v1.",
        _ => "This key opens /admin/v1 only. Use an application key for models.",
    };
    forbidden("wrong_key_role", message)
}

/// The cookie shows no session that holds.
pub(super) fn session_ended() -> ApiError {
    ApiError::invalid_api_key("Your session has ended. Log in again: GET /admin/v1/login.").with_code("session_ended")
}

/// A browser was made to ask for this by another site.
pub(super) fn foreign_page() -> ApiError {
    let message =
        "A change with a session's cookie must come from a page of this gateway: send 'Origin' with its address.";
    forbidden("csrf_refused", message)
}

/// The key is for other routes or models.
pub(super) fn model_not_allowed() -> ApiError {
    forbidden("model_not_allowed", "This API key may not use this model.")
}

/// An operator has thrown a kill switch.
pub(super) fn switched_off() -> ApiError {
    let message = "This model is switched off by its operator for now.";
    ApiError::unavailable("switched_off", message, 60).final_answer()
}

/// A limit of the gateway's own.
pub(super) fn over_limit(refusal: &Refusal) -> ApiError {
    let Refusal { scope, measure, limit, retry_after_ms, .. } = refusal;
    let whose = match scope.level {
        Level::Key => "this API key",
        Level::Project => "this API key's project",
        Level::Customer => "this API key's organisation",
    };
    let name = measure.as_str();
    let message = if measure.is_budget() {
        format!("The budget of {whose} is spent ({name}).")
    } else {
        format!("The limit of {whose} is reached ({name}: {limit}).")
    };
    let seconds = retry_after_ms.map(|ms| ms.div_ceil(1_000).max(1));
    let mut error = ApiError::overloaded(message, seconds.unwrap_or(1)).with_code(name);
    error.retry_after_s = seconds;
    if measure.is_budget() || seconds.is_none() { error.final_answer() } else { error }
}

pub(super) fn limits_unavailable() -> ApiError {
    ApiError::unavailable("limits_unavailable", "Limits could not be checked, so the request was not sent.", 2)
}

/// A hard budget holds, and nobody knows what the request costs.
pub(super) fn unpriced() -> ApiError {
    let message = "The request is under a budget, and a model that may answer it has no price or no exchange rate.";
    ApiError::unavailable("model_unpriced", message, 60).final_answer()
}

/// The request must be kept before it is sent.
pub(super) fn audit_content_unavailable() -> ApiError {
    let message = "The request could not be kept as it must be, so it was not sent.";
    ApiError::unavailable("audit_content_unavailable", message, 5)
}

/// For whoever is believed and may not do this.
pub fn not_permitted() -> ApiError {
    forbidden("permission_denied", "The role of this key does not allow this.")
}

fn forbidden(code: &'static str, message: &str) -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, ErrorType::PermissionError, message).with_code(code).final_answer()
}

pub fn idempotency_key_reused() -> ApiError {
    let message = "Another request was sent under this Idempotency-Key. Give each request a key of its own.";
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, ErrorType::InvalidRequestError, message)
        .with_param("Idempotency-Key")
        .with_code("idempotency_key_reused")
        .final_answer()
}

/// So much was said already that its beginning is not kept.
pub(super) fn still_running() -> ApiError {
    let message = "The same request is still being answered, and its answer is too long to be joined.";
    ApiError::new(StatusCode::CONFLICT, ErrorType::InvalidRequestError, message)
        .with_code("request_in_progress")
        .with_retry_after(5)
}

/// Nobody joins an administrator's act: it takes a moment.
pub(super) fn act_in_progress() -> ApiError {
    let message = "The same request is being answered just now.";
    ApiError::new(StatusCode::CONFLICT, ErrorType::InvalidRequestError, message)
        .with_code("request_in_progress")
        .with_retry_after(1)
}

/// It must not be done again, and nobody knows what was answered.
pub(super) fn act_unanswered() -> ApiError {
    let message = "This was done, or begun, under this Idempotency-Key, and its answer was not kept. Look at what there \
                   is now, and use another key for what is still to do.";
    ApiError::new(StatusCode::CONFLICT, ErrorType::InvalidRequestError, message)
        .with_code("idempotency_answer_lost")
        .final_answer()
}

pub(super) fn too_many_acts() -> ApiError {
    let message = "This key has as many answers under Idempotency-Keys as are kept for one. They expire.";
    ApiError::overloaded(message, 3_600).with_code("too_many_idempotency_keys")
}

pub(super) fn acts_unavailable(error: &StoreError) -> ApiError {
    tracing::error!(%error, "what is kept of administrators' acts could not be used");
    ApiError::unavailable("store_unavailable", "The database could not be used.", 5)
}

/// What is kept decides what the request means: without it nobody is asked.
pub fn content_unavailable(error: &ShelfError) -> ApiError {
    tracing::error!(%error, "kept content could not be read");
    match error {
        ShelfError::Store(_) | ShelfError::NotSealed(_) => {
            ApiError::unavailable("content_unavailable", "What is kept of earlier requests cannot be read.", 5)
        }
        ShelfError::Sealed(_) => {
            let message = "What is kept of the earlier request cannot be opened any more.";
            ApiError::new(StatusCode::CONFLICT, ErrorType::InvalidRequestError, message)
                .with_code("content_unreadable")
                .final_answer()
        }
    }
}

pub(super) fn previous_response_not_found() -> ApiError {
    let message = "There is no stored response with this id here, or one before it was deleted or has expired.";
    ApiError::invalid("previous_response_id", message).with_code("previous_response_not_found")
}

pub(super) fn response_not_found() -> ApiError {
    let message = "There is no stored response with this id here.";
    ApiError::new(StatusCode::NOT_FOUND, ErrorType::InvalidRequestError, message).with_code("response_not_found")
}

pub(super) fn file_not_found() -> ApiError {
    let message = "There is no file with this id here.";
    ApiError::new(StatusCode::NOT_FOUND, ErrorType::InvalidRequestError, message)
        .with_param("file_id")
        .with_code("file_not_found")
}

pub(super) fn file_too_large(max_bytes: u64) -> ApiError {
    let message = format!("The file is larger than {max_bytes} bytes.");
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, ErrorType::InvalidRequestError, message)
        .with_param("file")
        .with_code("file_too_large")
}

/// Files and batches give way to nothing: what finds no room is refused.
pub fn no_room() -> ApiError {
    let message = "There is no room left for this in what your organisation may keep. Delete files that nobody needs.";
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, ErrorType::InvalidRequestError, message)
        .with_code("storage_limit_exceeded")
}

pub(super) fn too_many_files() -> ApiError {
    let message = "The project has as many files as it may. Delete files that nobody needs.";
    ApiError::invalid("file", message).with_code("too_many_files")
}

pub(super) fn blocked() -> ApiError {
    let message = "The request holds data that the policy of this route forbids to send to any model.";
    ApiError::invalid_request(message).with_code("blocked_by_policy").final_answer()
}

pub(super) fn personal_data_in_model() -> ApiError {
    ApiError::invalid("model", "The model's name looks like personal data.").final_answer()
}

pub(super) fn no_candidate(error: NoCandidate) -> ApiError {
    match error {
        NoCandidate::NoLocalModel => {
            let message = "The request holds sensitive data and no local model is served to answer it. \
                           Nothing was sent to any provider.";
            ApiError::new(StatusCode::SERVICE_UNAVAILABLE, ErrorType::ServerError, message)
                .with_code("no_local_model")
                .with_retry_after(30)
                .final_answer()
        }
        NoCandidate::EmbeddingNotLocal => {
            let message = "The input holds sensitive data, and this alias' model is outside. Vectors of another model \
                           cannot stand in for its own. Nothing was sent to any provider.";
            ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, ErrorType::InvalidRequestError, message)
                .with_param("input")
                .with_code("embedding_not_local")
                .final_answer()
        }
        NoCandidate::AudioNotLocal => {
            let message = "A sound cannot be looked at, so it stays inside the border, and no target of this route is \
                           there. Nothing was sent to any provider.";
            ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, ErrorType::InvalidRequestError, message)
                .with_param("file")
                .with_code("audio_not_local")
                .final_answer()
        }
        NoCandidate::TokenizerNotLocal => {
            let message = "The first target of this route is outside the border, and tokens are counted inside only. \
                           Nothing was sent to any provider.";
            ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, ErrorType::InvalidRequestError, message)
                .with_param("model")
                .with_code("tokenizer_not_local")
                .final_answer()
        }
        NoCandidate::NoCapableLocalModel(ability) => {
            no_capable_local_model(&ApiError::invalid_request(lacking(ability)).with_code("unsupported_value"))
        }
        NoCandidate::Incapable(ability) => {
            let message = format!("No target of this route can answer as asked: {}.", lacking(ability));
            ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, ErrorType::InvalidRequestError, message)
                .with_code("no_capable_target")
                .final_answer()
        }
        NoCandidate::NoneTakesIt => {
            let message = "No target of this route is for requests like this one (`when` of its targets).";
            ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, ErrorType::InvalidRequestError, message)
                .with_code("no_matching_target")
                .final_answer()
        }
        NoCandidate::NotServed => {
            ApiError::unavailable("model_not_served", "No target of this route is served at the moment.", 30)
        }
    }
}

fn lacking(ability: Ability) -> &'static str {
    match ability {
        Ability::Tools => "there are no tools",
        Ability::Vision => "images cannot be looked at",
        Ability::Files => "files cannot be read",
        Ability::Audio => "sounds cannot be heard",
        Ability::JsonSchema => "answers cannot be bound by a JSON schema",
        Ability::Logprobs => "there are no log probabilities",
    }
}

/// A sensitive request came to a local model that the caller did not choose and that cannot do what it asks.
pub(super) fn no_capable_local_model(refusal: &ApiError) -> ApiError {
    let message = format!(
        "The request holds sensitive data and no local model can answer it as asked ({}). Nothing was sent to any \
         provider.",
        refusal.message.trim_end_matches('.')
    );
    let mut error = ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, ErrorType::InvalidRequestError, message)
        .with_code("no_capable_local_model")
        .final_answer();
    error.param.clone_from(&refusal.param);
    error
}

/// Every target was tried and the last one failed so.
pub(super) fn all_failed(failure: Failure) -> ApiError {
    let new = |status, message| ApiError::new(status, ErrorType::ServerError, message);
    let mut error = match failure.kind {
        FailureKind::Connect | FailureKind::Unsent => {
            new(StatusCode::BAD_GATEWAY, "No provider of this route could be reached.")
                .with_code("provider_unreachable")
        }
        FailureKind::Timeout => new(StatusCode::GATEWAY_TIMEOUT, "No provider of this route answered in time.")
            .with_code("provider_timeout"),
        FailureKind::Ceiling => {
            let message = "As many requests go to the provider of this route as the gateway's limits allow.";
            ApiError::overloaded(message, 1).with_code("provider_ceiling")
        }
        FailureKind::RateLimit => ApiError::overloaded("Every target of this route is at its rate limit.", 1),
        FailureKind::Quota => ApiError::overloaded("The quota at every provider of this route is spent.", 3600)
            .with_code("provider_quota"),
        FailureKind::Server => {
            new(StatusCode::BAD_GATEWAY, "Every provider of this route had an error.").with_code("provider_error")
        }
        FailureKind::BrokenResponse => {
            let message = "Every provider of this route gave an answer that could not be used.";
            new(StatusCode::BAD_GATEWAY, message).with_code("provider_broken_response")
        }
    };
    if failure.kind == FailureKind::Quota {
        error = error.final_answer();
    }
    if let Some(seconds) = failure.retry_after_s {
        error.retry_after_s = Some(seconds);
    }
    error
}

/// The answer holds what this route's policy forbids to show.
pub(super) fn answer_stopped(error: &FilterError) -> ApiError {
    let (code, message) = match error {
        FilterError::Blocked(AnswerBlocked::Unscanned) | FilterError::Failed => {
            ("answer_unscanned", "The answer could not be scanned, so it is not shown.")
        }
        FilterError::Blocked(AnswerBlocked::Holds(_)) => {
            ("answer_blocked", "The answer holds data that the policy of this route forbids to show.")
        }
        FilterError::TooMuch => ("answer_too_complex", "The answer has more parts than can be looked at."),
    };
    ApiError::new(StatusCode::BAD_GATEWAY, ErrorType::ServerError, message).with_code(code).final_answer()
}

/// The stream broke after content had reached the client.
pub(super) fn stream_broken(message: &str) -> ApiError {
    ApiError::new(StatusCode::BAD_GATEWAY, ErrorType::ServerError, message).with_code("stream_interrupted")
}

/// The name is the caller's own text and is not repeated.
pub(super) fn model_not_found() -> ApiError {
    ApiError::model_not_found("The requested model does not exist or is not served here. GET /v1/models lists what is.")
}
