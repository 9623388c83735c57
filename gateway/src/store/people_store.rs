//! People and where they are logged in. A change of people is one of the directory: their keys open by it. Sessions are read
//! at each request, so that several gateways see the same.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::tenancy_rows::flag;
use super::tenancy_store::{Query, count_up};
use super::{SqlStore, StoreError, StoreFuture, Written};
use crate::auth::{Identity, Person, Reach, ReachLevel, Role, Session};

/// Lists are ordered by id.
pub trait PeopleStore: Send + Sync {
    fn people(&self) -> StoreFuture<'_, Vec<Person>>;
    fn person(&self, id: String) -> StoreFuture<'_, Option<Person>>;
    fn person_by_email(&self, email: String) -> StoreFuture<'_, Option<Person>>;
    fn person_by_identity(&self, identity: Identity) -> StoreFuture<'_, Option<Person>>;
    /// [`Written::Conflict`]: somebody else has the address or the identity; [`Written::Missing`]: there is no such tenant
    /// or project.
    fn insert_person(&self, person: Person) -> StoreFuture<'_, Written>;
    /// Puts them in place of those of their version. Whoever is frozen, or is somebody else at the provider, is logged out.
    fn update_person(&self, person: Person) -> StoreFuture<'_, Written>;
    /// Logs them out, and revokes their keys.
    fn delete_person(&self, id: String, version: i64) -> StoreFuture<'_, Written>;

    fn session(&self, hash: [u8; 32]) -> StoreFuture<'_, Option<Session>>;
    /// Beyond `most`, the person's oldest end.
    fn insert_session(&self, session: Session, most: u32) -> StoreFuture<'_, ()>;
    fn touch_session(&self, hash: [u8; 32], seen_at_ms: i64) -> StoreFuture<'_, ()>;
    fn delete_session(&self, hash: [u8; 32]) -> StoreFuture<'_, ()>;
    /// Ends their sessions and revokes their keys: they are nobody here until they log in again.
    fn let_go(&self, person: String) -> StoreFuture<'_, ()>;
    /// Those whose time is over, or that nobody has used since.
    fn delete_expired_sessions(&self, now_ms: i64, unused_since_ms: i64) -> StoreFuture<'_, u64>;
}

/// A person's own keys.
const REVOKE: &str = "UPDATE keys SET revoked = 1, version = version + 1 WHERE person = $1 AND revoked = 0";

