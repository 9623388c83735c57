//! Files of a project: kept sealed, in pieces, so that none is held in memory whole. A file is found when all of it is
//! there; it goes nowhere but back to its project, into requests that name it and into batches.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use shekara_protocol::error::ApiError;

use super::shelf::Beside;
use super::{Gateway, refusal};
use crate::auth::KeyRecord;
use crate::content::{Bounds, Item, Kind, Owner, Subjects};

const PART_BYTES: usize = 1 << 20;
const MAX_ID_BYTES: usize = 128;

/// What is known of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    pub id: String,
    pub file_name: String,
    pub purpose: String,
    pub bytes: u64,
    /// Seconds since 1970.
    pub created_at: u64,
    pub expires_at: u64,
    num_parts: u32,
}

/// What a file is called and what for.
#[derive(Debug, Clone)]
pub struct FileAbout {
    pub file_name: String,
    pub purpose: String,
    /// From now; none for as long as files are kept at all.
    pub ttl_s: Option<u64>,
}

/// Whose files are meant.
pub fn owner_of(key: &KeyRecord) -> Owner {
    Owner { tenant: key.tenant.clone(), project: key.project.clone(), key_id: key.id.clone() }
}

/// A fresh id of a file.
pub fn fresh_file_id(gateway: &Gateway) -> String {
    let random: [u8; 16] = gateway.sources.random();
    format!("file-{}", uuid::Uuid::from_bytes(random).simple())
}

/// A file on its way into the store. What was written of one that is not finished is forgotten.
pub struct FileWriter {
    gateway: Arc<Gateway>,
    owner: Owner,
    id: String,
    waiting: BytesMut,
    num_parts: u32,
    bytes: u64,
    max_bytes: u64,
    created_at_ms: u64,
    is_finished: bool,
    /// The batch that it is made of. While that is there the file finds room: what it is made of goes in its stead.
    batch_id: Option<String>,
}

impl FileWriter {
    /// A file of at most `max_bytes`.
    pub fn new(gateway: &Arc<Gateway>, owner: Owner, id: String, max_bytes: u64) -> Self {
        Self {
            gateway: Arc::clone(gateway),
            owner,
            id,
            waiting: BytesMut::new(),
            num_parts: 0,
            bytes: 0,
            max_bytes,
            created_at_ms: gateway.now_ms(),
            is_finished: false,
            batch_id: None,
        }
    }

    /// A file of what came of a batch; one of this id is written over.
    pub fn of_batch(gateway: &Arc<Gateway>, owner: Owner, id: String, batch_id: &str) -> Self {
        let mut file = Self::new(gateway, owner, id, u64::MAX);
        file.batch_id = Some(batch_id.to_owned());
        file
    }

    /// # Errors
    /// 413 where it becomes too large or its tenant has no room for it, 503 where the store refuses.
    pub async fn write(&mut self, chunk: &[u8]) -> Result<(), ApiError> {
        self.bytes = self.bytes.saturating_add(chunk.len() as u64);
        if self.bytes > self.max_bytes {
            return Err(refusal::file_too_large(self.max_bytes));
        }
        self.waiting.extend_from_slice(chunk);
        while self.waiting.len() >= PART_BYTES {
            let part = self.waiting.split_to(PART_BYTES).freeze();
            self.put_part(&part).await?;
        }
        Ok(())
    }

