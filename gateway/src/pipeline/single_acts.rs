//! What one request of an administrator does in several acts is recorded act by act, as if each had been asked for alone.

use shekara_protocol::error::ApiError;

use super::authenticated::RequestContext;
use super::{Gateway, Settlement, refusal};
use crate::audit::Outcome;

const REASON: &str = "import";

/// Records one act, that this endpoint alone would have done, under the request's id and the act's number.
///
/// # Errors
/// 503: the record could not be kept.
pub fn record_act(
    gateway: &Gateway,
    context: &RequestContext,
    number: usize,
    (endpoint, object): (&str, &str),
) -> Result<(), ApiError> {
    let id = format!("{}.{number}", context.request_id);
    let settlement = Settlement::begin(gateway, &context.key, &id, endpoint.to_owned());
    settlement.note_object(object.to_owned());
    settlement.note_reason(REASON);
    settlement.settle(Outcome::Completed, 200).map_err(|_| refusal::audit_unavailable())
}
