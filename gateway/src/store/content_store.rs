//! Sealed content: what is in a row only the content keys open. A tenant that needs more than its share makes place from
//! its own: cached answers go first, then replays, then stored responses, each the one that would expire first. Files and
//! batches stay.

use sqlx::any::AnyRow;
use sqlx::{Any, Row as _, Transaction};

use super::database::Exclusive;
use super::{SqlStore, StoreError, StoreFuture};
use crate::content::{Address, Bounds, Erased, Kind, Owner, Row, Subject, SubjectHashes};

/// Rows deleted in one transaction, lest others wait for it.
const MAX_DELETED: i64 = 500;
/// Rows that give way for one.
const MAX_GIVING_WAY: u64 = 10_000;
/// Rows that one listing gives.
const MAX_LISTED: i64 = 100_000;
/// Names under which one thing may be looked for: no more masters are known.
pub(crate) const MAX_NAMES: usize = 64;

/// Kept content.
pub trait ContentStore: Send + Sync {
    /// The row at the first of `addresses` that has one that has not expired.
    fn load(&self, tenant: String, kind: Kind, addresses: Vec<Address>, now_ms: u64) -> StoreFuture<'_, Option<Row>>;
    /// Writes a row in place of what was there. False where there is no room for it.
    fn keep(&self, row: Row, bounds: Bounds, now_ms: u64) -> StoreFuture<'_, bool>;
    /// True if there was one. Further names than 64 are left alone.
    fn delete(&self, tenant: String, kind: Kind, addresses: Vec<Address>) -> StoreFuture<'_, bool>;
    /// All rows of a kind that have not expired: of one project, or of everybody.
    fn list(&self, project: Option<(String, String)>, kind: Kind, now_ms: u64) -> StoreFuture<'_, Vec<Row>>;
    /// How many rows of a kind a project (its tenant and name) has.
    fn count(&self, project: (String, String), kind: Kind, now_ms: u64) -> StoreFuture<'_, u64>;
    /// Forgets what has expired; gives the number of rows.
    fn delete_expired(&self, now_ms: u64) -> StoreFuture<'_, u64>;
    fn erase(&self, subject: Subject) -> StoreFuture<'_, Erased>;
}

