//! Where batches stand, in the store: read, changed and written back by one at a time.

use shekara_protocol::error::ApiError;

use super::batch::Batch;
use crate::content::{Item, Kind, Owner, Subjects};
use crate::pipeline::{Gateway, Room, content_unavailable, keep_now, no_room};

const MAX_ID_BYTES: usize = 128;

fn name<'n>(owner: &'n Owner, id: &'n str) -> [&'n [u8]; 2] {
    [owner.project.as_bytes(), id.as_bytes()]
}

/// # Errors
/// 503: the store cannot be read.
pub(super) async fn load(gateway: &Gateway, owner: &Owner, id: &str) -> Result<Option<Batch>, ApiError> {
    if !id.starts_with("batch_") || id.len() > MAX_ID_BYTES {
        return Ok(None);
    }
    let loaded = gateway.shelf.load(&owner.tenant, Kind::Batch, &name(owner, id), gateway.now_ms()).await;
    let content = loaded.map_err(|error| content_unavailable(&error))?;
    content.map(|content| serde_json::from_slice(&content)).transpose().map_err(|_| ApiError::internal())
}

/// All batches of a project.
///
/// # Errors
/// 503: the store cannot be read.
pub(super) async fn all(gateway: &Gateway, owner: &Owner) -> Result<Vec<Batch>, ApiError> {
    let project = Some((owner.tenant.as_str(), owner.project.as_str()));
    let listed = gateway.shelf.list(project, Kind::Batch, gateway.now_ms()).await;
    let listed = listed.map_err(|error| content_unavailable(&error.into()))?;
    Ok(listed.iter().filter_map(|(_, content)| serde_json::from_slice(content).ok()).collect())
}

/// All batches of everybody that have not ended, and whose they are.
///
/// # Errors
/// 503: the store cannot be read.
pub(super) async fn open(gateway: &Gateway) -> Result<Vec<(Owner, Batch)>, ApiError> {
    let listed = gateway.shelf.list(None, Kind::OpenBatch, gateway.now_ms()).await;
    let listed = listed.map_err(|error| content_unavailable(&error.into()))?;
    let mut open = Vec::new();
    for (owner, id) in listed {
        let id = String::from_utf8_lossy(&id);
        let is_open = |batch: &Batch| !batch.status.is_final();
        let mut batch = load(gateway, &owner, &id).await?.filter(is_open);
        if batch.is_none() {
            // It may just be coming: who makes one has the turn.
            let _turn = gateway.jobs.turn.lock().await;
            batch = load(gateway, &owner, &id).await?.filter(is_open);
            if batch.is_none() {
                unmark(gateway, &owner, &id).await?;
            }
        }
        open.extend(batch.map(|batch| (owner, batch)));
    }
    Ok(open)
}

/// How many batches a project has: all, and those that have not ended.
///
/// # Errors
/// 503: the store cannot be read.
pub(super) async fn counts(gateway: &Gateway, owner: &Owner) -> Result<[u64; 2], ApiError> {
    let count = async |kind: Kind| {
        let counted = gateway.shelf.count((&owner.tenant, &owner.project), kind, gateway.now_ms()).await;
        counted.map_err(|error| content_unavailable(&error.into()))
    };
    Ok([count(Kind::Batch).await?, count(Kind::OpenBatch).await?])
}

/// A new batch, with the mark that it is open.
///
/// # Errors
/// 413 where its tenant has no room, 503 where the store refuses.
pub(super) async fn begin(gateway: &Gateway, owner: &Owner, batch: &Batch) -> Result<(), ApiError> {
    let mark = item(owner, batch, Kind::OpenBatch, batch.id.clone().into_bytes());
    // Marked first: a mark without a batch is taken away, a batch without a mark would never end.
    if !keep_now(gateway, mark, Room::OfTenant, None).await? || !keep(gateway, owner, batch, false).await? {
        return Err(no_room());
    }
    Ok(())
}

async fn unmark(gateway: &Gateway, owner: &Owner, id: &str) -> Result<(), ApiError> {
    let deleted = gateway.shelf.delete(&owner.tenant, Kind::OpenBatch, &name(owner, id)).await;
    deleted.map(|_| ()).map_err(|error| content_unavailable(&error.into()))
}

fn item(owner: &Owner, batch: &Batch, kind: Kind, content: Vec<u8>) -> Item {
    Item {
        owner: Owner { key_id: batch.key_id.clone(), ..owner.clone() },
        subjects: Subjects::default(),
        kind,
        name: name(owner, &batch.id).map(<[u8]>::to_vec).to_vec(),
        content,
        expires_at_ms: batch.kept_until_ms,
    }
}

/// False where there is no room; one that `must_exist` always finds it, and does not come back if it was erased meanwhile.
async fn keep(gateway: &Gateway, owner: &Owner, batch: &Batch, must_exist: bool) -> Result<bool, ApiError> {
    let name = name(owner, &batch.id);
    let item = item(owner, batch, Kind::Batch, serde_json::to_vec(batch).map_err(|_| ApiError::internal())?);
    let room = if must_exist { Room::Granted } else { Room::OfTenant };
    keep_now(gateway, item, room, must_exist.then_some((Kind::Batch, &name[..]))).await
}

/// The batch as it is afterwards; `None` where it is gone.
///
/// # Errors
/// 503: the store refuses.
pub(super) async fn update(
    gateway: &Gateway,
    owner: &Owner,
    id: &str,
    change: impl FnOnce(&mut Batch),
) -> Result<Option<Batch>, ApiError> {
    let _turn = gateway.jobs.turn.lock().await;
    let Some(mut batch) = load(gateway, owner, id).await? else { return Ok(None) };
    let before = batch.clone();
    change(&mut batch);
    if batch == before || keep(gateway, owner, &batch, true).await? {
        if batch.status.is_final() {
            unmark(gateway, owner, id).await?;
        }
        return Ok(Some(batch));
    }
    Ok(None)
}

/// What came of a line, under its batch and place.
pub(super) fn line_name(owner: &Owner, batch_id: &str, index: u64) -> [Vec<u8>; 3] {
    let [project, id] = name(owner, batch_id);
    [project.to_vec(), id.to_vec(), index.to_le_bytes().to_vec()]
}
