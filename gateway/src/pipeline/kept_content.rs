//! A request as it came and its answer as it went, kept beside their record for tenants that must keep them
//! (`[audit.content]`). Sealed under the tenant's key like all kept content, and tied to the record by hashes of the
//! ciphertext.
//!
//! The record is made before the answer's last byte, so what is kept of an answer is complete by then: whoever settles
//! has told all that will go out.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::shelf::ShelfError;
use super::subjects::subjects_of;
use super::{Gateway, Shelf, Sources};
use crate::audit::{AuditRecord, ContentSeals, Digest};
use crate::auth::{Bearer, DataClass};
use crate::config::{AuditContentConfig, Config};
use crate::content::{Bounds, Item, Kind, OpenError, Owner, Row, Subjects};
use crate::pii::{UploadKind, Uploads};
use crate::telemetry::Metrics;

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
/// What stands before the bytes of a part.
const HEAD_BYTES: usize = 64 << 10;
/// Files of one form that are described.
const MAX_FILES: usize = 64;

/// One of the two things that are kept of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Request,
    Answer,
}

/// It could not be kept, and must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("failed to keep the content of a request")]
pub struct NotKept;

/// A part as it was kept.
pub struct KeptPart {
    pub head: PartHead,
    pub bytes: Vec<u8>,
    pub seal: Digest,
}

/// What is said of a part beside its bytes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PartHead {
    /// As it came or went; fewer are kept of a part that was cut.
    pub bytes: u64,
    pub truncated: bool,
    /// Beside the body, in a form.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileNote>,
}

/// A file is not kept: this says which it was.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FileNote {
    pub field: String,
    pub kind: String,
    pub bytes: u64,
    pub sha256: Digest,
}

/// Why kept content cannot be given.
#[derive(Debug, thiserror::Error)]
pub enum NotRead {
    /// Nothing was kept, or it expired or was erased.
    #[error("nothing is kept")]
    Gone,
    /// It is not what the record says.
    #[error("what is kept is not what the record says")]
    Changed,
    #[error(transparent)]
    Shelf(ShelfError),
}

pub(super) struct KeptContent {
    config: AuditContentConfig,
    /// How long records are kept, by class.
    record_days: BTreeMap<DataClass, u32>,
    /// How long a request waits for the database, where it must.
    patience: Duration,
    bounds: Bounds,
    shelf: Shelf,
    sources: Sources,
    metrics: Arc<Metrics>,
    owner: Owner,
    request_id: String,
    received_ms: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    request: Option<Bytes>,
    subjects: Subjects,
    files: Vec<FileNote>,
    answer: Vec<u8>,
    answer_bytes: u64,
    seals: ContentSeals,
    is_closed: bool,
}

impl KeptContent {
    /// `None` for whom nothing is kept.
    pub(super) fn begin(gateway: &Gateway, config: &Config, key: &Bearer, request_id: &str) -> Option<Self> {
        let own = config.audit.content.as_ref().filter(|content| content.is_for(&key.tenant))?;
        let owner = Owner { tenant: key.tenant.clone(), project: key.project.clone(), key_id: key.id.clone() };
        Some(Self {
            config: own.clone(),
            record_days: config.audit.keep_days.clone(),
            patience: config.audit.strict_timeout,
            bounds: Bounds { item_bytes: own.max_bytes + HEAD_BYTES, ..config.content.bounds },
            shelf: gateway.shelf.clone(),
            sources: gateway.sources.clone(),
            metrics: Arc::clone(&gateway.metrics),
            owner,
            request_id: request_id.to_owned(),
            received_ms: gateway.now_ms(),
            state: Mutex::default(),
        })
    }

    pub(super) fn note_request(&self, body: &Bytes) {
        self.lock().request = Some(body.clone());
    }

    pub(super) fn note_files(&self, uploads: &Uploads) {
        let files = uploads.iter().take(MAX_FILES).map(|upload| FileNote {
            field: upload.field.clone(),
            kind: match upload.kind {
                UploadKind::Sound => "sound",
                UploadKind::Picture => "picture",
            }
            .to_owned(),
            bytes: upload.bytes.len() as u64,
            sha256: Digest::of(&upload.bytes),
        });
        self.lock().files = files.collect();
    }

