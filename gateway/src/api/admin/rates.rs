//! `/admin/v1/rates`: exchange rates of the dollar, as the National Bank published them.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::{Extension, Json};
use serde_json::{Value, json};
use shekara_protocol::error::{ApiError, ErrorType};

use super::super::ErrorResponse;
use super::super::passed_on::read_body;
use super::caller::Caller;
use super::store_failed;
use crate::billing::read_file;
use crate::pipeline::Gateway;
use crate::store::RateKept;

const MAX_BODY_BYTES: usize = 4 << 20;
/// Where rates are from that somebody has sent here.
const SOURCE: &str = "import";

pub async fn list_rates(State(gateway): State<Arc<Gateway>>) -> Result<Json<Value>, ErrorResponse> {
    let rates = gateway.store().ledger().rates().await.map_err(|error| store_failed(&error))?;
    let shown = rates.iter().map(|(published, source)| {
        json!({
            "date": published.date.to_string(),
            "currency": published.currency.to_string(),
            "rate": published.rate.to_string(),
            "source": source,
        })
    });
    Ok(Json(json!({ "object": "list", "data": shown.collect::<Vec<_>>(), "has_more": false })))
}

/// A file of the bank's XML or of `date,currency,rate,quant`.
pub async fn import_rates(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    body: Body,
) -> Result<Json<Value>, ErrorResponse> {
    caller.context().settlement.note_object("exchange rates".to_owned());
    let body = read_body(body, MAX_BODY_BYTES).await?;
    let published = read_file(&body).map_err(|error| ApiError::invalid_request(format!("{error}.")))?;
    let (mut num_new, mut num_known) = (0, 0);
    for one in published {
        match gateway.store().ledger().keep_rate(one, SOURCE.to_owned()).await.map_err(|error| store_failed(&error))? {
            RateKept::New => num_new += 1,
            RateKept::Known => num_known += 1,
            RateKept::Contradicts(known) => {
                let message = format!("The rate of {} is {known} already and does not become {}.", one.date, one.rate);
                let error = ApiError::new(http::StatusCode::CONFLICT, ErrorType::InvalidRequestError, message);
                return Err(error.with_code("rate_known").final_answer().into());
            }
        }
    }
    gateway.reload_rates().await.map_err(|error| store_failed(&error))?;
    Ok(Json(json!({ "new": num_new, "known": num_known })))
}
