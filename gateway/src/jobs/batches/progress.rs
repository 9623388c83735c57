//! Where batches stand, in the store: read, changed and written back by one at a time.

use shekara_protocol::error::ApiError;

use super::batch::Batch;
use crate::content::{Item, Kind, Owner, Subjects};
use crate::pipeline::{Gateway, content_unavailable, keep_now, no_room};

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

/// All batches and whose they are: of one project, or of everybody.
///
/// # Errors
/// 503: the store cannot be read.
pub(super) async fn all(gateway: &Gateway, owner: Option<&Owner>) -> Result<Vec<(Owner, Batch)>, ApiError> {
    let project = owner.map(|owner| (owner.tenant.as_str(), owner.project.as_str()));
    let listed = gateway.shelf.list(project, Kind::Batch, gateway.now_ms()).await;
    let listed = listed.map_err(|error| content_unavailable(&error.into()))?;
    let read = |(owner, content): (Owner, Vec<u8>)| Some((owner, serde_json::from_slice(&content).ok()?));
    Ok(listed.into_iter().filter_map(read).collect())
}

/// One that `must_exist` and was erased meanwhile does not come back: then false.
///
/// # Errors
/// 413 where its tenant has no room, 503 where the store refuses.
pub(super) async fn keep(gateway: &Gateway, owner: &Owner, batch: &Batch, must_exist: bool) -> Result<bool, ApiError> {
    let name = name(owner, &batch.id);
    let item = Item {
        owner: Owner { key_id: batch.key_id.clone(), ..owner.clone() },
        subjects: Subjects::default(),
        kind: Kind::Batch,
        name: name.map(<[u8]>::to_vec).to_vec(),
        content: serde_json::to_vec(batch).map_err(|_| ApiError::internal())?,
        expires_at_ms: batch.kept_until_ms,
    };
    let is_kept = keep_now(gateway, item, must_exist.then_some((Kind::Batch, &name[..]))).await?;
    if is_kept || must_exist { Ok(is_kept) } else { Err(no_room()) }
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
        return Ok(Some(batch));
    }
    match load(gateway, owner, id).await? {
        Some(_) => Err(no_room()),
        None => Ok(None),
    }
}

/// What came of a line, under its batch and place.
pub(super) fn line_name(owner: &Owner, batch_id: &str, index: u64) -> [Vec<u8>; 3] {
    let [project, id] = name(owner, batch_id);
    [project.to_vec(), id.to_vec(), index.to_le_bytes().to_vec()]
}