    /// The next bytes of the answer; what comes behind the record is in it already.
    pub(super) fn note_answer(&self, bytes: &[u8]) {
        let mut state = self.lock();
        if state.is_closed || state.request.is_none() {
            return;
        }
        state.answer_bytes += bytes.len() as u64;
        let room = self.config.max_bytes.saturating_sub(state.answer.len()).min(bytes.len());
        state.answer.extend_from_slice(&bytes[..room]);
    }

    /// There is a request, and nobody has told its answer.
    pub(super) fn lacks_answer(&self) -> bool {
        let state = self.lock();
        state.request.is_some() && !state.is_closed && state.answer_bytes == 0
    }

    /// Where it must be kept, the request lies in the database when this comes back.
    ///
    /// # Errors
    /// It does not.
    pub(super) async fn keep_request(&self, class: DataClass) -> Result<Option<ContentSeals>, NotKept> {
        if !self.config.required {
            return Ok(None);
        }
        let Some(item) = self.request_item(class) else { return Ok(None) };
        let now_ms = milliseconds(&self.sources);
        let kept = self.shelf.keep_known_now(item, self.sources.random(), self.bounds, now_ms);
        let seal = match timeout(self.patience, kept).await {
            Ok(Ok(Some(seal))) => seal,
            Ok(Ok(None)) => return Err(self.lost("there is no room for it ([content] max_tenant_bytes, max_bytes)")),
            Ok(Err(error)) => {
                tracing::error!(%error, "the content of a request could not be written");
                return Err(self.lost("the database does not take it"));
            }
            Err(_) => return Err(self.lost("the database does not answer")),
        };
        let mut state = self.lock();
        state.seals.request = Some(seal);
        Ok(Some(state.seals.clone()))
    }

    /// The request has ended: what is kept of it is named in its record. `is_answer` where the client is about to get an
    /// answer that must be kept.
    ///
    /// # Errors
    /// It must be kept, and cannot.
    pub(super) fn close(&self, record: &mut AuditRecord, is_answer: bool) -> Result<(), NotKept> {
        let mut kept = Ok(());
        let request = if self.lock().seals.request.is_some() { None } else { self.request_item(record.data_class) };
        if let Some(item) = request {
            match self.keep(item) {
                Ok(seal) => self.lock().seals.request = Some(seal),
                Err(error) => kept = Err(error),
            }
        }
        if let Some(item) = self.answer_item(record.data_class) {
            match self.keep(item) {
                Ok(seal) => self.lock().seals.answer = Some(seal),
                Err(error) => kept = Err(error),
            }
        }
        let mut state = self.lock();
        record.content = Some(state.seals.clone()).filter(|seals| !seals.is_empty());
        if self.config.required && is_answer {
            kept?;
        }
        state.is_closed = true;
        (state.answer, state.request) = (Vec::new(), None);
        Ok(())
    }

    fn keep(&self, item: Item) -> Result<Digest, NotKept> {
        let seal = self.shelf.keep_known(item, self.sources.random(), self.bounds, milliseconds(&self.sources));
        seal.ok_or_else(|| self.lost("it cannot be sealed, or too much waits to be written"))
    }

    fn request_item(&self, class: DataClass) -> Option<Item> {
        let state = self.lock();
        let body = state.request.clone()?;
        let head = PartHead { bytes: body.len() as u64, truncated: false, files: state.files.clone() };
        let subjects = subjects_of(&body);
        drop(state);
        self.lock().subjects = subjects.clone();
        let kept = &body[..body.len().min(self.config.max_bytes)];
        Some(self.item(Part::Request, (head, kept), subjects, class))
    }

    fn answer_item(&self, class: DataClass) -> Option<Item> {
        let mut state = self.lock();
        if state.is_closed || state.answer_bytes == 0 || state.seals.answer.is_some() {
            return None;
        }
        let answer = std::mem::take(&mut state.answer);
        // Where it cannot be kept, what the client is told instead is its answer.
        let head = PartHead { bytes: std::mem::take(&mut state.answer_bytes), ..PartHead::default() };
        let subjects = state.subjects.clone();
        drop(state);
        Some(self.item(Part::Answer, (head, &answer), subjects, class))
    }