impl PeopleStore for SqlStore {
    fn people(&self) -> StoreFuture<'_, Vec<Person>> {
        Box::pin(async move {
            let rows = sqlx::query("SELECT * FROM people ORDER BY id").fetch_all(&self.pool).await?;
            rows.iter().map(person_from).collect()
        })
    }

    fn person(&self, id: String) -> StoreFuture<'_, Option<Person>> {
        Box::pin(async move { self.one(sqlx::query("SELECT * FROM people WHERE id = $1").bind(id)).await })
    }

    fn person_by_email(&self, email: String) -> StoreFuture<'_, Option<Person>> {
        Box::pin(async move { self.one(sqlx::query("SELECT * FROM people WHERE email = $1").bind(email)).await })
    }

    fn person_by_identity(&self, identity: Identity) -> StoreFuture<'_, Option<Person>> {
        Box::pin(async move {
            let query = sqlx::query("SELECT * FROM people WHERE issuer = $1 AND subject = $2");
            self.one(query.bind(identity.issuer).bind(identity.subject)).await
        })
    }

    fn insert_person(&self, person: Person) -> StoreFuture<'_, Written> {
        Box::pin(async move {
            let query = "INSERT INTO people (id, email, name, role, reach, tenant, project, frozen, issuer, subject, \
                         granted, created_at_ms, changed_at_ms, version) \
                         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 1) ON CONFLICT DO NOTHING";
            let query = said(sqlx::query(query).bind(&person.id), &person)
                .bind(person.created_at_ms)
                .bind(person.changed_at_ms);
            self.inserted(query, home_of(&person.reach)).await
        })
    }

    fn update_person(&self, person: Person) -> StoreFuture<'_, Written> {
        Box::pin(async move {
            let mut transaction = self.pool.begin().await?;
            count_up(&mut transaction).await?;
            if let Some(home) = home_of(&person.reach)
                && home.fetch_optional(&mut *transaction).await?.is_none()
            {
                return Ok(Written::Missing);
            }
            // Whoever is frozen, or somebody else than before, must log in again.
            let log_out = "DELETE FROM sessions WHERE person = $1 AND ($2 = 1 OR NOT EXISTS \
                           (SELECT 1 FROM people WHERE id = $1 AND (issuer IS NULL OR issuer = $3 AND subject = $4)))";
            let (issuer, subject) = parts_of(&person);
            sqlx::query(log_out)
                .bind(&person.id)
                .bind(i64::from(person.frozen))
                .bind(issuer)
                .bind(subject)
                .execute(&mut *transaction)
                .await?;
            let query = "UPDATE people SET email = $1, name = $2, role = $3, reach = $4, tenant = $5, project = $6, \
                         frozen = $7, issuer = $8, subject = $9, granted = $10, changed_at_ms = $11, \
                         version = version + 1 WHERE id = $12 AND version = $13";
            let query = said(sqlx::query(query), &person).bind(person.changed_at_ms).bind(&person.id);
            match query.bind(person.version).execute(&mut *transaction).await {
                Ok(done) if done.rows_affected() == 1 => {}
                Ok(_) => return Ok(Written::Conflict),
                // Another was quicker to take the address or the identity.
                Err(sqlx::Error::Database(error)) if error.is_unique_violation() => return Ok(Written::Conflict),
                Err(error) => return Err(error.into()),
            }
            transaction.commit().await?;
            Ok(Written::Done)
        })
    }

    fn delete_person(&self, id: String, version: i64) -> StoreFuture<'_, Written> {
        Box::pin(async move {
            let mut transaction = self.pool.begin().await?;
            count_up(&mut transaction).await?;
            sqlx::query("DELETE FROM sessions WHERE person = $1").bind(&id).execute(&mut *transaction).await?;
            let delete = sqlx::query("DELETE FROM people WHERE id = $1 AND version = $2").bind(&id).bind(version);
            if delete.execute(&mut *transaction).await?.rows_affected() != 1 {
                return Ok(Written::Conflict);
            }
            sqlx::query(REVOKE).bind(&id).execute(&mut *transaction).await?;
            transaction.commit().await?;
            Ok(Written::Done)
        })
    }

    fn session(&self, hash: [u8; 32]) -> StoreFuture<'_, Option<Session>> {
        Box::pin(async move {
            let query = sqlx::query("SELECT * FROM sessions WHERE hash = $1").bind(hash.to_vec());
            query.fetch_optional(&self.pool).await?.as_ref().map(session_from).transpose()
        })
    }

    fn insert_session(&self, session: Session, most: u32) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let mut transaction = self.pool.begin().await?;
            let query = "INSERT INTO sessions (hash, person, created_at_ms, seen_at_ms, expires_at_ms) \
                         VALUES ($1, $2, $3, $4, $5)";
            sqlx::query(query)
                .bind(session.hash.to_vec())
                .bind(&session.person)
                .bind(session.created_at_ms)
                .bind(session.seen_at_ms)
                .bind(session.expires_at_ms)
                .execute(&mut *transaction)
                .await?;
            let oldest = "DELETE FROM sessions WHERE person = $1 AND hash NOT IN \
                          (SELECT hash FROM sessions WHERE person = $1 ORDER BY created_at_ms DESC, hash LIMIT $2)";
            sqlx::query(oldest).bind(&session.person).bind(i64::from(most)).execute(&mut *transaction).await?;
            Ok(transaction.commit().await?)
        })
    }

    fn touch_session(&self, hash: [u8; 32], seen_at_ms: i64) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let query = sqlx::query("UPDATE sessions SET seen_at_ms = $1 WHERE hash = $2 AND seen_at_ms < $1");
            query.bind(seen_at_ms).bind(hash.to_vec()).execute(&self.pool).await?;
            Ok(())
        })
    }

    fn delete_session(&self, hash: [u8; 32]) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let query = sqlx::query("DELETE FROM sessions WHERE hash = $1");
            query.bind(hash.to_vec()).execute(&self.pool).await?;
            Ok(())
        })
    }

    fn let_go(&self, person: String) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let mut transaction = self.pool.begin().await?;
            count_up(&mut transaction).await?;
            sqlx::query("DELETE FROM sessions WHERE person = $1").bind(&person).execute(&mut *transaction).await?;
            sqlx::query(REVOKE).bind(&person).execute(&mut *transaction).await?;
            Ok(transaction.commit().await?)
        })
    }

    fn delete_expired_sessions(&self, now_ms: i64, unused_since_ms: i64) -> StoreFuture<'_, u64> {
        Box::pin(async move {
            let query = sqlx::query("DELETE FROM sessions WHERE expires_at_ms <= $1 OR seen_at_ms <= $2");
            Ok(query.bind(now_ms).bind(unused_since_ms).execute(&self.pool).await?.rows_affected())
        })
    }
}

