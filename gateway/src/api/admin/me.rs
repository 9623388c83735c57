//! `/admin/v1/me` and `/admin/v1/roles`: what the caller may do, and what others may.

use axum::{Extension, Json};
use serde_json::{Value, json};

use super::caller::{Caller, reach};
use crate::auth::{Permission, Role};

pub async fn show_me(Extension(caller): Caller) -> Json<Value> {
    let key = &caller.context().key;
    let reach = reach(&caller);
    let may: Vec<_> = Permission::ALL.into_iter().filter(|permission| key.may(*permission)).collect();
    let person = key.person().map(|own| json!({ "id": own.id, "email": own.email, "name": own.name }));
    Json(json!({
        // Of somebody who is logged in there is none.
        "key_id": if key.is_login() { None } else { Some(&key.id) },
        "name": key.name,
        "person": person,
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