impl ContentStore for SqlStore {
    fn load(&self, tenant: String, kind: Kind, addresses: Vec<Address>, now_ms: u64) -> StoreFuture<'_, Option<Row>> {
        Box::pin(async move {
            for address in addresses.iter().take(MAX_NAMES) {
                let query =
                    "SELECT * FROM content WHERE tenant = $1 AND kind = $2 AND address = $3 AND expires_at_ms > $4";
                let row = sqlx::query(query)
                    .bind(&tenant)
                    .bind(kind.as_str())
                    .bind(address.as_slice())
                    .bind(now_ms.cast_signed())
                    .fetch_optional(&self.pool)
                    .await?;
                if let Some(row) = row {
                    return row_from(&row).map(Some);
                }
            }
            Ok(None)
        })
    }

    fn keep(&self, row: Row, bounds: Bounds, now_ms: u64) -> StoreFuture<'_, bool> {
        Box::pin(async move {
            if row.sealed.len() > bounds.item_bytes {
                return Ok(false);
            }
            let mut transaction = self.pool.begin().await?;
            self.dialect.exclude(&mut transaction, Exclusive::Content).await?;
            // A write first: a transaction that begins with a read cannot always become one that writes.
            delete_at(&mut transaction, &row.owner.tenant, row.kind, &row.address).await?;
            if !make_place(&mut transaction, &row, bounds, now_ms).await? {
                return Ok(false);
            }
            insert(&mut transaction, &row).await?;
            transaction.commit().await?;
            Ok(true)
        })
    }

    fn delete(&self, tenant: String, kind: Kind, addresses: Vec<Address>) -> StoreFuture<'_, bool> {
        Box::pin(async move {
            let mut transaction = self.pool.begin().await?;
            let mut deleted = 0;
            for address in addresses.iter().take(MAX_NAMES) {
                deleted += delete_at(&mut transaction, &tenant, kind, address).await?;
            }
            transaction.commit().await?;
            Ok(deleted > 0)
        })
    }

    fn list(&self, project: Option<(String, String)>, kind: Kind, now_ms: u64) -> StoreFuture<'_, Vec<Row>> {
        Box::pin(async move {
            let query = match &project {
                Some((tenant, project)) => sqlx::query(
                    "SELECT * FROM content WHERE kind = $1 AND tenant = $2 AND project = $3 AND expires_at_ms > $4 LIMIT $5",
                )
                .bind(kind.as_str())
                .bind(tenant)
                .bind(project),
                None => sqlx::query("SELECT * FROM content WHERE kind = $1 AND expires_at_ms > $2 LIMIT $3")
                    .bind(kind.as_str()),
            };
            let rows = query.bind(now_ms.cast_signed()).bind(MAX_LISTED).fetch_all(&self.pool).await?;
            rows.iter().map(row_from).collect()
        })
    }

    fn count(&self, project: (String, String), kind: Kind, now_ms: u64) -> StoreFuture<'_, u64> {
        Box::pin(async move {
            let query = "SELECT count(*) AS number FROM content WHERE kind = $1 AND tenant = $2 AND project = $3 \
                         AND expires_at_ms > $4";
            let (tenant, project) = project;
            let counted = sqlx::query(query).bind(kind.as_str()).bind(tenant).bind(project).bind(now_ms.cast_signed());
            Ok(counted.fetch_one(&self.pool).await?.try_get::<i64, _>("number")?.cast_unsigned())
        })
    }

    fn delete_expired(&self, now_ms: u64) -> StoreFuture<'_, u64> {
        Box::pin(async move {
            let mut all = 0;
            loop {
                let query = "DELETE FROM content WHERE (tenant, kind, address) IN \
                             (SELECT tenant, kind, address FROM content WHERE expires_at_ms <= $1 LIMIT $2)";
                let done = sqlx::query(query).bind(now_ms.cast_signed()).bind(MAX_DELETED).execute(&self.pool).await?;
                all += done.rows_affected();
                if done.rows_affected() < MAX_DELETED.cast_unsigned() {
                    return Ok(all);
                }
            }
        })
    }

    fn erase(&self, subject: Subject) -> StoreFuture<'_, Erased> {
        Box::pin(async move {
            let mut erased = Erased::default();
            let mut transaction = self.pool.begin().await?;
            let text = |text: &Option<String>| text.clone();
            let users = names(subject.user.as_ref());
            for user in &users {
                for conversation in names(subject.conversation.as_ref()) {
                    let query = "DELETE FROM content WHERE ($1 IS NULL OR tenant = $1) AND ($2 IS NULL OR key_id = $2) \
                                 AND ($3 IS NULL OR user_hash = $3) AND ($4 IS NULL OR conversation_hash = $4) \
                                 RETURNING kind, length(sealed) AS bytes";
                    let rows = sqlx::query(query)
                        .bind(text(&subject.tenant))
                        .bind(text(&subject.key_id))
                        .bind(user.clone())
                        .bind(conversation)
                        .fetch_all(&mut *transaction)
                        .await?;
                    for row in rows {
                        *erased.items.entry(kind_from(&row)?).or_default() += 1;
                        erased.bytes += row.try_get::<i64, _>("bytes")?.cast_unsigned();
                    }
                }
            }
            transaction.commit().await?;
            Ok(erased)
        })
    }
}

/// One for "whoever".
fn names(hashes: Option<&SubjectHashes>) -> Vec<Option<Vec<u8>>> {
    match hashes {
        None => vec![None],
        Some(SubjectHashes(hashes)) => hashes.iter().take(MAX_NAMES).map(|hash| Some(hash.to_vec())).collect(),
    }
}

async fn delete_at(
    transaction: &mut Transaction<'_, Any>,
    tenant: &str,
    kind: Kind,
    address: &Address,
) -> Result<u64, StoreError> {
    let query = sqlx::query("DELETE FROM content WHERE tenant = $1 AND kind = $2 AND address = $3");
    let query = query.bind(tenant).bind(kind.as_str()).bind(address.as_slice());
    Ok(query.execute(&mut **transaction).await?.rows_affected())
}

