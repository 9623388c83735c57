//! Starts what was ordered, and goes on with what a restart interrupted. Projects take turns.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::{Id, JoinSet};

use super::batch::Batch;
use super::progress;
use super::work::Work;
use crate::content::Owner;
use crate::pipeline::Gateway;

/// Batches that are worked on at once, of everybody and of one project; the others wait for their turn.
const MAX_RUNNING: usize = 256;
const MAX_OF_PROJECT: usize = 8;
/// How often open batches are looked for when nobody says that there is one.
const LOOK_EVERY: Duration = Duration::from_mins(1);

type Project = (String, String);

#[derive(Default)]
struct Running {
    tasks: JoinSet<()>,
    batches: HashMap<Id, (String, Project)>,
}

/// Works on batches until it is dropped; requests under way then end.
pub async fn run(gateway: Arc<Gateway>) {
    let mut changes = gateway.jobs.changes();
    let places = Arc::new(Semaphore::new(gateway.snapshot().config.batches.max_in_flight));
    let mut running = Running::default();
    while !gateway.drain.is_draining() {
        changes.mark_unchanged();
        match progress::open(&gateway).await {
            Ok(open) => {
                for (owner, batch) in running.next(open) {
                    running.begin(Work { gateway: Arc::clone(&gateway), owner, places: Arc::clone(&places) }, batch);
                }
            }
            Err(error) => tracing::error!(code = error.code.as_deref(), "batches could not be read; tried again"),
        }
        // What has ended makes place for others, and is not begun again before the next look.
        tokio::select! {
            _ = changes.changed() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = gateway.drain.begun() => {}
            Some(ended) = running.tasks.join_next_with_id() => {
                let id = ended.map_or_else(|panicked| panicked.id(), |(id, ())| id);
                running.batches.remove(&id);
            }
        }
    }
    while running.tasks.join_next().await.is_some() {}
}

impl Running {
    fn begin(&mut self, work: Work, batch: Batch) {
        let running = (batch.id.clone(), project(&work.owner));
        let task = self.tasks.spawn(async move { work.done(batch).await });
        self.batches.insert(task.id(), running);
    }

    /// What to begin now: the oldest of whoever has the fewest.
    fn next(&self, mut open: Vec<(Owner, Batch)>) -> Vec<(Owner, Batch)> {
        let mut of_project: HashMap<Project, usize> = HashMap::new();
        for (_, project) in self.batches.values() {
            *of_project.entry(project.clone()).or_default() += 1;
        }
        open.retain(|(_, batch)| self.batches.values().all(|(id, _)| *id != batch.id));
        open.sort_by_key(|(_, batch)| batch.times.created);
        let turns = open.into_iter().filter_map(|(owner, batch)| {
            let turn = of_project.entry(project(&owner)).or_default();
            *turn += 1;
            (*turn <= MAX_OF_PROJECT).then_some((*turn, owner, batch))
        });
        let mut turns: Vec<_> = turns.collect();
        turns.sort_by_key(|(turn, ..)| *turn);
        let free = MAX_RUNNING.saturating_sub(self.batches.len());
        turns.into_iter().take(free).map(|(_, owner, batch)| (owner, batch)).collect()
    }
}

fn project(owner: &Owner) -> Project {
    (owner.tenant.clone(), owner.project.clone())
}