    fn item(&self, part: Part, (mut head, bytes): (PartHead, &[u8]), subjects: Subjects, class: DataClass) -> Item {
        let bytes = whole_characters(bytes, head.bytes);
        head.truncated = (bytes.len() as u64) < head.bytes;
        let days = self.config.days(self.record_days.get(&class).copied());
        let mut content = serde_json::to_vec(&head).unwrap_or_default();
        content.push(b'\n');
        content.extend_from_slice(bytes);
        Item {
            owner: self.owner.clone(),
            subjects,
            kind: Kind::AuditContent,
            name: name(&self.request_id, part).map(<[u8]>::to_vec).to_vec(),
            content,
            expires_at_ms: self.received_ms.saturating_add(u64::from(days) * DAY_MS),
        }
    }

    fn lost(&self, why: &'static str) -> NotKept {
        tracing::error!(request_id = self.request_id, why, "the content of a request is not kept");
        self.metrics.note_lost_content();
        NotKept
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is kept of the request that a record is about: only parts that the record names, and only as it names them.
///
/// # Errors
/// There is nothing any more, or it is not what the record says.
pub async fn kept_content(
    gateway: &Gateway,
    record: &AuditRecord,
) -> Result<(Option<KeptPart>, Option<KeptPart>), NotRead> {
    let seals = record.content.clone().unwrap_or_default();
    let request = kept_part(gateway, record, Part::Request, seals.request).await?;
    let answer = kept_part(gateway, record, Part::Answer, seals.answer).await?;
    if request.is_none() && answer.is_none() { Err(NotRead::Gone) } else { Ok((request, answer)) }
}

async fn kept_part(
    gateway: &Gateway,
    record: &AuditRecord,
    part: Part,
    seal: Option<Digest>,
) -> Result<Option<KeptPart>, NotRead> {
    let Some(seal) = seal else { return Ok(None) };
    let name = name(&record.request_id, part);
    let row = gateway.shelf.load_row(&record.tenant, Kind::AuditContent, &name, gateway.now_ms()).await;
    let Some(row) = row.map_err(NotRead::Shelf)? else { return Ok(None) };
    let read = opened(gateway, &row, seal);
    if read.is_none() {
        let (request_id, tenant) = (&record.request_id, &record.tenant);
        tracing::error!(request_id, tenant, ?part, "kept content is not what its record says");
    }
    let (head, bytes) = read.ok_or(NotRead::Changed)?;
    Ok(Some(KeptPart { head, bytes, seal }))
}

fn opened(gateway: &Gateway, row: &Row, seal: Digest) -> Option<(PartHead, Vec<u8>)> {
    if Digest::of(&row.sealed) != seal {
        return None;
    }
    let content: Result<Vec<u8>, OpenError> = crate::content::open(gateway.shelf.keys(), row);
    let mut content = content.inspect_err(|error| tracing::error!(%error, "kept content is not opened")).ok()?;
    let end = memchr::memchr(b'\n', &content)?;
    let head = serde_json::from_slice(&content[..end]).ok()?;
    content.drain(..=end);
    Some((head, content))
}

fn name(request_id: &str, part: Part) -> [&[u8]; 2] {
    let part: &[u8] = match part {
        Part::Request => b"request",
        Part::Answer => b"answer",
    };
    [request_id.as_bytes(), part]
}

/// A text that was cut ends with a whole character.
fn whole_characters(bytes: &[u8], all_bytes: u64) -> &[u8] {
    if bytes.len() as u64 == all_bytes {
        return bytes;
    }
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => &bytes[..error.valid_up_to()],
        _ => bytes,
    }
}

fn milliseconds(sources: &Sources) -> u64 {
    u64::try_from(sources.now().as_millisecond()).unwrap_or_default()
}

/// What was said stays out of logs.
impl fmt::Debug for KeptContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptContent").field("request_id", &self.request_id).finish_non_exhaustive()
    }
}

impl fmt::Debug for KeptPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeptPart({} bytes)", self.bytes.len())
    }
}