/// Whether the row fits, after others of its tenant have gone if need be.
async fn make_place(
    transaction: &mut Transaction<'_, Any>,
    row: &Row,
    bounds: Bounds,
    now_ms: u64,
) -> Result<bool, StoreError> {
    let (tenant, bytes) = (&row.owner.tenant, row.sealed.len() as u64);
    if bytes > bounds.tenant_bytes.min(bounds.total_bytes) {
        return Ok(false);
    }
    let mut at_once = 1;
    let mut deleted = 0;
    while deleted < MAX_GIVING_WAY {
        let used = sqlx::query(
            "SELECT CAST(coalesce(sum(bytes), 0) AS BIGINT) AS total, \
             CAST(coalesce(sum(CASE WHEN tenant = $1 THEN bytes ELSE 0 END), 0) AS BIGINT) AS own FROM content_bytes",
        );
        let used = used.bind(tenant).fetch_one(&mut **transaction).await?;
        let [total, own] = ["total", "own"].map(|column| used.try_get::<i64, _>(column).map(i64::cast_unsigned));
        if total? + bytes <= bounds.total_bytes && own? + bytes <= bounds.tenant_bytes {
            return Ok(true);
        }
        let gone = give_way(transaction, tenant, now_ms, at_once).await?;
        if gone == 0 {
            return Ok(false);
        }
        deleted += gone;
        // Where much has to go, it goes in few steps.
        at_once = (at_once * 2).min(MAX_DELETED);
    }
    Ok(false)
}

/// Deletes up to so many rows of the first sort of which there are any: expired ones, then by kind, the earliest to expire.
async fn give_way(
    transaction: &mut Transaction<'_, Any>,
    tenant: &str,
    now_ms: u64,
    most: i64,
) -> Result<u64, StoreError> {
    let expired = Kind::ALL.map(|kind| (kind, now_ms.cast_signed()));
    let any = Kind::ALL.into_iter().filter(|kind| kind.gives_way()).map(|kind| (kind, i64::MAX));
    for (kind, until_ms) in expired.into_iter().chain(any) {
        let query = "DELETE FROM content WHERE (tenant, kind, address) IN (SELECT tenant, kind, address FROM content \
                     WHERE tenant = $1 AND kind = $2 AND expires_at_ms <= $3 ORDER BY expires_at_ms LIMIT $4)";
        let gone = sqlx::query(query).bind(tenant).bind(kind.as_str()).bind(until_ms).bind(most);
        let gone = gone.execute(&mut **transaction).await?.rows_affected();
        if gone > 0 {
            return Ok(gone);
        }
    }
    Ok(0)
}

