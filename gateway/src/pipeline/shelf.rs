//! Kept content, as requests put it there and find it again. It is written behind their backs; until it is in the store it
//! is found here, so that what a client has seen can be asked for at once.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::task::TaskTracker;

use crate::audit::Digest;
use crate::content::{
    Address, Bounds, ContentKeys, Erased, Item, Kind, OpenError, Owner, RANDOM_BYTES, Row, SealError, Subject,
};
use crate::content::{open, seal};
use crate::store::{MAX_NAMES, Store, StoreError};
use crate::telemetry::Metrics;

/// What an item belongs to: its kind and name.
pub type Beside<'n> = (Kind, &'n [&'n [u8]]);

/// Rows that wait to be written. What would make them more is not kept.
const MAX_WAITING_BYTES: usize = 64 << 20;
const MAX_WAITING: usize = 4_096;

/// Clones are the same shelf.
#[derive(Clone)]
pub struct Shelf {
    shared: Arc<Shared>,
    writers: TaskTracker,
}

struct Shared {
    keys: ContentKeys,
    store: Arc<dyn Store>,
    metrics: Arc<Metrics>,
    waiting: Mutex<Waiting>,
    /// Held while rows are written or deleted, so that what was deleted does not come back.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Waiting {
    rows: HashMap<Place, Arc<Row>>,
    bytes: usize,
}

type Place = (String, Kind, Address);

/// Why kept content cannot be given.
#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Sealed(#[from] OpenError),
    #[error(transparent)]
    NotSealed(#[from] SealError),
}

impl Shelf {
    pub fn new(keys: ContentKeys, store: Arc<dyn Store>, metrics: Arc<Metrics>) -> Self {
        let shared = Shared { keys, store, metrics, waiting: Mutex::default(), turn: tokio::sync::Mutex::default() };
        Self { shared: Arc::new(shared), writers: TaskTracker::new() }
    }

    pub fn keys(&self) -> &ContentKeys {
        &self.shared.keys
    }

    /// What is kept under a name, if it has not expired.
    ///
    /// # Errors
    /// The store cannot be read, or the row is not what was written.
    pub async fn load(
        &self,
        tenant: &str,
        kind: Kind,
        name: &[&[u8]],
        now_ms: u64,
    ) -> Result<Option<Vec<u8>>, ShelfError> {
        let row = self.load_row(tenant, kind, name, now_ms).await?;
        Ok(row.map(|row| open(&self.shared.keys, &row)).transpose()?)
    }

    /// The same as it lies there, sealed.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(super) async fn load_row(
        &self,
        tenant: &str,
        kind: Kind,
        name: &[&[u8]],
        now_ms: u64,
    ) -> Result<Option<Arc<Row>>, ShelfError> {
        let addresses = self.shared.keys.addresses(tenant, kind, name);
        let waiting = addresses.iter().find_map(|address| self.shared.waiting().get(tenant, kind, *address));
        Ok(match waiting.filter(|row| row.expires_at_ms > now_ms) {
            Some(row) => Some(row),
            None => self.shared.store.content().load(tenant.to_owned(), kind, addresses, now_ms).await?.map(Arc::new),
        })
    }

    /// Keeps an item in place of what had its name. True if it will be found: what is too large is not kept.
    pub fn keep(&self, item: Item, random: [u8; RANDOM_BYTES], bounds: Bounds, now_ms: u64) -> bool {
        self.put(item, random, bounds, now_ms).is_some()
    }

    /// The same; gives the hash of what will lie there.
    pub(super) fn keep_known(
        &self,
        item: Item,
        random: [u8; RANDOM_BYTES],
        bounds: Bounds,
        now_ms: u64,
    ) -> Option<Digest> {
        // What ends with the process has nobody to write it.
        tokio::runtime::Handle::try_current().ok()?;
        self.put(item, random, bounds, now_ms).map(|row| Digest::of(&row.sealed))
    }

    fn put(&self, item: Item, random: [u8; RANDOM_BYTES], bounds: Bounds, now_ms: u64) -> Option<Arc<Row>> {
        let kind = item.kind.as_str();
        if item.content.len() > bounds.item_bytes {
            tracing::warn!(
                kind,
                bytes = item.content.len(),
                "an item is too large to be kept ([content] max_item_bytes)"
            );
            return None;
        }
        // What is around the content as it lies in a row.
        let bounds = Bounds { item_bytes: bounds.item_bytes.saturating_add(1_024), ..bounds };
        let Ok(row) = seal(&self.shared.keys, item, random) else {
            tracing::error!(kind, "content could not be sealed and is not kept");
            return None;
        };
        let row = Arc::new(row);
        if !self.shared.waiting().put(&row) {
            tracing::error!(kind, "too much content waits to be written; an item is not kept");
            return None;
        }
        let (shared, own) = (Arc::clone(&self.shared), Arc::clone(&row));
        self.writers.spawn(async move { shared.write(&own, bounds, now_ms).await });
        Some(row)
    }

    /// Keeps an item, and gives the hash of what lies in the store then; none where there is no room for it.
    ///
    /// # Errors
    /// As [`Self::keep_now`].
    pub(super) async fn keep_known_now(
        &self,
        item: Item,
        random: [u8; RANDOM_BYTES],
        bounds: Bounds,
        now_ms: u64,
    ) -> Result<Option<Digest>, ShelfError> {
        let row = seal(&self.shared.keys, item, random)?;
        let (digest, _turn) = (Digest::of(&row.sealed), self.shared.turn.lock().await);
        // What is around the content as it lies in a row.
        let bounds = Bounds { item_bytes: bounds.item_bytes.saturating_add(1_024), ..bounds };
        Ok(self.shared.store.content().keep(row, bounds, now_ms).await?.then_some(digest))
    }

    /// Keeps an item, and comes back when it lies in the store: true unless there is no room for it. `beside`, if given,
    /// is what it belongs to: where that is gone, or erased meanwhile, it is not kept either.
    ///
    /// # Errors
    /// The store refuses, or the item could not be sealed.
    pub async fn keep_now(
        &self,
        item: Item,
        random: [u8; RANDOM_BYTES],
        bounds: Bounds,
        (beside, now_ms): (Option<Beside<'_>>, u64),
    ) -> Result<bool, ShelfError> {
        let row = seal(&self.shared.keys, item, random)?;
        let content = self.shared.store.content();
        let _turn = self.shared.turn.lock().await;
        if let Some((kind, name)) = beside {
            let addresses = self.shared.keys.addresses(&row.owner.tenant, kind, name);
            if content.load(row.owner.tenant.clone(), kind, addresses, now_ms).await?.is_none() {
                return Ok(false);
            }
        }
        Ok(content.keep(row, bounds, now_ms).await?)
    }

    /// All items of a kind and whose they are: of one project (its tenant and name), or of everybody. What cannot be
    /// opened is passed over. Only for kinds that are kept with [`Self::keep_now`].
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn list(
        &self,
        project: Option<(&str, &str)>,
        kind: Kind,
        now_ms: u64,
    ) -> Result<Vec<(Owner, Vec<u8>)>, StoreError> {
        let project = project.map(|(tenant, project)| (tenant.to_owned(), project.to_owned()));
        let rows = self.shared.store.content().list(project, kind, now_ms).await?;
        let opened = rows.into_iter().filter_map(|row| match open(&self.shared.keys, &row) {
            Ok(content) => Some((row.owner, content)),
            Err(error) => {
                tracing::error!(%error, kind = kind.as_str(), "kept content is passed over");
                None
            }
        });
        Ok(opened.collect())
    }

    /// Forgets what is kept under a name; true if there was something.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn delete(&self, tenant: &str, kind: Kind, name: &[&[u8]]) -> Result<bool, StoreError> {
        let addresses = self.shared.keys.addresses(tenant, kind, name);
        let _turn = self.shared.turn.lock().await;
        let mut was_waiting = false;
        for address in &addresses {
            was_waiting |= self.shared.waiting().take(&(tenant.to_owned(), kind, *address)).is_some();
        }
        Ok(self.shared.store.content().delete(tenant.to_owned(), kind, addresses).await? || was_waiting)
    }

    /// Forgets what is kept under each of these names, if anything is. Only for kinds that are kept with [`Self::keep_now`].
    ///
    /// # Errors
    /// The store refuses; some may be forgotten.
    pub async fn delete_all(
        &self,
        tenant: &str,
        kind: Kind,
        names: impl Iterator<Item = Vec<Vec<u8>>>,
    ) -> Result<(), StoreError> {
        let mut addresses = Vec::new();
        let content = self.shared.store.content();
        for name in names {
            let name: Vec<&[u8]> = name.iter().map(Vec::as_slice).collect();
            let own = self.shared.keys.addresses(tenant, kind, &name);
            if addresses.len() + own.len() > MAX_NAMES {
                let full = std::mem::take(&mut addresses);
                let _turn = self.shared.turn.lock().await;
                content.delete(tenant.to_owned(), kind, full).await?;
            }
            addresses.extend(own);
        }
        let _turn = self.shared.turn.lock().await;
        content.delete(tenant.to_owned(), kind, addresses).await.map(|_| ())
    }

    /// How many items of a kind a project has.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn count(&self, (tenant, project): (&str, &str), kind: Kind, now_ms: u64) -> Result<u64, StoreError> {
        self.shared.store.content().count((tenant.to_owned(), project.to_owned()), kind, now_ms).await
    }

    /// Forgets everything about a subject.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn erase(&self, subject: Subject) -> Result<Erased, StoreError> {
        let _turn = self.shared.turn.lock().await;
        let gone = self.shared.waiting().take_all(&subject);
        let mut erased = self.shared.store.content().erase(subject).await?;
        for row in gone {
            *erased.items.entry(row.kind).or_default() += 1;
            erased.bytes += row.sealed.len() as u64;
        }
        Ok(erased)
    }

    /// Forgets what has expired.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn delete_expired(&self, now_ms: u64) -> Result<u64, StoreError> {
        self.shared.store.content().delete_expired(now_ms).await
    }

    /// Waits until everything kept so far is in the store.
    pub async fn flush(&self) {
        self.writers.close();
        self.writers.wait().await;
        self.writers.reopen();
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn write(&self, row: &Arc<Row>, bounds: Bounds, now_ms: u64) {
        let _turn = self.turn.lock().await;
        let place = place(row);
        let still_waits = || self.waiting().rows.get(&place).is_some_and(|waiting| Arc::ptr_eq(waiting, row));
        // Deleted, or written over, before its turn came.
        if !still_waits() {
            return;
        }
        let kind = row.kind.as_str();
        let kept = self.store.content().keep(Row::clone(row), bounds, now_ms).await;
        if row.kind == Kind::AuditContent && !matches!(kept, Ok(true)) {
            self.metrics.note_lost_content();
        }
        match kept {
            Ok(true) => {}
            Ok(false) => tracing::warn!(kind, "there is no room for an item; it is not kept ([content] max_bytes)"),
            Err(error) => tracing::error!(%error, kind, "an item could not be kept"),
        }
        if still_waits() {
            self.waiting().take(&place);
        }
    }
}

impl Waiting {
    fn get(&self, tenant: &str, kind: Kind, address: Address) -> Option<Arc<Row>> {
        self.rows.get(&(tenant.to_owned(), kind, address)).cloned()
    }

    fn put(&mut self, row: &Arc<Row>) -> bool {
        self.take(&place(row));
        if self.rows.len() >= MAX_WAITING || self.bytes + row.sealed.len() > MAX_WAITING_BYTES {
            return false;
        }
        self.bytes += row.sealed.len();
        self.rows.insert(place(row), Arc::clone(row));
        true
    }

    fn take(&mut self, place: &Place) -> Option<Arc<Row>> {
        let row = self.rows.remove(place)?;
        self.bytes -= row.sealed.len();
        Some(row)
    }

    fn take_all(&mut self, subject: &Subject) -> Vec<Arc<Row>> {
        let fits: Vec<Place> = self.rows.values().filter(|row| subject.fits(row)).map(|row| place(row)).collect();
        fits.iter().filter_map(|place| self.take(place)).collect()
    }
}

fn place(row: &Row) -> Place {
    (row.owner.tenant.clone(), row.kind, row.address)
}

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelf").finish_non_exhaustive()
    }
}
