//! Starts what was ordered, and goes on with what a restart interrupted.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::progress;
use super::work::Work;
use crate::pipeline::Gateway;

/// Batches of all tenants that are worked on at once; the others wait for their turn.
const MAX_RUNNING: usize = 64;
/// How often open batches are looked for when nobody says that there is one.
const LOOK_EVERY: Duration = Duration::from_mins(1);

/// Works on batches until it is dropped; requests under way then end.
pub async fn run(gateway: Arc<Gateway>) {
    let mut changes = gateway.jobs.changes();
    let places = Arc::new(Semaphore::new(gateway.snapshot().config.batches.max_in_flight));
    let (mut running, mut ids) = (JoinSet::new(), HashSet::new());
    while !gateway.drain.is_draining() {
        changes.mark_unchanged();
        match progress::all(&gateway, None).await {
            Ok(mut open) => {
                open.retain(|(_, batch)| !batch.status.is_final());
                open.sort_by_key(|(_, batch)| batch.times.created);
                for (owner, batch) in open {
                    if ids.len() < MAX_RUNNING && ids.insert(batch.id.clone()) {
                        let work = Work { gateway: Arc::clone(&gateway), owner, places: Arc::clone(&places) };
                        running.spawn(async move {
                            let id = batch.id.clone();
                            work.done(batch).await;
                            id
                        });
                    }
                }
            }
            Err(error) => tracing::error!(code = error.code.as_deref(), "batches could not be read; tried again"),
        }
        // What has ended makes place for others, and is not begun again before the next look.
        tokio::select! {
            _ = changes.changed() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = gateway.drain.begun() => {}
            Some(ended) = running.join_next() => if let Ok(id) = ended { ids.remove(&id); },
        }
    }
    while running.join_next().await.is_some() {}
}
