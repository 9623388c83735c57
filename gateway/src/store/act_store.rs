//! Acts of `/admin/v1` under an `Idempotency-Key`: claimed before they are done, with the sealed answer afterwards.
//!
//! Always so: of all who know a name one does the act. The act's own transaction notes in the claim that it was done, so
//! that after a crash it is known whether it was; and it does not commit where the claim has passed to somebody else.

use std::future::Future;

use sqlx::any::AnyRow;
use sqlx::{Any, Row as _, Transaction};

use super::{SqlStore, StoreError, StoreFuture};

/// Rows deleted in one transaction, lest others wait for it.
const MAX_DELETED: i64 = 500;

/// Under what an act was asked for, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActName {
    pub tenant: String,
    pub key_id: String,
    /// A keyed hash of the client's own name for it.
    pub address: [u8; 32],
}

/// Who wants to do an act. Times are Unix milliseconds.
#[derive(Debug, Clone)]
pub struct ActClaim {
    pub name: ActName,
    /// A keyed hash of what is asked for.
    pub fingerprint: [u8; 32],
    /// Random: this claim's alone.
    pub token: [u8; 16],
    /// From then on whoever comes takes a claim over that has done nothing.
    pub leased_until_ms: i64,
    pub expires_at_ms: i64,
}

/// What became of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// The act is ours to do.
    Ours,
    /// Something else was asked for under the name.
    Other,
    /// Somebody is at it.
    Running,
    /// It was done, and nobody knows what was answered.
    Unanswered,
    /// It was done and answered so.
    Answered { sealed: Vec<u8>, expires_at_ms: i64 },
    /// The caller has as many names as may be kept.
    Full,
}

tokio::task_local! {
    static ACTING: (ActName, [u8; 16]);
}

/// Does `work` under a claim: what it writes counts only while the claim is its own.
pub async fn acting<F: Future>(name: ActName, token: [u8; 16], work: F) -> F::Output {
    ACTING.scope((name, token), work).await
}

pub trait ActStore: Send + Sync {
    /// Claims a name for which nothing is kept, if its caller has fewer than `most` of them.
    fn claim(&self, claim: ActClaim, now_ms: i64, most: i64) -> StoreFuture<'_, Claimed>;
    /// The act was done. Without an answer to keep, only that is known of it.
    fn answered(&self, name: ActName, token: [u8; 16], sealed: Option<Vec<u8>>) -> StoreFuture<'_, ()>;
    /// Gives up a claim: its name is free again, unless something was done.
    fn give_up(&self, name: ActName, token: [u8; 16]) -> StoreFuture<'_, ()>;
    /// Forgets what has expired; gives the number of rows.
    fn delete_expired(&self, now_ms: i64) -> StoreFuture<'_, u64>;
}