impl SqlStore {
    async fn one(&self, query: Query<'_>) -> Result<Option<Person>, StoreError> {
        query.fetch_optional(&self.pool).await?.as_ref().map(person_from).transpose()
    }
}

/// Binds from the address to `granted`.
fn said<'q>(query: Query<'q>, person: &'q Person) -> Query<'q> {
    let (issuer, subject) = parts_of(person);
    query
        .bind(&person.email)
        .bind(&person.name)
        .bind(person.role.as_str())
        .bind(person.reach.level().as_str())
        .bind(person.reach.tenant())
        .bind(person.reach.project())
        .bind(i64::from(person.frozen))
        .bind(issuer)
        .bind(subject)
        .bind(i64::from(person.is_granted))
}

fn parts_of(person: &Person) -> (Option<&str>, Option<&str>) {
    let identity = person.identity.as_ref();
    (identity.map(|own| own.issuer.as_str()), identity.map(|own| own.subject.as_str()))
}

/// Finds what they reach, if that is less than everything.
fn home_of(reach: &Reach) -> Option<Query<'_>> {
    match reach {
        Reach::Installation => None,
        Reach::Tenant { tenant } => Some(sqlx::query("SELECT 1 FROM tenants WHERE id = $1").bind(tenant)),
        Reach::Project { tenant, project } => {
            let query = sqlx::query("SELECT 1 FROM projects WHERE tenant = $1 AND id = $2");
            Some(query.bind(tenant).bind(project))
        }
    }
}

fn person_from(row: &AnyRow) -> Result<Person, StoreError> {
    let unknown = |column| StoreError::UnknownValue { table: "people", column };
    let level = ReachLevel::parse(row.try_get("reach")?).ok_or_else(|| unknown("reach"))?;
    let text = |column: &'static str| row.try_get::<Option<String>, _>(column);
    let (tenant, project) = (text("tenant")?, text("project")?);
    let reach = match (level, tenant, project) {
        (ReachLevel::Installation, None, None) => Reach::Installation,
        (ReachLevel::Tenant, Some(tenant), None) => Reach::Tenant { tenant },
        (ReachLevel::Project, Some(tenant), Some(project)) => Reach::Project { tenant, project },
        _ => return Err(unknown("reach")),
    };
    let identity = text("issuer")?.zip(text("subject")?);
    Ok(Person {
        id: row.try_get("id")?,
        email: row.try_get("email")?,
        name: text("name")?,
        role: Role::parse(row.try_get("role")?).ok_or_else(|| unknown("role"))?,
        reach,
        frozen: flag(row, "frozen")?,
        identity: identity.map(|(issuer, subject)| Identity { issuer, subject }),
        is_granted: flag(row, "granted")?,
        created_at_ms: row.try_get("created_at_ms")?,
        changed_at_ms: row.try_get("changed_at_ms")?,
        version: row.try_get("version")?,
    })
}

fn session_from(row: &AnyRow) -> Result<Session, StoreError> {
    let unknown = |_| StoreError::UnknownValue { table: "sessions", column: "hash" };
    Ok(Session {
        hash: row.try_get::<&[u8], _>("hash")?.try_into().map_err(unknown)?,
        person: row.try_get("person")?,
        created_at_ms: row.try_get("created_at_ms")?,
        seen_at_ms: row.try_get("seen_at_ms")?,
        expires_at_ms: row.try_get("expires_at_ms")?,
    })
}

#[cfg(test)]
#[path = "people_store_tests.rs"]
mod tests;
