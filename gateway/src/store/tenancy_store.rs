//! Tenants, departments, projects, keys and kill switches: what the store owns and operators change.
//!
//! Every change counts the generation up in its own transaction, so that whoever has read one generation has read all of
//! it. Nothing is deleted but switches: what requests were served under must still be told from the audit.

use serde::Serialize;
use sqlx::{Any, Transaction};

use super::act_store::mark_acted;
use super::tenancy_rows::{department_from, key_from, project_from, switch_from, tenant_from};
use super::{PeopleStore as _, SqlStore, StoreError, StoreFuture};
use crate::auth::{Department, DirectoryRecords, KeyRecord, Project, Role, Switch, SwitchKind, Switches, Tenant};
use crate::state::{StateRecords, StateWrite};

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    Done,
    /// It was changed since it was read, or is there already.
    Conflict,
    /// It, or what it belongs to, does not exist.
    Missing,
}

/// Which keys are asked for; what is not set asks for all.
#[derive(Debug, Clone, Default)]
pub struct KeyFilter {
    pub tenant: Option<String>,
    pub project: Option<String>,
    pub environment: Option<String>,
    pub role: Option<Role>,
    pub owner: Option<String>,
    /// By id.
    pub person: Option<String>,
    /// The beginning of the id.
    pub prefix: Option<String>,
    /// Ids behind this one.
    pub after: String,
    pub limit: u32,
}

/// Lists are ordered by id, and those of one tenant where one is given.
pub trait TenancyStore: Send + Sync {
    /// Everything that requests are checked against.
    fn directory(&self) -> StoreFuture<'_, DirectoryRecords>;
    /// Another number than before if the directory, or an exchange rate, has changed.
    fn generation(&self) -> StoreFuture<'_, i64>;

    fn tenants(&self) -> StoreFuture<'_, Vec<Tenant>>;
    fn insert_tenant(&self, tenant: Tenant) -> StoreFuture<'_, Written>;
    /// Puts it in place of the one of its version.
    fn update_tenant(&self, tenant: Tenant) -> StoreFuture<'_, Written>;

    fn departments(&self, tenant: Option<String>) -> StoreFuture<'_, Vec<Department>>;
    fn insert_department(&self, department: Department) -> StoreFuture<'_, Written>;
    fn update_department(&self, department: Department) -> StoreFuture<'_, Written>;

    fn projects(&self, tenant: Option<String>) -> StoreFuture<'_, Vec<Project>>;
    fn insert_project(&self, project: Project) -> StoreFuture<'_, Written>;
    fn update_project(&self, project: Project) -> StoreFuture<'_, Written>;

    fn keys(&self, filter: KeyFilter) -> StoreFuture<'_, Vec<KeyRecord>>;
    fn key(&self, id: String) -> StoreFuture<'_, Option<KeyRecord>>;
    /// Makes its tenant and project as well, where they do not exist.
    fn insert_key(&self, key: KeyRecord) -> StoreFuture<'_, ()>;
    fn update_key(&self, key: KeyRecord) -> StoreFuture<'_, Written>;
    /// One takes the place of another, which is changed at the same time.
    fn rotate_key(&self, old: KeyRecord, new: KeyRecord) -> StoreFuture<'_, Written>;

    fn switches(&self) -> StoreFuture<'_, Vec<Switch>>;
    fn switch_off(&self, switch: Switch) -> StoreFuture<'_, ()>;
    /// True if it was off.
    fn switch_on(&self, kind: SwitchKind, name: String) -> StoreFuture<'_, bool>;

    /// All of the above as of one generation.
    fn state(&self) -> StoreFuture<'_, StateRecords>;
    /// Writes all of it, if nothing has changed since that generation.
    fn write_state(&self, writes: Vec<StateWrite>, generation: i64) -> StoreFuture<'_, Written>;
}

pub(super) type Query<'q> = sqlx::query::Query<'q, Any, sqlx::any::AnyArguments>;