impl ActStore for SqlStore {
    fn claim(&self, claim: ActClaim, now_ms: i64, most: i64) -> StoreFuture<'_, Claimed> {
        Box::pin(async move {
            let ActClaim { name, fingerprint, token, leased_until_ms, expires_at_ms } = &claim;
            let mut transaction = self.pool.begin().await?;
            // A write first: a transaction that begins with a read cannot always become one that writes.
            let expired =
                "DELETE FROM admin_acts WHERE tenant = $1 AND key_id = $2 AND address = $3 AND expires_at_ms <= $4";
            named(expired, name).bind(now_ms).execute(&mut *transaction).await?;
            let insert = "INSERT INTO admin_acts (tenant, key_id, address, fingerprint, token, leased_until_ms, acted, \
                          expires_at_ms) VALUES ($1, $2, $3, $4, $5, $6, 0, $7) ON CONFLICT DO NOTHING";
            let insert = named(insert, name).bind(fingerprint.as_slice()).bind(token.as_slice());
            let insert = insert.bind(*leased_until_ms).bind(*expires_at_ms);
            if insert.execute(&mut *transaction).await?.rows_affected() == 1 {
                if is_full(&mut transaction, name, now_ms, most).await? {
                    return Ok(Claimed::Full);
                }
                transaction.commit().await?;
                return Ok(Claimed::Ours);
            }
            let take_over = "UPDATE admin_acts SET token = $4, leased_until_ms = $5, expires_at_ms = $6 \
                             WHERE tenant = $1 AND key_id = $2 AND address = $3 AND fingerprint = $7 AND acted = 0 \
                             AND leased_until_ms <= $8";
            let take_over = named(take_over, name).bind(token.as_slice()).bind(*leased_until_ms).bind(*expires_at_ms);
            let take_over = take_over.bind(fingerprint.as_slice()).bind(now_ms);
            if take_over.execute(&mut *transaction).await?.rows_affected() == 1 {
                transaction.commit().await?;
                return Ok(Claimed::Ours);
            }
            let found = named("SELECT * FROM admin_acts WHERE tenant = $1 AND key_id = $2 AND address = $3", name);
            let found = found.fetch_optional(&mut *transaction).await?;
            transaction.commit().await?;
            // Where it was given up a moment ago, the next try will do it.
            found.map_or(Ok(Claimed::Running), |row| standing(&row, fingerprint, now_ms))
        })
    }

    fn answered(&self, name: ActName, token: [u8; 16], sealed: Option<Vec<u8>>) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let query = "UPDATE admin_acts SET acted = 1, leased_until_ms = 0, sealed = $5 \
                         WHERE tenant = $1 AND key_id = $2 AND address = $3 AND token = $4";
            named(query, &name).bind(token.as_slice()).bind(sealed).execute(&self.pool).await?;
            Ok(())
        })
    }

    fn give_up(&self, name: ActName, token: [u8; 16]) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let mut transaction = self.pool.begin().await?;
            let free = "DELETE FROM admin_acts WHERE tenant = $1 AND key_id = $2 AND address = $3 AND token = $4 \
                        AND acted = 0";
            named(free, &name).bind(token.as_slice()).execute(&mut *transaction).await?;
            let end = "UPDATE admin_acts SET leased_until_ms = 0 \
                       WHERE tenant = $1 AND key_id = $2 AND address = $3 AND token = $4";
            named(end, &name).bind(token.as_slice()).execute(&mut *transaction).await?;
            Ok(transaction.commit().await?)
        })
    }

    fn delete_expired(&self, now_ms: i64) -> StoreFuture<'_, u64> {
        Box::pin(async move {
            let mut all = 0;
            loop {
                let query = "DELETE FROM admin_acts WHERE (tenant, key_id, address) IN (SELECT tenant, key_id, address \
                             FROM admin_acts WHERE expires_at_ms <= $1 LIMIT $2)";
                let done = sqlx::query(query).bind(now_ms).bind(MAX_DELETED).execute(&self.pool).await?;
                all += done.rows_affected();
                if done.rows_affected() < MAX_DELETED.cast_unsigned() {
                    return Ok(all);
                }
            }
        })
    }
}

/// Notes in the transaction of an act that it is done; where nobody acts under a claim, there is nothing to note.
///
/// # Errors
/// The claim has passed to another: this transaction must not commit.
pub(super) async fn mark_acted(transaction: &mut Transaction<'_, Any>) -> Result<(), StoreError> {
    let Ok((name, token)) = ACTING.try_with(Clone::clone) else { return Ok(()) };
    let query = "UPDATE admin_acts SET acted = 1 WHERE tenant = $1 AND key_id = $2 AND address = $3 AND token = $4";
    let marked = named(query, &name).bind(token.as_slice()).execute(&mut **transaction).await?;
    if marked.rows_affected() == 1 { Ok(()) } else { Err(StoreError::ClaimLost) }
}

type Query<'q> = sqlx::query::Query<'q, Any, sqlx::any::AnyArguments>;

fn named<'q>(query: &'static str, name: &'q ActName) -> Query<'q> {
    sqlx::query(query).bind(&name.tenant).bind(&name.key_id).bind(name.address.as_slice())
}

async fn is_full(
    transaction: &mut Transaction<'_, Any>,
    name: &ActName,
    now_ms: i64,
    most: i64,
) -> Result<bool, StoreError> {
    let query = "SELECT count(*) FROM admin_acts WHERE tenant = $1 AND key_id = $2 AND expires_at_ms > $3";
    let count = sqlx::query_scalar::<_, i64>(query).bind(&name.tenant).bind(&name.key_id).bind(now_ms);
    Ok(count.fetch_one(&mut **transaction).await? > most)
}

fn standing(row: &AnyRow, fingerprint: &[u8; 32], now_ms: i64) -> Result<Claimed, StoreError> {
    if row.try_get::<&[u8], _>("fingerprint")? != fingerprint {
        return Ok(Claimed::Other);
    }
    if let Some(sealed) = row.try_get::<Option<Vec<u8>>, _>("sealed")? {
        return Ok(Claimed::Answered { sealed, expires_at_ms: row.try_get("expires_at_ms")? });
    }
    let is_over = row.try_get::<i64, _>("leased_until_ms")? <= now_ms;
    let is_done = row.try_get::<i64, _>("acted")? != 0;
    Ok(if is_over && is_done { Claimed::Unanswered } else { Claimed::Running })
}

#[cfg(test)]
#[path = "act_store_tests.rs"]
mod tests;