    /// The file can be found from now on.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub async fn finish(mut self, about: FileAbout) -> Result<FileRecord, ApiError> {
        if !self.waiting.is_empty() {
            let part = self.waiting.split().freeze();
            self.put_part(&part).await?;
        }
        let expires_at_ms = match about.ttl_s {
            Some(ttl_s) => self.created_at_ms.saturating_add(ttl_s.saturating_mul(1_000)).min(self.latest_ms()),
            None => self.latest_ms(),
        };
        let record = FileRecord {
            id: self.id.clone(),
            file_name: about.file_name,
            purpose: about.purpose,
            bytes: self.bytes,
            created_at: self.created_at_ms / 1_000,
            expires_at: expires_at_ms / 1_000,
            num_parts: self.num_parts,
        };
        if expires_at_ms < self.latest_ms() {
            self.shorten_parts(expires_at_ms).await?;
        }
        let content = serde_json::to_vec(&record).map_err(|_| ApiError::internal())?;
        self.put(Kind::File, vec![], content, expires_at_ms).await?;
        self.is_finished = true;
        Ok(record)
    }

    /// When files that are made now go at the latest.
    fn latest_ms(&self) -> u64 {
        let ttl = self.gateway.snapshot().config.content.files_ttl;
        self.created_at_ms.saturating_add(u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX))
    }

    async fn put_part(&mut self, part: &[u8]) -> Result<(), ApiError> {
        let place = self.num_parts.to_le_bytes().to_vec();
        // Counted first: one that was written in part is forgotten too.
        self.num_parts += 1;
        self.put(Kind::FilePart, vec![place], part.to_vec(), self.latest_ms()).await
    }

    /// How long a part is kept is sealed into it.
    async fn shorten_parts(&self, expires_at_ms: u64) -> Result<(), ApiError> {
        for index in 0..self.num_parts {
            let part = load_part(&self.gateway, &self.owner, &self.id, index).await?.ok_or_else(ApiError::internal)?;
            self.put(Kind::FilePart, vec![index.to_le_bytes().to_vec()], part.to_vec(), expires_at_ms).await?;
        }
        Ok(())
    }

    async fn put(&self, kind: Kind, below: Vec<Vec<u8>>, content: Vec<u8>, expires_at_ms: u64) -> Result<(), ApiError> {
        let gateway = &self.gateway;
        let name = [self.owner.project.as_bytes().to_vec(), self.id.as_bytes().to_vec()];
        let item = Item {
            owner: self.owner.clone(),
            subjects: Subjects::default(),
            kind,
            name: name.into_iter().chain(below).collect(),
            content,
            expires_at_ms,
        };
        let is_kept = match &self.batch_id {
            None => keep_now(gateway, item, Room::OfTenant, None).await?,
            Some(batch_id) => {
                let beside = [self.owner.project.as_bytes(), batch_id.as_bytes()];
                keep_now(gateway, item, Room::Granted, Some((Kind::Batch, &beside))).await?
            }
        };
        if is_kept { Ok(()) } else { Err(refusal::no_room()) }
    }
}

impl Drop for FileWriter {
    fn drop(&mut self) {
        // That of a batch is written over when it is tried again.
        if self.is_finished || self.num_parts == 0 || self.batch_id.is_some() {
            return;
        }
        let (gateway, owner, id, num_parts) =
            (Arc::clone(&self.gateway), self.owner.clone(), std::mem::take(&mut self.id), self.num_parts);
        // The process ends: what is left goes when it expires.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move { delete_parts(&gateway, &owner, &id, 0..num_parts).await });
    }
}

/// Where an item finds its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// In what its tenant may keep.
    OfTenant,
    /// Beside that: something else of its tenant goes in its stead, or it is the news of something that is there.
    Granted,
}

/// Keeps an item in the store itself; false where there is no room, or what it belongs to is gone.
///
/// # Errors
/// 503: the store refuses.
pub async fn keep_now(gateway: &Gateway, item: Item, room: Room, beside: Option<Beside<'_>>) -> Result<bool, ApiError> {
    let bounds = match room {
        Room::OfTenant => Bounds { item_bytes: usize::MAX, ..gateway.snapshot().config.content.bounds },
        Room::Granted => Bounds { item_bytes: usize::MAX, tenant_bytes: u64::MAX, total_bytes: u64::MAX },
    };
    let kept = gateway.shelf.keep_now(item, gateway.sources.random(), bounds, (beside, gateway.now_ms())).await;
    kept.map_err(|error| refusal::content_unavailable(&error))
}

fn name<'n>(owner: &'n Owner, id: &'n str) -> [&'n [u8]; 2] {
    [owner.project.as_bytes(), id.as_bytes()]
}

/// # Errors
/// 404 where the project has no such file.
pub async fn file_record(gateway: &Gateway, owner: &Owner, id: &str) -> Result<FileRecord, ApiError> {
    if !id.starts_with("file-") || id.len() > MAX_ID_BYTES {
        return Err(refusal::file_not_found());
    }
    let loaded = gateway.shelf.load(&owner.tenant, Kind::File, &name(owner, id), gateway.now_ms()).await;
    let content = loaded.map_err(|error| refusal::content_unavailable(&error))?.ok_or_else(refusal::file_not_found)?;
    serde_json::from_slice(&content).map_err(|_| ApiError::internal())
}