impl TenancyStore for SqlStore {
    fn directory(&self) -> StoreFuture<'_, DirectoryRecords> {
        Box::pin(async move {
            // Read first: what changes while the rest is read will be read again.
            let generation = self.generation().await?;
            Ok(DirectoryRecords {
                tenants: self.tenants().await?,
                projects: self.projects(None).await?,
                keys: self.keys(KeyFilter { limit: u32::MAX, ..KeyFilter::default() }).await?,
                people: self.people().await?,
                switches: Switches::new(self.switches().await?),
                generation,
            })
        })
    }

    fn generation(&self) -> StoreFuture<'_, i64> {
        Box::pin(async move {
            let query = sqlx::query_scalar("SELECT generation FROM directory_generation");
            Ok(query.fetch_one(&self.pool).await?)
        })
    }

    fn tenants(&self) -> StoreFuture<'_, Vec<Tenant>> {
        Box::pin(async move {
            let rows = sqlx::query("SELECT * FROM tenants ORDER BY id").fetch_all(&self.pool).await?;
            rows.iter().map(tenant_from).collect()
        })
    }

    fn insert_tenant(&self, tenant: Tenant) -> StoreFuture<'_, Written> {
        Box::pin(async move { self.inserted(insert_tenant(&tenant), None).await })
    }

    fn update_tenant(&self, tenant: Tenant) -> StoreFuture<'_, Written> {
        Box::pin(async move {
            let found = sqlx::query("SELECT 1 FROM tenants WHERE id = $1").bind(&tenant.id);
            self.updated(update_tenant(&tenant), found).await
        })
    }

    fn departments(&self, tenant: Option<String>) -> StoreFuture<'_, Vec<Department>> {
        Box::pin(async move {
            let query = "SELECT * FROM departments WHERE ($1 IS NULL OR tenant = $1) ORDER BY tenant, id";
            let rows = sqlx::query(query).bind(tenant).fetch_all(&self.pool).await?;
            rows.iter().map(department_from).collect()
        })
    }

    fn insert_department(&self, department: Department) -> StoreFuture<'_, Written> {
        Box::pin(async move {
            let needs = sqlx::query("SELECT 1 FROM tenants WHERE id = $1").bind(&department.tenant);
            self.inserted(insert_department(&department), Some(needs)).await
        })
    }

    fn update_department(&self, department: Department) -> StoreFuture<'_, Written> {
        Box::pin(async move {
            let found = sqlx::query("SELECT 1 FROM departments WHERE tenant = $1 AND id = $2");
            let found = found.bind(&department.tenant).bind(&department.id);
            self.updated(update_department(&department), found).await
        })
    }

    fn projects(&self, tenant: Option<String>) -> StoreFuture<'_, Vec<Project>> {
        Box::pin(async move {
            let query = "SELECT * FROM projects WHERE ($1 IS NULL OR tenant = $1) ORDER BY tenant, id";
            let rows = sqlx::query(query).bind(tenant).fetch_all(&self.pool).await?;
            rows.iter().map(project_from).collect()
        })
    }

    fn insert_project(&self, project: Project) -> StoreFuture<'_, Written> {
        Box::pin(async move { self.inserted(insert_project(&project), Some(home_of(&project))).await })
    }

    fn update_project(&self, project: Project) -> StoreFuture<'_, Written> {
        Box::pin(async move {
            if sqlx::query("SELECT 1 FROM projects WHERE tenant = $1 AND id = $2")
                .bind(&project.tenant)
                .bind(&project.id)
                .fetch_optional(&self.pool)
                .await?
                .is_none()
            {
                return Ok(Written::Missing);
            }
            self.updated(update_project(&project), home_of(&project)).await
        })
    }

    fn keys(&self, filter: KeyFilter) -> StoreFuture<'_, Vec<KeyRecord>> {
        Box::pin(async move {
            let query = "SELECT * FROM keys WHERE ($1 IS NULL OR tenant = $1) AND ($2 IS NULL OR project = $2) \
                         AND ($3 IS NULL OR environment = $3) AND ($4 IS NULL OR role = $4) \
                         AND ($5 IS NULL OR owner = $5) AND ($6 IS NULL OR substr(id, 1, length($6)) = $6) \
                         AND ($7 IS NULL OR person = $7) AND id > $8 ORDER BY id LIMIT $9";
            let rows = sqlx::query(query)
                .bind(filter.tenant)
                .bind(filter.project)
                .bind(filter.environment)
                .bind(filter.role.map(Role::as_str))
                .bind(filter.owner)
                .bind(filter.prefix)
                .bind(filter.person)
                .bind(filter.after)
                .bind(i64::from(filter.limit))
                .fetch_all(&self.pool)
                .await?;
            rows.iter().map(key_from).collect()
        })
    }

    fn key(&self, id: String) -> StoreFuture<'_, Option<KeyRecord>> {
        Box::pin(async move {
            let row = sqlx::query("SELECT * FROM keys WHERE id = $1").bind(id).fetch_optional(&self.pool).await?;
            row.as_ref().map(key_from).transpose()
        })
    }

    fn insert_key(&self, key: KeyRecord) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let mut transaction = self.pool.begin().await?;
            count_up(&mut transaction).await?;
            insert_tenant(&Tenant::named(&key.tenant, key.created_at_ms)).execute(&mut *transaction).await?;
            let project = Project::named(&key.tenant, &key.project, key.created_at_ms);
            insert_project(&project).execute(&mut *transaction).await?;
            insert_key(&key).execute(&mut *transaction).await?;
            Ok(transaction.commit().await?)
        })
    }

    fn update_key(&self, key: KeyRecord) -> StoreFuture<'_, Written> {
        Box::pin(async move {
            let found = sqlx::query("SELECT 1 FROM keys WHERE id = $1").bind(&key.id);
            self.updated(update_key(&key), found).await
        })
    }

    fn rotate_key(&self, old: KeyRecord, new: KeyRecord) -> StoreFuture<'_, Written> {
        Box::pin(async move {
            let mut transaction = self.pool.begin().await?;
            count_up(&mut transaction).await?;
            if update_key(&old).execute(&mut *transaction).await?.rows_affected() != 1 {
                return Ok(Written::Conflict);
            }
            insert_key(&new).execute(&mut *transaction).await?;
            transaction.commit().await?;
            Ok(Written::Done)
        })
    }

    fn switches(&self) -> StoreFuture<'_, Vec<Switch>> {
        Box::pin(async move {
            let rows = sqlx::query("SELECT * FROM switches ORDER BY kind, name").fetch_all(&self.pool).await?;
            rows.iter().map(switch_from).collect()
        })
    }

    fn switch_off(&self, switch: Switch) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let mut transaction = self.pool.begin().await?;
            count_up(&mut transaction).await?;
            switch_off(&switch).execute(&mut *transaction).await?;
            Ok(transaction.commit().await?)
        })
    }

    fn switch_on(&self, kind: SwitchKind, name: String) -> StoreFuture<'_, bool> {
        Box::pin(async move {
            let mut transaction = self.pool.begin().await?;
            count_up(&mut transaction).await?;
            let gone = switch_on(kind, &name).execute(&mut *transaction).await?.rows_affected();
            if gone > 0 {
                transaction.commit().await?;
            }
            Ok(gone > 0)
        })
    }

    fn state(&self) -> StoreFuture<'_, StateRecords> {
        Box::pin(self.read_state())
    }

    fn write_state(&self, writes: Vec<StateWrite>, generation: i64) -> StoreFuture<'_, Written> {
        Box::pin(self.write_all(writes, generation))
    }
}

