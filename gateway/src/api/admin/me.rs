//! `/admin/v1/me` and `/admin/v1/roles`: what the caller may do, and what others may.

use axum::{Extension, Json};
use serde_json::{Value, json};

use super::caller::{Caller, reach};
use crate::auth::{Permission, Role};

pub async fn show_me(Extension(caller): Caller) -> Json<Value> {
    let key = &caller.context().key;
    let reach = reach(&caller);
    let may: Vec<_> = Permission::ALL.into_iter().filter(|permission| key.may(*permission)).collect();
    Json(json!({
        "key_id": key.id,
        "name": key.name,
        "role": key.role,
        "reach": reach.level(),
        "tenant": reach.tenant(),
        "project": reach.project(),
        "permissions": may,
    }))
}

pub async fn list_roles() -> Json<Value> {
    let roles = Role::ALL.into_iter().map(|role| {
        let may: Vec<_> = Permission::ALL.into_iter().filter(|permission| role.may(*permission)).collect();
        json!({ "id": role, "permissions": may })
    });
    Json(json!({ "object": "list", "data": roles.collect::<Vec<_>>(), "has_more": false }))
}
