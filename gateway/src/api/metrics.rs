//! `GET /metrics`, in OpenMetrics for who asks for it and in Prometheus' older text otherwise.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};

use crate::pipeline::Gateway;
use crate::telemetry::prometheus_text;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

pub async fn metrics(State(gateway): State<Arc<Gateway>>, headers: HeaderMap) -> Response {
    let text = gateway.open_metrics();
    let mut accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let is_open = accepted.any(|value| value.contains("application/openmetrics-text"));
    let (text, kind) = if is_open { (text, OPEN_METRICS) } else { (prometheus_text(&text), TEXT) };
    ([(CONTENT_TYPE, HeaderValue::from_static(kind))], text).into_response()
}
