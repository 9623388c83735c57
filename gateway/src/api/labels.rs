//! `POST /v1/labels/verify`: whether an answer and its label belong together. `GET /v1/labels/keys`: what anybody needs to
//! check that without this server.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::{Extension, Json};
use serde_json::{Value, json};
use shekara_protocol::error::ApiError;

use super::ErrorResponse;
use super::passed_on::read_body;
use crate::labels::{ReadError, Verdict, VerifyRequest, verify};
use crate::pipeline::{Authenticated, Gateway};
use crate::signing::PublicKeys;

pub async fn verify_label(
    State(gateway): State<Arc<Gateway>>,
    Extension(authenticated): Extension<Authenticated>,
    body: Body,
) -> Result<Json<Verdict>, ErrorResponse> {
    let body = read_body(body, gateway.snapshot().config.max_body_bytes).await?;
    let request = VerifyRequest::read(&body).map_err(|error| match error {
        ReadError::Body(error) => error,
        other => {
            let message = other.to_string();
            match other.field() {
                Some(field) => ApiError::invalid(field, message),
                None => ApiError::invalid_request(message),
            }
        }
    })?;
    let keys: PublicKeys = [gateway.signer.public_key()].into_iter().collect();
    Ok(Json(verify(&request, &authenticated.context().key.tenant, &keys)))
}

pub async fn label_keys(State(gateway): State<Arc<Gateway>>) -> Json<Value> {
    let key = gateway.signer.public_key();
    let listed = json!({
        "key_id": key.id().to_string(),
        "alg": "Ed25519",
        "public_key": key.to_base64(),
        "pem": key.to_pem(),
    });
    Json(json!({ "object": "list", "data": [listed] }))
}
