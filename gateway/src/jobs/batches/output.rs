//! What came of lines, and the files that it becomes.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;
use shekara_protocol::error::ApiError;

use super::batch::{Batch, Counts, Used};
use super::line::Lines;
use super::progress::line_name;
use crate::content::{Item, Kind, Owner, Subjects};
use crate::pipeline::{FileAbout, FileWriter, Gateway, Room, content_unavailable, keep_now};

const OUTPUT_PURPOSE: &str = "batch_output";

/// What came of one line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LineResult {
    pub is_error: bool,
    pub used: Used,
    /// The line of the output, without its end.
    text: String,
}

#[derive(Serialize)]
struct Told<'a> {
    status_code: u16,
    request_id: &'a str,
    body: &'a RawValue,
}

#[derive(Serialize)]
struct OutputLine<'a> {
    id: String,
    custom_id: &'a str,
    response: Option<Told<'a>>,
    error: Option<serde_json::Value>,
}

/// Which line of which batch.
#[derive(Debug, Clone)]
pub(super) struct LineId {
    pub batch_id: String,
    pub index: u64,
    pub custom_id: String,
}

impl LineId {
    fn output<'a>(&'a self, response: Option<Told<'a>>, error: Option<serde_json::Value>) -> Result<String, ApiError> {
        let id = format!("batch_req_{}_{}", self.batch_id.trim_start_matches("batch_"), self.index);
        let line = OutputLine { id, custom_id: &self.custom_id, response, error };
        serde_json::to_string(&line).map_err(|_| ApiError::internal())
    }
}

impl LineResult {
    /// # Errors
    /// The answer is no JSON, which answers always are.
    pub fn new(
        line: &LineId,
        request_id: &str,
        answer: Result<&Bytes, &ApiError>,
        used: Used,
    ) -> Result<Self, ApiError> {
        let (status_code, mut body) = match answer {
            Ok(body) => (200, String::from_utf8(body.to_vec()).map_err(|_| ApiError::internal())?),
            Err(error) => (error.status.as_u16(), error.to_json()),
        };
        // In a text of JSON ends of lines are escaped: these stand between values.
        if body.contains(['\n', '\r']) {
            body = body.replace(['\n', '\r'], " ");
        }
        let body: &RawValue = serde_json::from_str(&body).map_err(|_| ApiError::internal())?;
        let text = line.output(Some(Told { status_code, request_id, body }), None)?;
        Ok(Self { is_error: answer.is_err(), used, text })
    }

    /// False where the batch is gone, or its tenant has no room.
    ///
    /// # Errors
    /// 503: the store refuses.
    pub async fn keep(&self, gateway: &Gateway, owner: &Owner, batch: &Batch, index: u64) -> Result<bool, ApiError> {
        let name = line_name(owner, &batch.id, index);
        let item = Item {
            owner: owner.clone(),
            subjects: Subjects::default(),
            kind: Kind::BatchLine,
            name: name.to_vec(),
            content: serde_json::to_vec(self).map_err(|_| ApiError::internal())?,
            expires_at_ms: batch.kept_until_ms,
        };
        let own = [owner.project.as_bytes(), batch.id.as_bytes()];
        keep_now(gateway, item, Room::OfTenant, Some((Kind::Batch, &own))).await
    }

    /// What came of a line, if anything did yet.
    ///
    /// # Errors
    /// 503: the store cannot be read.
    pub async fn load(gateway: &Gateway, owner: &Owner, batch_id: &str, index: u64) -> Result<Option<Self>, ApiError> {
        let name = line_name(owner, batch_id, index);
        let name: Vec<&[u8]> = name.iter().map(Vec::as_slice).collect();
        let loaded = gateway.shelf.load(&owner.tenant, Kind::BatchLine, &name, gateway.now_ms()).await;
        let content = loaded.map_err(|error| content_unavailable(&error))?;
        content.map(|content| serde_json::from_slice(&content)).transpose().map_err(|_| ApiError::internal())
    }
}

/// Why lines have no answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unanswered {
    pub code: &'static str,
    pub message: &'static str,
}

/// The files that a batch has become.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub output_file_id: Option<String>,
    pub error_file_id: Option<String>,
    pub counts: Counts,
    pub used: Used,
}

/// Writes what came of each line into the files, in the order of the input.
///
/// # Errors
/// The input is gone, the store refuses, or the tenant has no room.
pub(super) async fn write(
    gateway: &Arc<Gateway>,
    owner: &Owner,
    batch: &Batch,
    (mut lines, unanswered): (Lines, Unanswered),
) -> Result<Written, ApiError> {
    let writer = |suffix: char| FileWriter::of_batch(gateway, owner.clone(), batch.file_id(suffix), &batch.id);
    let (mut output, mut errors) = (None, None);
    let mut written = Written::default();
    while let Some(raw) = lines.next().await? {
        written.counts.total += 1;
        let result = LineResult::load(gateway, owner, &batch.id, raw.index).await?;
        let is_error = result.as_ref().is_none_or(|result| result.is_error);
        let text = if let Some(result) = result {
            written.used = written.used.with(result.used);
            result.text
        } else {
            let custom_id = raw.parse(&batch.endpoint).map(|line| line.custom_id).unwrap_or_default();
            let line = LineId { batch_id: batch.id.clone(), index: raw.index, custom_id };
            line.output(None, Some(json!({ "code": unanswered.code, "message": unanswered.message })))?
        };
        let (file, count) = if is_error {
            (errors.get_or_insert_with(|| writer('e')), &mut written.counts.failed)
        } else {
            (output.get_or_insert_with(|| writer('o')), &mut written.counts.completed)
        };
        *count += 1;
        file.write(text.as_bytes()).await?;
        file.write(b"\n").await?;
    }
    written.output_file_id = finished(output, batch, "output").await?;
    written.error_file_id = finished(errors, batch, "error").await?;
    Ok(written)
}

async fn finished(file: Option<FileWriter>, batch: &Batch, what: &str) -> Result<Option<String>, ApiError> {
    let Some(file) = file else { return Ok(None) };
    let about = FileAbout {
        file_name: format!("{}_{what}.jsonl", batch.id),
        purpose: OUTPUT_PURPOSE.to_owned(),
        ttl_s: batch.output_ttl_s,
    };
    Ok(Some(file.finish(about).await?.id))
}

/// What stands in the files now is not needed any more.
pub(super) async fn forget_lines(gateway: &Gateway, owner: &Owner, batch: &Batch) {
    let names = (0..batch.counts.total).map(|index| line_name(owner, &batch.id, index).to_vec());
    if let Err(error) = gateway.shelf.delete_all(&owner.tenant, Kind::BatchLine, names).await {
        tracing::error!(%error, "lines of an ended batch could not be deleted; they go when they expire");
    }
}