impl SqlStore {
    /// Writes a row where none is, if what it belongs to is there.
    pub(super) async fn inserted(&self, query: Query<'_>, needs: Option<Query<'_>>) -> Result<Written, StoreError> {
        let mut transaction = self.pool.begin().await?;
        count_up(&mut transaction).await?;
        if let Some(needs) = needs
            && needs.fetch_optional(&mut *transaction).await?.is_none()
        {
            return Ok(Written::Missing);
        }
        if query.execute(&mut *transaction).await?.rows_affected() != 1 {
            return Ok(Written::Conflict);
        }
        transaction.commit().await?;
        Ok(Written::Done)
    }

    /// Writes over a row of the version that was read, if `found` finds what must be there.
    async fn updated(&self, query: Query<'_>, found: Query<'_>) -> Result<Written, StoreError> {
        let mut transaction = self.pool.begin().await?;
        count_up(&mut transaction).await?;
        if found.fetch_optional(&mut *transaction).await?.is_none() {
            return Ok(Written::Missing);
        }
        if query.execute(&mut *transaction).await?.rows_affected() != 1 {
            return Ok(Written::Conflict);
        }
        transaction.commit().await?;
        Ok(Written::Done)
    }
}

/// Comes first in a transaction: it also keeps others that write out of it.
pub(super) async fn count_up(transaction: &mut Transaction<'_, Any>) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE directory_generation SET generation = generation + 1");
    query.execute(&mut **transaction).await?;
    mark_acted(transaction).await
}

/// Finds where a project stands: its department, or its tenant.
fn home_of(project: &Project) -> Query<'_> {
    match &project.department {
        Some(department) => sqlx::query("SELECT 1 FROM departments WHERE tenant = $1 AND id = $2")
            .bind(&project.tenant)
            .bind(department),
        None => sqlx::query("SELECT 1 FROM tenants WHERE id = $1").bind(&project.tenant),
    }
}

pub(super) fn insert_tenant(tenant: &Tenant) -> Query<'_> {
    let query = "INSERT INTO tenants (id, name, settings, frozen, created_at_ms, version) VALUES ($1, $2, $3, $4, $5, 1) \
                 ON CONFLICT DO NOTHING";
    sqlx::query(query)
        .bind(&tenant.id)
        .bind(&tenant.name)
        .bind(json(&tenant.settings))
        .bind(i64::from(tenant.frozen))
        .bind(tenant.created_at_ms)
}