async fn insert(transaction: &mut Transaction<'_, Any>, row: &Row) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO content (tenant, kind, address, project, key_id, user_hash, conversation_hash, sealed, \
         expires_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&row.owner.tenant)
    .bind(row.kind.as_str())
    .bind(row.address.as_slice())
    .bind(&row.owner.project)
    .bind(&row.owner.key_id)
    .bind(row.user_hash.as_ref().map(<[u8; 32]>::as_slice))
    .bind(row.conversation_hash.as_ref().map(<[u8; 32]>::as_slice))
    .bind(&row.sealed)
    .bind(row.expires_at_ms.cast_signed())
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

fn kind_from(row: &AnyRow) -> Result<Kind, StoreError> {
    let unknown = StoreError::UnknownValue { table: "content", column: "kind" };
    Kind::parse(row.try_get::<&str, _>("kind")?).ok_or(unknown)
}

fn row_from(row: &AnyRow) -> Result<Row, StoreError> {
    let hash = |column: &'static str| {
        let unknown = || StoreError::UnknownValue { table: "content", column };
        let bytes = row.try_get::<Option<&[u8]>, _>(column)?;
        bytes.map(|bytes| bytes.try_into().map_err(|_| unknown())).transpose()
    };
    let unknown = || StoreError::UnknownValue { table: "content", column: "address" };
    Ok(Row {
        owner: Owner {
            tenant: row.try_get("tenant")?,
            project: row.try_get("project")?,
            key_id: row.try_get("key_id")?,
        },
        kind: kind_from(row)?,
        address: hash("address")?.ok_or_else(unknown)?,
        user_hash: hash("user_hash")?,
        conversation_hash: hash("conversation_hash")?,
        sealed: row.try_get("sealed")?,
        expires_at_ms: row.try_get::<i64, _>("expires_at_ms")?.cast_unsigned(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::test_store::test_stores;
    use super::*;

    const LARGE: Bounds = Bounds { item_bytes: 1_000, tenant_bytes: 10_000, total_bytes: 10_000 };

    fn row(tenant: &str, kind: Kind, number: u8, expires_at_ms: u64) -> Row {
        let owner = Owner { tenant: tenant.into(), project: "p".into(), key_id: "k".into() };
        let sealed = vec![number; 100];
        let (user_hash, conversation_hash) = (Some([number; 32]), None);
        Row { owner, kind, address: [number; 32], user_hash, conversation_hash, sealed, expires_at_ms }
    }

    async fn has(store: &SqlStore, own: &Row) -> bool {
        let addresses = vec![[99; 32], own.address];
        let loaded = store.load(own.owner.tenant.clone(), own.kind, addresses, 0).await.unwrap();
        assert!(loaded.as_ref().is_none_or(|loaded| loaded == own));
        loaded.is_some()
    }

    #[tokio::test]
    async fn rows_are_their_tenants_are_written_over_and_expire() {
        for test in test_stores().await {
            let store = test.store;
            let (own, theirs) = (row("bank", Kind::Replay, 1, 100), row("clinic", Kind::Replay, 1, 200));
            for row in [&own, &theirs, &own] {
                assert!(store.keep(row.clone(), LARGE, 0).await.unwrap());
            }
            assert!(has(&store, &own).await && has(&store, &theirs).await);
            assert!(store.load("bank".into(), Kind::Replay, vec![own.address], 100).await.unwrap().is_none());
            assert!(store.load("bank".into(), Kind::Cache, vec![own.address], 0).await.unwrap().is_none());
            assert_eq!(store.delete_expired(100).await.unwrap(), 1);
            assert!(!has(&store, &own).await && has(&store, &theirs).await);
            assert!(store.delete("clinic".into(), Kind::Replay, vec![theirs.address]).await.unwrap());
            assert!(!store.delete("clinic".into(), Kind::Replay, vec![theirs.address]).await.unwrap());
        }
    }

    #[tokio::test]
    async fn a_tenant_makes_place_from_its_own() {
        for test in test_stores().await {
            let store = test.store;
            let bounds = Bounds { item_bytes: 1_000, tenant_bytes: 250, total_bytes: 350 };
            let (response, replay) = (row("bank", Kind::Response, 1, 50), row("bank", Kind::Replay, 2, 900));
            let (cached, theirs) = (row("bank", Kind::Cache, 3, 999), row("clinic", Kind::Response, 1, 60));
            for row in [&response, &cached, &theirs, &replay] {
                assert!(store.keep(row.clone(), bounds, 0).await.unwrap());
            }
            assert!(!has(&store, &cached).await && has(&store, &response).await && has(&store, &replay).await);
            let other = row("ministry", Kind::Response, 1, 60);
            assert!(!store.keep(other.clone(), bounds, 0).await.unwrap());
            assert!(has(&store, &theirs).await && !has(&store, &other).await);
            let small = Bounds { item_bytes: 99, ..LARGE };
            assert!(!store.keep(row("bank", Kind::Cache, 4, 9), small, 0).await.unwrap());
        }
    }

    #[tokio::test]
    async fn what_fits_all_that_is_given_is_erased() {
        for test in test_stores().await {
            let store = test.store;
            let rows =
                [row("bank", Kind::Replay, 1, 9), row("bank", Kind::Cache, 2, 9), row("clinic", Kind::Replay, 1, 9)];
            for row in &rows {
                store.keep(row.clone(), LARGE, 0).await.unwrap();
            }
            let of = |tenant: &str, user: Option<u8>| Subject {
                tenant: Some(tenant.into()),
                user: user.map(|user| SubjectHashes(vec![[77; 32], [user; 32]])),
                ..Subject::default()
            };
            assert_eq!(store.erase(of("bank", Some(3))).await.unwrap(), Erased::default());
            let erased = store.erase(of("bank", Some(1))).await.unwrap();
            assert_eq!((erased.items.get(&Kind::Replay), erased.bytes), (Some(&1), 100));
            assert!(!has(&store, &rows[0]).await && has(&store, &rows[1]).await && has(&store, &rows[2]).await);
            assert_eq!(store.erase(of("clinic", None)).await.unwrap().items.len(), 1);
            assert!(!has(&store, &rows[2]).await && has(&store, &rows[1]).await);
        }
    }
}
