//! All that operators change, read as of one generation and written in one transaction.

use super::act_store::mark_acted;
use super::tenancy_store::{
    Query, insert_department, insert_key, insert_project, insert_tenant, switch_off, switch_on, update_department,
    update_key, update_project, update_tenant,
};
use super::{KeyFilter, SqlStore, StoreError, TenancyStore as _, Written};
use crate::auth::Department;
use crate::state::{StateRecords, StateWrite};

impl SqlStore {
    pub(super) async fn read_state(&self) -> Result<StateRecords, StoreError> {
        // Read first: whoever writes with it learns whether something changed while the rest was read.
        let generation = self.generation().await?;
        Ok(StateRecords {
            tenants: self.tenants().await?,
            departments: self.departments(None).await?,
            projects: self.projects(None).await?,
            keys: self.keys(KeyFilter { limit: u32::MAX, ..KeyFilter::default() }).await?,
            switches: self.switches().await?,
            generation,
        })
    }

    pub(super) async fn write_all(&self, writes: Vec<StateWrite>, generation: i64) -> Result<Written, StoreError> {
        let mut transaction = self.pool.begin().await?;
        // First, as every change of these tables does, so that none comes in between.
        let count = sqlx::query("UPDATE directory_generation SET generation = generation + 1 WHERE generation = $1");
        if count.bind(generation).execute(&mut *transaction).await?.rows_affected() != 1 {
            return Ok(Written::Conflict);
        }
        mark_acted(&mut transaction).await?;
        for write in &writes {
            if query_of(write).execute(&mut *transaction).await?.rows_affected() != 1 {
                return Ok(Written::Conflict);
            }
        }
        transaction.commit().await?;
        Ok(Written::Done)
    }
}

fn query_of(write: &StateWrite) -> Query<'_> {
    match write {
        StateWrite::InsertTenant(tenant) => insert_tenant(tenant),
        StateWrite::UpdateTenant(tenant) => update_tenant(tenant),
        StateWrite::InsertDepartment(department) => insert_department(department),
        StateWrite::UpdateDepartment(department) => update_department(department),
        StateWrite::RemoveDepartment(department) => remove_department(department),
        StateWrite::InsertProject(project) => insert_project(project),
        StateWrite::UpdateProject(project) => update_project(project),
        StateWrite::InsertKey(key) => insert_key(key),
        StateWrite::UpdateKey(key) => update_key(key),
        StateWrite::SwitchOff(switch) => switch_off(switch),
        StateWrite::SwitchOn(kind, name) => switch_on(*kind, name),
    }
}

fn remove_department(department: &Department) -> Query<'_> {
    let query = "DELETE FROM departments WHERE tenant = $1 AND id = $2 AND version = $3 \
                 AND NOT EXISTS (SELECT 1 FROM projects WHERE tenant = $1 AND department = $2)";
    sqlx::query(query).bind(&department.tenant).bind(&department.id).bind(department.version)
}