/// All files of a project, the newest first.
///
/// # Errors
/// 503: the store cannot be read.
pub async fn file_records(gateway: &Gateway, owner: &Owner) -> Result<Vec<FileRecord>, ApiError> {
    let project = Some((owner.tenant.as_str(), owner.project.as_str()));
    let listed = gateway.shelf.list(project, Kind::File, gateway.now_ms()).await;
    let listed = listed.map_err(|error| refusal::content_unavailable(&error.into()))?;
    let mut records: Vec<FileRecord> =
        listed.iter().filter_map(|(_, content)| serde_json::from_slice(content).ok()).collect();
    records.sort_by(|one, other| (other.created_at, &other.id).cmp(&(one.created_at, &one.id)));
    Ok(records)
}

/// Whether one more file finds a place in its project.
///
/// # Errors
/// 400 where it does not, 503 where the store cannot be read.
pub async fn check_file_count(gateway: &Gateway, owner: &Owner) -> Result<(), ApiError> {
    let counted = gateway.shelf.count((&owner.tenant, &owner.project), Kind::File, gateway.now_ms()).await;
    let counted = counted.map_err(|error| refusal::content_unavailable(&error.into()))?;
    if counted < gateway.snapshot().config.content.max_files { Ok(()) } else { Err(refusal::too_many_files()) }
}

/// # Errors
/// 404 where the project has no such file.
pub async fn delete_file(gateway: &Gateway, owner: &Owner, id: &str) -> Result<(), ApiError> {
    let record = file_record(gateway, owner, id).await?;
    let deleted = gateway.shelf.delete(&owner.tenant, Kind::File, &name(owner, id)).await;
    deleted.map_err(|error| refusal::content_unavailable(&error.into()))?;
    delete_parts(gateway, owner, id, 0..record.num_parts).await;
    Ok(())
}

async fn delete_parts(gateway: &Gateway, owner: &Owner, id: &str, parts: Range<u32>) {
    let own = |index: u32| {
        let [project, id] = name(owner, id);
        vec![project.to_vec(), id.to_vec(), index.to_le_bytes().to_vec()]
    };
    if let Err(error) = gateway.shelf.delete_all(&owner.tenant, Kind::FilePart, parts.map(own)).await {
        tracing::error!(%error, "parts of a deleted file could not be deleted; they go when they expire");
    }
}

async fn load_part(gateway: &Gateway, owner: &Owner, id: &str, index: u32) -> Result<Option<Bytes>, ApiError> {
    let [project, id] = name(owner, id);
    let place = index.to_le_bytes();
    let loaded = gateway.shelf.load(&owner.tenant, Kind::FilePart, &[project, id, &place], gateway.now_ms()).await;
    Ok(loaded.map_err(|error| refusal::content_unavailable(&error))?.map(Bytes::from))
}

/// The pieces of a file, one after the other.
#[derive(Debug)]
pub struct FileReader {
    gateway: Arc<Gateway>,
    owner: Owner,
    record: FileRecord,
    next: u32,
}

impl FileReader {
    pub fn new(gateway: &Arc<Gateway>, owner: Owner, record: FileRecord) -> Self {
        Self { gateway: Arc::clone(gateway), owner, record, next: 0 }
    }

    /// `None` at the end.
    ///
    /// # Errors
    /// 404 where the file was deleted meanwhile, 503 where the store cannot be read.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        if self.is_at_end() {
            return Ok(None);
        }
        let part = load_part(&self.gateway, &self.owner, &self.record.id, self.next).await?;
        self.next += 1;
        part.map(Some).ok_or_else(refusal::file_not_found)
    }

    /// Whether the last piece was given.
    pub fn is_at_end(&self) -> bool {
        self.next >= self.record.num_parts
    }

    /// All that is left of it.
    ///
    /// # Errors
    /// As [`Self::next`]; 413 above `max_bytes`.
    pub async fn whole(mut self, max_bytes: usize) -> Result<Bytes, ApiError> {
        if self.record.bytes > max_bytes as u64 {
            return Err(ApiError::body_too_large(max_bytes));
        }
        let mut all = BytesMut::new();
        while let Some(part) = self.next().await? {
            all.extend_from_slice(&part);
        }
        Ok(all.freeze())
    }
}
