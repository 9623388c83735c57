//! Sealed tokens of masked conversations, so that they outlive the process. What is in a row only the masking secret
//! opens; whose it is, stands there as keyed hashes. Never called on the path of a request whose conversation is in
//! memory.

use std::fmt;

use sqlx::{AnyPool, Row};

use super::StoreError;

/// The table of sealed conversations.
#[derive(Clone)]
pub struct VaultStore {
    pool: AnyPool,
}

impl VaultStore {
    pub(super) fn new(pool: AnyPool) -> Self {
        Self { pool }
    }

    /// Writes a conversation in place of what was there.
    ///
    /// # Errors
    /// The database refused; what was there is unchanged.
    pub async fn upsert(
        &self,
        tenant_hash: &[u8; 32],
        conversation_hash: &[u8; 32],
        sealed: &[u8],
        expires_at_ms: i64,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO vault (tenant_hash, conversation_hash, sealed, expires_at_ms) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (tenant_hash, conversation_hash) DO UPDATE SET sealed = excluded.sealed, \
             expires_at_ms = CASE WHEN excluded.expires_at_ms > vault.expires_at_ms THEN excluded.expires_at_ms ELSE vault.expires_at_ms END",
        )
        .bind(tenant_hash.as_slice())
        .bind(conversation_hash.as_slice())
        .bind(sealed)
        .bind(expires_at_ms)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// A conversation that has not expired.
    ///
    /// # Errors
    /// The database refused.
    pub async fn load(
        &self,
        tenant_hash: &[u8; 32],
        conversation_hash: &[u8; 32],
        now_ms: i64,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let row = sqlx::query(
            "SELECT sealed FROM vault WHERE tenant_hash = $1 AND conversation_hash = $2 AND expires_at_ms > $3",
        )
        .bind(tenant_hash.as_slice())
        .bind(conversation_hash.as_slice())
        .bind(now_ms)
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| row.try_get("sealed")).transpose()?)
    }

    /// Forgets a conversation; true if it was there.
    ///
    /// # Errors
    /// The database refused.
    pub async fn delete(&self, tenant_hash: &[u8; 32], conversation_hash: &[u8; 32]) -> Result<bool, StoreError> {
        let done = sqlx::query("DELETE FROM vault WHERE tenant_hash = $1 AND conversation_hash = $2")
            .bind(tenant_hash.as_slice())
            .bind(conversation_hash.as_slice())
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Forgets what has expired; gives their number.
    ///
    /// # Errors
    /// The database refused.
    pub async fn delete_expired(&self, now_ms: i64) -> Result<u64, StoreError> {
        let done = sqlx::query("DELETE FROM vault WHERE expires_at_ms <= $1").bind(now_ms).execute(&self.pool).await?;
        Ok(done.rows_affected())
    }
}

impl fmt::Debug for VaultStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VaultStore").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::SqlStore;
    use super::super::test_store::{WRITER, test_stores};

    const BANK: [u8; 32] = [1; 32];
    const CLINIC: [u8; 32] = [2; 32];
    const CHAT: [u8; 32] = [3; 32];

    #[tokio::test]
    async fn a_conversation_is_its_tenants_and_is_written_over() {
        for test in test_stores().await {
            let vault = test.store.vault();
            assert_eq!(vault.load(&BANK, &CHAT, 0).await.unwrap(), None);
            vault.upsert(&BANK, &CHAT, b"first", 100).await.unwrap();
            vault.upsert(&CLINIC, &CHAT, b"theirs", 100).await.unwrap();
            vault.upsert(&BANK, &CHAT, b"second", 50).await.unwrap();
            assert_eq!(vault.load(&BANK, &CHAT, 99).await.unwrap().as_deref(), Some(&b"second"[..]));
            assert_eq!(vault.load(&CLINIC, &CHAT, 99).await.unwrap().as_deref(), Some(&b"theirs"[..]));
            assert_eq!(vault.load(&BANK, &CLINIC, 99).await.unwrap(), None);
            assert!(vault.delete(&BANK, &CHAT).await.unwrap());
            assert!(!vault.delete(&BANK, &CHAT).await.unwrap());
            assert_eq!(vault.load(&BANK, &CHAT, 0).await.unwrap(), None);
            assert!(vault.load(&CLINIC, &CHAT, 0).await.unwrap().is_some());
        }
    }

    #[tokio::test]
    async fn what_has_expired_is_not_given_and_goes() {
        for test in test_stores().await {
            let vault = test.store.vault();
            for (tenant, expires_at_ms) in [(&BANK, 100), (&CLINIC, 200)] {
                vault.upsert(tenant, &CHAT, b"sealed", expires_at_ms).await.unwrap();
            }
            assert_eq!(vault.load(&BANK, &CHAT, 100).await.unwrap(), None);
            assert_eq!(vault.delete_expired(100).await.unwrap(), 1);
            assert_eq!(vault.delete_expired(100).await.unwrap(), 0);
            assert_eq!(vault.load(&BANK, &CHAT, 0).await.unwrap(), None);
            assert!(vault.load(&CLINIC, &CHAT, 199).await.unwrap().is_some());
        }
    }

    #[tokio::test]
    async fn a_conversation_outlives_the_store() {
        for test in test_stores().await {
            test.store.vault().upsert(&BANK, &CHAT, b"sealed", 100).await.unwrap();
            let reopened = SqlStore::open(&test.database, WRITER).await.unwrap().vault();
            assert_eq!(reopened.load(&BANK, &CHAT, 0).await.unwrap().as_deref(), Some(&b"sealed"[..]));
        }
    }
}