pub(super) fn update_tenant(tenant: &Tenant) -> Query<'_> {
    let query = "UPDATE tenants SET name = $1, settings = $2, frozen = $3, version = version + 1 \
                 WHERE id = $4 AND version = $5";
    sqlx::query(query)
        .bind(&tenant.name)
        .bind(json(&tenant.settings))
        .bind(i64::from(tenant.frozen))
        .bind(&tenant.id)
        .bind(tenant.version)
}

pub(super) fn insert_department(department: &Department) -> Query<'_> {
    let query = "INSERT INTO departments (tenant, id, name, created_at_ms, version) VALUES ($1, $2, $3, $4, 1) \
                 ON CONFLICT DO NOTHING";
    sqlx::query(query)
        .bind(&department.tenant)
        .bind(&department.id)
        .bind(&department.name)
        .bind(department.created_at_ms)
}

pub(super) fn update_department(department: &Department) -> Query<'_> {
    let query =
        "UPDATE departments SET name = $1, version = version + 1 WHERE tenant = $2 AND id = $3 AND version = $4";
    sqlx::query(query).bind(&department.name).bind(&department.tenant).bind(&department.id).bind(department.version)
}

pub(super) fn insert_project(project: &Project) -> Query<'_> {
    let query = "INSERT INTO projects (tenant, id, name, department, settings, frozen, created_at_ms, version) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, 1) ON CONFLICT DO NOTHING";
    sqlx::query(query)
        .bind(&project.tenant)
        .bind(&project.id)
        .bind(&project.name)
        .bind(&project.department)
        .bind(json(&project.settings))
        .bind(i64::from(project.frozen))
        .bind(project.created_at_ms)
}

pub(super) fn update_project(project: &Project) -> Query<'_> {
    let query = "UPDATE projects SET name = $1, department = $2, settings = $3, frozen = $4, \
                 version = version + 1 WHERE tenant = $5 AND id = $6 AND version = $7";
    sqlx::query(query)
        .bind(&project.name)
        .bind(&project.department)
        .bind(json(&project.settings))
        .bind(i64::from(project.frozen))
        .bind(&project.tenant)
        .bind(&project.id)
        .bind(project.version)
}

pub(super) fn switch_off(switch: &Switch) -> Query<'_> {
    let query = "INSERT INTO switches (kind, name, reason, by_key, at_ms) VALUES ($1, $2, $3, $4, $5) \
                 ON CONFLICT (kind, name) DO UPDATE SET reason = excluded.reason, by_key = excluded.by_key, \
                 at_ms = excluded.at_ms";
    sqlx::query(query)
        .bind(switch.kind.as_str())
        .bind(&switch.name)
        .bind(&switch.reason)
        .bind(&switch.by)
        .bind(switch.at_ms)
}

pub(super) fn switch_on(kind: SwitchKind, name: &str) -> Query<'_> {
    sqlx::query("DELETE FROM switches WHERE kind = $1 AND name = $2").bind(kind.as_str()).bind(name)
}

pub(super) fn insert_key(key: &KeyRecord) -> Query<'_> {
    let query = "INSERT INTO keys (id, name, role, tenant, project, environment, data_class, settings, owner, hash, \
                 created_at_ms, expires_at_ms, frozen, revoked, person, version) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 1)";
    sqlx::query(query)
        .bind(&key.id)
        .bind(&key.name)
        .bind(key.role.as_str())
        .bind(&key.tenant)
        .bind(&key.project)
        .bind(&key.environment)
        .bind(key.data_class.as_str())
        .bind(json(&key.settings))
        .bind(&key.settings.owner)
        .bind(key.hash.as_slice())
        .bind(key.created_at_ms)
        .bind(key.expires_at_ms)
        .bind(i64::from(key.frozen))
        .bind(i64::from(key.revoked))
        .bind(&key.settings.person)
}

/// Whose key it is and what proves it never change.
pub(super) fn update_key(key: &KeyRecord) -> Query<'_> {
    let query = "UPDATE keys SET name = $1, data_class = $2, settings = $3, owner = $4, expires_at_ms = $5, \
                 frozen = $6, revoked = $7, version = version + 1 WHERE id = $8 AND version = $9";
    sqlx::query(query)
        .bind(&key.name)
        .bind(key.data_class.as_str())
        .bind(json(&key.settings))
        .bind(&key.settings.owner)
        .bind(key.expires_at_ms)
        .bind(i64::from(key.frozen))
        .bind(i64::from(key.revoked))
        .bind(&key.id)
        .bind(key.version)
}

/// Settings are names, numbers and lists of them, which always have a JSON form.
fn json(settings: &impl Serialize) -> String {
    serde_json::to_string(settings).unwrap_or_default()
}

#[cfg(test)]
#[path = "tenancy_store_tests.rs"]
mod tests;
